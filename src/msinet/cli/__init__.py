"""The command line. Its verbs are loaded when they are called."""

from msinet.cli.app import main

__all__ = ["main"]
