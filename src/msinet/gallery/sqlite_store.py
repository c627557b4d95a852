"""A gallery in a folder: entries and their vectors in SQLite, which is the truth, and an index that is made from it."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np

from msinet.errors import FileError, MSINetError, SettingsError
from msinet.gallery.database import DATABASE, Database
from msinet.gallery.entries import Entry, Labels
from msinet.gallery.filters import ALL, IDENTITY, Filter
from msinet.gallery.finder import Finder
from msinet.gallery.index_files import remove_index
from msinet.gallery.rescue import count_saved
from msinet.gallery.store import BLOCK, New
from msinet.gallery.times import datetime_of

MANY = 1_000
"""New entries at once above which the database takes more memory."""

GIVEN = "(SELECT value FROM json_each(?))"
"""A list of numbers as one value of a query."""


class SQLiteStore:
    """Entries and vectors in a database, and the index beside it; methods as those of `Store`.

    Args:
        folder: of the gallery.
        database: in that folder.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make a folder and a store in it that has no facts yet.

        Raises:
            FileError: nothing can be written there.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot make {folder}: {error.strerror}") from error
        return cls(folder, Database.create(folder / DATABASE))

    @classmethod
    def open(cls, folder: Path, read_only: bool = False) -> Self:
        """Open the store of a folder.

        Raises:
            FileError: it is damaged.
            ModelError: it is of a later version, or of something else.
        """
        return cls(folder, Database(folder / DATABASE, read_only))

    @cached_property
    def finder(self) -> Finder:
        """What finds the nearest entries."""
        return Finder(self, self.folder, int(self.facts["dim"]), keeps=not self.database.read_only)

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
        with self.database.writing(much=len(news) > MANY) as writing:
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
        return np.sort(np.fromiter(chain.from_iterable(rows), np.int64, len(rows)))

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
            words = f"there are {', '.join(there)}" if there else "there are none in this gallery"
            raise SettingsError(f"no entry has a field {name!r}: {words}")

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
        """Write the database and the index anew, without a trace of what was removed."""
        with self.database.explained():
            self.database.connection.execute("VACUUM")
            self.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        remove_index(self.folder)
        self.__dict__.pop("finder", None)

    def nearest(
        self, query: np.ndarray, top_k: int, which: Filter = ALL, group: Callable[[Entry], object] | None = None
    ) -> Sequence[tuple[Entry, float]]:
        """Return the nearest entries of a vector (D,), by the index."""
        return self.finder.nearest(query, top_k, which, group)

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the database, in sentences."""
        rows = self.database.rows
        try:
            yield from (f"SQLite: {row[0]}" for row in rows("PRAGMA integrity_check(20)") if row[0] != "ok")
            for table, *_ in rows("PRAGMA foreign_key_check")[:20]:
                yield f"{table} has a row of an entry that is not there"
            without = rows("SELECT count(*) FROM entries WHERE id NOT IN (SELECT entry FROM vectors)")[0][0]
            if without:
                yield f"{without} entries have no vector"
            wrong = rows("SELECT count(*) FROM vectors WHERE length(vector) != ?", [4 * int(self.facts["dim"])])[0][0]
            if wrong:
                yield f"{wrong} vectors have another length"
        except (MSINetError, KeyError) as error:
            yield str(error)

    def readable(self) -> int:
        """Return how many entries of a damaged database can be read."""
        return count_saved(self.folder)

    def recall(self) -> float:
        """Return the share of the nearest entries that the index finds."""
        return self.finder.recall()

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
