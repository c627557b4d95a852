"""The library's log in the terminal: notes as lines, warnings as warnings, on standard error."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from msinet.cli.terminal import FIRST, say_aside, show_warning


class Terminal(logging.Handler):
    """A handler that prints."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record of the log."""
        try:
            show = show_warning if record.levelno >= logging.WARNING else say_aside
            show(record.getMessage())
        except Exception:  # As logging asks of its handlers: what cannot be printed stops no work.
            self.handleError(record)


@contextmanager
def shown_log() -> Iterator[None]:
    """Print what the library logs. Of several processes the others leave warnings to Python, which prints them too."""
    logger = logging.getLogger("msinet")
    if not FIRST:
        yield
        return
    handler, level = Terminal(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
