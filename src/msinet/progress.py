"""Progress of long work: silent unless somebody listens, as logging is."""

from collections.abc import Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Bar(Protocol):
    """A piece of work under way."""

    def advance(self, count: int = 1, **values: float) -> None:
        """Count steps as done; values such as the loss are worth showing."""
        ...


class Listener(Protocol):
    """Whoever shows progress: the terminal's bars, a notebook's, a test."""

    def begin(self, what: str, total: int | None, done: int = 0) -> Bar:
        """Begin a piece of work of `total` steps, `done` of them done before; None where the number is unknown."""
        ...


class _Silence:
    """A listener that shows nothing."""

    def begin(self, what: str, total: int | None, done: int = 0) -> "_Silence":
        return self

    def advance(self, count: int = 1, **values: float) -> None:
        pass


_listener: Listener = _Silence()


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Let a listener hear of all progress of this process."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before


def silence() -> AbstractContextManager[None]:
    """Return a context that shows no progress: for work within work that has a bar of its own."""
    return listen(_Silence())


def begin(what: str, total: int | None, done: int = 0) -> Bar:
    """Return the bar of new work, for work that is not one loop or has values to show."""
    return _listener.begin(what, total, done)


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield items, and count each as done when the next is asked for.

    For loops over all of the work: `for batch in track(batches, "embed")`.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    bar = begin(what, total)
    for item in items:
        yield item
        bar.advance()


def duration(seconds: float) -> str:
    """Return a time in words: 40 s, 29 min, 3 h 20 min, 2 d 3 h."""
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60:02d} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"
