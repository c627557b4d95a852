"""What a gallery needs of a store. Two are there: SQLite in a folder, and Milvus on a cluster."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import numpy as np

from msinet.gallery.entries import Entry, Labels
from msinet.gallery.filters import ALL, Filter

BLOCK = 10_000
"""Entries that are read at a time."""


class New(NamedTuple):
    """What becomes an entry."""

    content: bytes
    """16 bytes that tell contents apart."""
    labels: Labels
    vector: np.ndarray
    """(D,) float32, unit length."""
    thumbnail: bytes | None = None
    """WebP."""


class Store(Protocol):
    """Entries, their vectors, and what is known of them.

    All methods raise FileError where the store cannot be reached, read or written, and BusyError where another writer keeps
    it for longer than a minute.
    """

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the whole gallery."""
        ...

    def set_facts(self, **facts: str) -> None:
        """Write facts of the whole gallery."""
        ...

    def add(self, news: Sequence[New], again: bool = False) -> tuple[list[int], int]:
        """Add entries, so that they outlive a loss of power and are found once this returns.

        SQLite adds all or none. Milvus adds parts of some megabytes; done again, an addition that failed adds the rest.

        Args:
            news: the new ones.
            again: add what is there already once more.

        Returns:
            The number of the entry of each, and how many of them are new.
        """
        ...

    def entries(self, ids: Iterable[int], which: Filter = ALL) -> dict[int, Entry]:
        """Return those of the entries that are there and that a filter means, by number."""
        ...

    def find(self, which: Filter = ALL, limit: int = -1, after: int = 0) -> list[Entry]:
        """Return entries that a filter means, by number, from the one behind `after`; all where the limit is -1."""
        ...

    def ids(self, which: Filter = ALL, limit: int = -1) -> np.ndarray:
        """Return the numbers of the entries that a filter means, (N,) int64, sorted; no more than a limit that is not -1."""
        ...

    def count(self, which: Filter = ALL) -> int:
        """Return the number of entries that a filter means."""
        ...

    def last_id(self) -> int:
        """Return the highest number that an entry ever had; 0 before the first."""
        ...

    def vectors(self, ids: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return those of the entries that are there, (M,), and their vectors (M, D)."""
        ...

    def blocks(self, after: int = 0, size: int = BLOCK) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the numbers and the vectors of all entries behind `after`, in their order, at most `size` at a time."""
        ...

    def nearest(
        self, query: np.ndarray, top_k: int, which: Filter = ALL, group: Callable[[Entry], object] | None = None
    ) -> Sequence[tuple[Entry, float]]:
        """Return the nearest entries of a vector (D,) and their similarities, the most similar first, then by number.

        Args:
            query: unit length.
            top_k: number of entries or, with groups, of groups.
            which: entries that are meant.
            group: what entries have in common of which the nearest alone is returned.
        """
        ...

    def require_fields(self, names: Iterable[str]) -> None:
        """Raise a SettingsError where no entry has a field of a name; it says which there are."""
        ...

    def values(self, column: str) -> dict[str, int]:
        """Return how many entries there are of each camera or identity, sorted."""
        ...

    def times(self) -> tuple[datetime | None, datetime | None]:
        """Return the earliest and the latest time of an entry."""
        ...

    def remove(self, which: Filter) -> int:
        """Remove the entries that a filter means, with all that is known of them; return their number."""
        ...

    def vacuum(self) -> None:
        """Drop the traces of what was removed: SQLite writes its file anew, Milvus begins to merge its own in its time."""
        ...

    def faults(self) -> Iterator[str]:
        """Yield what is wrong, in sentences: SQLite looks at its whole file, Milvus at the entries."""
        ...

    def readable(self) -> int:
        """Return how many entries can be read where something is wrong."""
        ...

    def recall(self) -> float:
        """Return the share of the nearest entries that the index finds, of entries that are drawn by chance."""
        ...

    def contents(self, ids: Iterable[int]) -> dict[int, tuple[bytes, bool, bytes | None]]:
        """Return the content of entries as `add` takes it, whether it was added again, and their thumbnails, by number."""
        ...

    def thumbnail(self, id: int) -> bytes | None:
        """Return the thumbnail of an entry, WebP; None where none is kept."""
        ...

    def link(self, groups: Mapping[int, str | None]) -> None:
        """Write which identity entries have by `link`; None for none."""
        ...

    def linked(self) -> dict[int, str]:
        """Return which identity entries have by `link`."""
        ...

    def judge(self, one: int, other: int, same: bool | None) -> None:
        """Keep what somebody says of two entries: whether they show the same object; None takes it back."""
        ...

    def verdicts(self) -> list[tuple[int, int, bool]]:
        """Return all that was said of two entries, sorted."""
        ...

    def add_calibration(self, made: str, content: str) -> None:
        """Keep a calibration; the latest one is used."""
        ...

    def calibration(self) -> tuple[str, str] | None:
        """Return when the latest calibration was made, and its content; None without one."""
        ...
