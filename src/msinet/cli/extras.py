"""Extras of the installation that some verbs need."""

from collections.abc import Iterator
from contextlib import contextmanager

from msinet.errors import MissingExtraError


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Name the extra to install where an import inside finds a package missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), extra) from error
