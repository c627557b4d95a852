"""Entries in a Milvus collection: how they are read, searched and counted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import numpy as np

from msinet.errors import SettingsError
from msinet.gallery.entries import Entry
from msinet.gallery.filters import ALL, Filter
from msinet.gallery.index import NearestOfSome
from msinet.gallery.milvus_filters import NO_TIME, expression, none_of, one_of, text
from msinet.gallery.milvus_notes import Note, Notes, parts
from msinet.gallery.milvus_server import PAGE, MilvusServer, Row
from msinet.gallery.store import BLOCK
from msinet.gallery.times import datetime_of

COLUMNS = {
    "id": ("int", 0),
    "content": ("text", 32),
    "again": ("bool", 0),
    "identity": ("text", 1_024),
    "camera": ("text", 1_024),
    "time": ("double", 0),
    "track": ("text", 1_024),
    "path": ("text", 4_096),
    "fields": ("json", 0),
}
"""An empty text is one that nobody gave."""

LABELS = ("id", "identity", "camera", "time", "track", "path", "fields")

CANDIDATES = 100
"""Least number of candidates that are judged by their vectors."""

JUDGED = 10
"""Least number of candidates for each wanted match."""

TRIED = 100
"""Entries whose nearest ones are looked for to measure the recall."""


class MilvusEntries:
    """The entries of a gallery, as one reads them; methods as those of `Store`.

    Args:
        server: where the collections are.
        name: of the gallery.
    """

    def __init__(self, server: MilvusServer, name: str) -> None:
        self.server, self.name = server, name
        self.notes = Notes(server, f"{name}_notes")

    def _where(self, which: Filter) -> str:
        linked = [note.number for note in self._linked_to(which.identity)] if which.identity else []
        return expression(which, linked)

    def _linked_to(self, names: Sequence[str]) -> Iterator[Note]:
        return self.notes.all("link", self.last_id(), one_of("text", names))

    def _entries(self, rows: Iterable[Row]) -> list[Entry]:
        """Return entries from rows, in their order."""
        rows = list(rows)
        linked = {note.number: note.text for note in self.notes.about("link", (r["id"] for r in rows if not r["identity"]))}
        return [
            Entry(
                row["id"],
                row["identity"] or linked.get(row["id"]),
                row["camera"] or None,
                datetime_of(row["time"]) if row["time"] > NO_TIME else None,
                row["track"] or None,
                row["path"] or None,
                row["fields"],
                not row["identity"] and row["id"] in linked,
            )
            for row in rows
        ]

    def _pages(self, which: Filter, columns: Sequence[str], after: int = 0, size: int = PAGE) -> Iterator[list[Row]]:
        """Yield the rows of the entries that a filter means, by number, some thousands at a time."""
        return self.server.pages(self.name, "id", self.last_id(), self._where(which), columns, after, min(size, PAGE))

    def _of(self, ids: Iterable[int], columns: Sequence[str], where: str = "") -> Iterator[Row]:
        """Yield the rows of those of the entries that are there."""
        for some in parts(list(ids)):
            within = one_of("id", some)
            yield from self.server.rows(self.name, f"{within} and {where}" if where else within, columns)

    def entries(self, ids: Iterable[int], which: Filter = ALL) -> dict[int, Entry]:
        """Return those of the entries that are there and that a filter means, by number."""
        return {entry.id: entry for entry in self._entries(self._of(ids, LABELS, self._where(which)))}

    def find(self, which: Filter = ALL, limit: int = -1, after: int = 0) -> list[Entry]:
        """Return entries that a filter means, by number, from the one behind `after`; all where the limit is -1."""
        found = list[Entry]()
        for page in self._pages(which, LABELS, after):
            found += self._entries(page)
            if 0 <= limit <= len(found):
                return found[:limit]
        return found

    def ids(self, which: Filter = ALL, limit: int = -1) -> np.ndarray:
        """Return the numbers of the entries that a filter means, (N,) int64, sorted; no more than a limit that is not -1."""
        found = list[int]()
        for page in self._pages(which, ("id",)):
            found += [row["id"] for row in page]
            if 0 <= limit <= len(found):
                break
        return np.array(found if limit < 0 else found[:limit], np.int64)

    def count(self, which: Filter = ALL) -> int:
        """Return the number of entries that a filter means."""
        return self.server.count(self.name, self._where(which))

    def last_id(self) -> int:
        """Return the highest number that an entry ever had; 0 before the first."""
        return max((note.number for note in self.notes.of('kind == "last"', ("key", "number"))), default=0)

    def vectors(self, ids: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return those of the entries that are there, (M,), and their vectors (M, D)."""
        return _matrix(sorted(self._of(map(int, ids), ("id", "vector")), key=lambda row: row["id"]))

    def blocks(self, after: int = 0, size: int = BLOCK) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the numbers and the vectors of all entries behind `after`, in their order, some thousands at a time."""
        return map(_matrix, self._pages(ALL, ("id", "vector"), after, size))

    def nearest(
        self, query: np.ndarray, top_k: int, which: Filter = ALL, group: Callable[[Entry], object] | None = None
    ) -> Sequence[tuple[Entry, float]]:
        """Return the nearest entries of a vector (D,), judged by their own vectors; see `Store`."""
        query, where = np.ascontiguousarray(query, np.float32), self._where(which)
        judged, wanted = list[tuple[int, float]](), max(CANDIDATES, JUDGED * top_k)
        while True:
            wanted = min(wanted, PAGE)
            others = none_of("id", [id for id, _ in judged]) if judged else ""
            meant = " and ".join(filter(None, (others, where)))
            ids, vectors = _matrix(self.server.search(self.name, query, wanted, meant, ("id", "vector")))
            if len(ids):
                judged += zip(ids.tolist(), (vectors @ query).tolist(), strict=True)
                judged.sort(key=lambda one: (-one[1], one[0]))
            first = self._first(judged, top_k, group)
            if len(first) >= top_k or len(ids) < wanted:
                return first
            wanted *= 4

    def _first(
        self, judged: Sequence[tuple[int, float]], top_k: int, group: Callable[[Entry], object] | None
    ) -> list[tuple[Entry, float]]:
        """Return the first entries or, with groups, the first of each group."""
        first = dict[object, tuple[Entry, float]]()
        for some in parts(judged, max(top_k, CANDIDATES) if group else top_k):
            entries = self.entries(id for id, _ in some)
            for id, similarity in some:
                if id in entries:
                    first.setdefault(group(entries[id]) if group else id, (entries[id], similarity))
            if len(first) >= top_k:
                break
        return list(first.values())[:top_k]

    def require_fields(self, names: Iterable[str]) -> None:
        """Raise a SettingsError where no entry has a field of a name; it says which the first thousands have."""
        for name in names:
            if name and self.server.rows(self.name, f"exists fields[{text(name)}]", ("id",), 1):
                continue
            rows = next(self._pages(ALL, ("id", "fields")), [])
            there = sorted({field for row in rows for field in row["fields"]})
            words = f"there are {', '.join(there)}" if there else "there are none in this gallery"
            raise SettingsError(f"no entry has a field {name!r}: {words}")

    def values(self, column: str) -> dict[str, int]:
        """Return how many entries there are of each camera or identity, sorted; Milvus counts no groups, so all are read."""
        counts = dict[str, int]()
        linked = self.linked() if column == "identity" else {}
        for page in self._pages(ALL, ("id", column)):
            for row in page:
                if name := row[column] or linked.get(row["id"]):
                    counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items()))

    def times(self) -> tuple[datetime | None, datetime | None]:
        """Return the earliest and the latest time of an entry; all are read."""
        pages = self.server.pages(self.name, "id", self.last_id(), f"time > {NO_TIME!r}", ("id", "time"))
        times = [row["time"] for page in pages for row in page]
        return datetime_of(min(times, default=None)), datetime_of(max(times, default=None))

    def recall(self) -> float:
        """Return the share of the nearest entries that the index finds."""
        ids = self.ids()
        drawn = np.random.default_rng(1).choice(ids, min(TRIED, len(ids)), replace=False)
        nearest = NearestOfSome(*self.vectors(drawn))
        for block in self.blocks():
            nearest.look_at(*block)
        shares = []
        for vector, right in zip(nearest.vectors, nearest.nearest, strict=True):
            found = [row["id"] for row in self.server.search(self.name, vector, CANDIDATES + 1, "", ("id",))]
            shares.append(np.isin(right[right >= 0], found).mean() if (right >= 0).any() else 1.0)
        return float(np.mean(shares)) if shares else 1.0

    def linked(self) -> dict[int, str]:
        """Return which identity entries have by `link`."""
        return {note.number: note.text for note in self.notes.all("link", self.last_id())}


def _matrix(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    ids = np.array([row["id"] for row in rows], np.int64)
    if not rows:
        return ids, np.empty((0, 0), np.float32)
    return ids, np.array([row["vector"] for row in rows], np.float32)
