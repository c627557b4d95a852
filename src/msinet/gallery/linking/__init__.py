"""Linking: which passes of cameras show the same object."""
