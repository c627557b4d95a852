"""Embedding by a Ray cluster."""
