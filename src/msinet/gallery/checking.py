"""Checks of a gallery: its store and its index."""

from dataclasses import dataclass
from pathlib import Path

from msinet.gallery.places import open_store

LEAST_RECALL = 0.98
"""Recall below which an index is called bad."""


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    entries: int
    """Number of entries that can be read."""
    faults: tuple[str, ...]
    """What is wrong with the store, in sentences."""
    recall: float | None
    """Share of the nearest entries that the index finds; None where the store is damaged."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and (self.recall is None or self.recall >= LEAST_RECALL)


def check_gallery(place: str | Path) -> Checked:
    """Check a gallery's store and its index. Nothing is written.

    Raises:
        FileError: there is no gallery, or nothing of it can be opened.
    """
    store = open_store(place, read_only=True)
    faults = tuple(store.faults())
    if faults:
        return Checked(store.readable(), faults, None)
    return Checked(store.count(), (), store.recall() if store.last_id() else 1.0)
