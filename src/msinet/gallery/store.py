"""The store of a gallery: entries and their vectors in SQLite, which is the truth that indexes are made from."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from msinet.errors import SettingsError
from msinet.gallery.database import Database
from msinet.gallery.entries import Entry, Labels
from msinet.gallery.filters import ALL, IDENTITY, Filter

BLOCK = 10_000
"""Entries that are read at a time."""

GIVEN = "(SELECT value FROM json_each(?))"
"""A list of numbers as one value of a query."""


class New(NamedTuple):
    """What becomes an entry."""

    content: bytes
    """16 bytes that tell contents apart."""
    labels: Labels
    vector: np.ndarray
    """(D,) float32, unit length."""
    thumbnail: bytes | None = None
    """WebP."""


class Store:
    """Entries and vectors in a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the whole gallery."""
        return dict(self.database.rows("SELECT name, value FROM facts"))

    def set_facts(self, **facts: str) -> None:
        """Write facts of the whole gallery."""
        with self.database.writing() as writing:
            writing.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    def add(self, news: Sequence[New], again: bool = False) -> tuple[list[int], int]:
        """Add entries, all or none, so that they outlive a loss of power once this returns.

        Args:
            news: the new ones.
            again: add what is there already once more.

        Returns:
            The number of the entry of each, and how many of them are new.
        """
        with self.database.writing() as writing:
            last = (writing.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone() or (0,))[0]
            known = {} if again else _known(writing, [new.content for new in news])
            ids, fresh = [], []
            for new in news:
                if again or new.content not in known:
                    last += 1
                    known[new.content] = last
                    fresh.append((last, new))
                ids.append(known[new.content])
            _insert(writing, fresh, again)
        return ids, len(fresh)

    def entries(self, ids: Iterable[int], which: Filter = ALL) -> dict[int, Entry]:
        """Return those of the entries that are there and that a filter means, by number."""
        where, values = which.where()
        wanted = json.dumps(list(map(int, ids)))
        return {entry.id: entry for entry in self._entries(f"e.id IN {GIVEN} AND {where}", [wanted, *values])}

    def find(self, which: Filter = ALL, limit: int = -1, after: int = 0) -> list[Entry]:
        """Return entries that a filter means, by number, from the one behind `after`; all where the limit is -1."""
        where, values = which.where()
        return self._entries(f"e.id > ? AND {where} ORDER BY e.id LIMIT ?", [after, *values, limit])

    def _entries(self, condition: str, values: Sequence[object]) -> list[Entry]:
        rows = self.database.rows(
            f"SELECT e.id, {IDENTITY}, e.camera, e.time, e.track, e.path, e.identity IS NULL AND e.linked IS NOT NULL "
            f"FROM entries e WHERE {condition}",
            values,
        )
        fields: dict[int, dict[str, str]] = {}
        wanted = json.dumps([row[0] for row in rows])
        for entry, name, value in self.database.rows(
            f"SELECT entry, name, value FROM fields WHERE entry IN {GIVEN}", [wanted]
        ):
            fields.setdefault(entry, {})[name] = value
        return [
            Entry(id, identity, camera, datetime_of(time), track, path, fields.get(id, {}), bool(linked))
            for id, identity, camera, time, track, path, linked in rows
        ]

    def ids(self, which: Filter = ALL, limit: int = -1) -> np.ndarray:
        """Return the numbers of the entries that a filter means, (N,) int64, sorted; no more than a limit that is not -1."""
        where, values = which.where()
        rows = self.database.rows(f"SELECT e.id FROM entries e WHERE {where} LIMIT ?", [*values, limit])
        return np.sort(np.fromiter((row[0] for row in rows), np.int64, len(rows)))

    def count(self, which: Filter = ALL) -> int:
        """Return the number of entries that a filter means."""
        where, values = which.where()
        return self.database.rows(f"SELECT count(*) FROM entries e WHERE {where}", values)[0][0]

    def last_id(self) -> int:
        """Return the highest number that an entry ever had; 0 before the first."""
        rows = self.database.rows("SELECT seq FROM sqlite_sequence WHERE name = 'entries'")
        return rows[0][0] if rows else 0

    def vectors(self, ids: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return those of the entries that are there, (M,), and their vectors (M, D)."""
        wanted = json.dumps(list(map(int, ids)))
        return _matrix(self.database.rows(f"SELECT entry, vector FROM vectors WHERE entry IN {GIVEN}", [wanted]))

    def blocks(self, after: int = 0, size: int = BLOCK) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the numbers and the vectors of all entries behind `after`, in their order, some thousands at a time."""
        while rows := self.database.rows(
            "SELECT entry, vector FROM vectors WHERE entry > ? ORDER BY entry LIMIT ?", [after, size]
        ):
            yield _matrix(rows)
            after = rows[-1][0]

    def require_fields(self, names: Iterable[str]) -> None:
        """Raise a SettingsError where no entry has a field of a name; it says which there are."""
        for name in names:
            if self.database.rows("SELECT 1 FROM fields WHERE name = ? LIMIT 1", [name]):
                continue
            there = [row[0] for row in self.database.rows("SELECT DISTINCT name FROM fields ORDER BY name")]
            words = f"there are {', '.join(there)}" if there else "no entry has fields"
            raise SettingsError(f"no entry has a field {name!r}: {words}", "fields")

    def values(self, column: str) -> dict[str, int]:
        """Return how many entries there are of each camera or identity, sorted."""
        of = {"camera": "e.camera", "identity": IDENTITY}[column]
        rows = self.database.rows(f"SELECT {of}, count(*) FROM entries e WHERE {of} IS NOT NULL GROUP BY 1 ORDER BY 1")
        return dict(rows)

    def times(self) -> tuple[datetime | None, datetime | None]:
        """Return the earliest and the latest time of an entry."""
        earliest, latest = self.database.rows("SELECT min(time), max(time) FROM entries")[0]
        return datetime_of(earliest), datetime_of(latest)

    def remove(self, which: Filter) -> int:
        """Remove the entries that a filter means, with all that is known of them; return their number."""
        where, values = which.where()
        with self.database.writing() as writing:
            found = f"(SELECT e.id FROM entries e WHERE {where})"
            return writing.execute(f"DELETE FROM entries WHERE id IN {found}", values).rowcount

    def vacuum(self) -> None:
        """Write the database anew, without a trace of what was removed."""
        with self.database.explained():
            self.database.connection.execute("VACUUM")
            self.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def contents(self, ids: Iterable[int]) -> dict[int, tuple[bytes, bool, bytes | None]]:
        """Return the content of entries as `add` takes it, whether it was added again, and their thumbnails, by number."""
        rows = self.database.rows(
            f"SELECT id, content, copy != 0, image FROM entries LEFT JOIN thumbnails ON entry = id WHERE id IN {GIVEN}",
            [json.dumps(list(map(int, ids)))],
        )
        return {id: (content, bool(again), image) for id, content, again, image in rows}

    def thumbnail(self, id: int) -> bytes | None:
        """Return the thumbnail of an entry, WebP; None where none is kept."""
        rows = self.database.rows("SELECT image FROM thumbnails WHERE entry = ?", [id])
        return rows[0][0] if rows else None

    def link(self, groups: Mapping[int, str | None]) -> None:
        """Write which identity entries have by `link`; None for none."""
        with self.database.writing() as writing:
            writing.executemany("UPDATE entries SET linked = ? WHERE id = ?", ((name, id) for id, name in groups.items()))

    def linked(self) -> dict[int, str]:
        """Return which identity entries have by `link`."""
        return dict(self.database.rows("SELECT id, linked FROM entries WHERE linked IS NOT NULL"))

    def judge(self, one: int, other: int, same: bool | None) -> None:
        """Keep what somebody says of two entries: whether they show the same object; None takes it back."""
        pair = (min(one, other), max(one, other))
        with self.database.writing() as writing:
            writing.execute("DELETE FROM verdicts WHERE one = ? AND other = ?", pair)
            if same is not None:
                writing.execute("INSERT INTO verdicts VALUES (?, ?, ?)", (*pair, int(same)))

    def verdicts(self) -> list[tuple[int, int, bool]]:
        """Return all that was said of two entries."""
        return [(one, other, bool(same)) for one, other, same in self.database.rows("SELECT * FROM verdicts")]

    def add_calibration(self, made: str, content: str) -> None:
        """Keep a calibration; the latest one is used."""
        with self.database.writing() as writing:
            writing.execute("INSERT INTO calibrations (made, content) VALUES (?, ?)", (made, content))

    def calibration(self) -> tuple[str, str] | None:
        """Return when the latest calibration was made, and its content; None without one."""
        rows = self.database.rows("SELECT made, content FROM calibrations ORDER BY id DESC LIMIT 1")
        return rows[0] if rows else None


def _known(database: sqlite3.Connection, contents: Sequence[bytes]) -> dict[bytes, int]:
    """Return the entries of contents that are there."""
    known: dict[bytes, int] = {}
    distinct = list(dict.fromkeys(contents))
    for start in range(0, len(distinct), BLOCK):
        some = distinct[start : start + BLOCK]
        marks = ", ".join("?" * len(some))
        known.update(
            database.execute(f"SELECT content, min(id) FROM entries WHERE content IN ({marks}) GROUP BY content", some)
        )
    return known


def _insert(database: sqlite3.Connection, fresh: Sequence[tuple[int, New]], again: bool) -> None:
    """Write new entries with their numbers."""
    database.executemany(
        "INSERT INTO entries (id, content, copy, identity, camera, time, track, path) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ((id, new.content, id if again else 0, *_columns(new.labels)) for id, new in fresh),
    )
    database.executemany("INSERT INTO vectors VALUES (?, ?)", ((id, new.vector.tobytes()) for id, new in fresh))
    fields = ((id, name, value) for id, new in fresh for name, value in new.labels.fields.items())
    database.executemany("INSERT INTO fields VALUES (?, ?, ?)", fields)
    thumbnails = ((id, new.thumbnail) for id, new in fresh if new.thumbnail)
    database.executemany("INSERT INTO thumbnails VALUES (?, ?)", thumbnails)


def _columns(labels: Labels) -> tuple[object, ...]:
    time = labels.time.timestamp() if labels.time else None
    return labels.identity, labels.camera, time, labels.track, labels.path


def _matrix(rows: Sequence[tuple[int, bytes]]) -> tuple[np.ndarray, np.ndarray]:
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    if not rows:
        return ids, np.empty((0, 0), np.float32)
    return ids, np.frombuffer(b"".join(row[1] for row in rows), np.float32).reshape(len(rows), -1)


def datetime_of(seconds: float | None) -> datetime | None:
    """Return a time of the database, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


DATABASE = "gallery.sqlite"
"""Name of the database in a gallery's folder."""


def open_store(folder: Path, read_only: bool = False) -> Store:
    """Return the store of a gallery's folder."""
    return Store(Database(folder / DATABASE, read_only))
