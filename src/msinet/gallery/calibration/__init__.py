"""Calibration: which similarity means that a query is known, and how sure that is."""
