"""The gallery: have we seen this one before, where, and how sure are we? Imports no torch."""
