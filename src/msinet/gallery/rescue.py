"""What can be saved of a damaged database."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from msinet.errors import FileError
from msinet.gallery.database import DATABASE
from msinet.gallery.entries import Labels
from msinet.gallery.schema import APPLICATION
from msinet.gallery.store import BLOCK, New, Store
from msinet.gallery.times import datetime_of
from msinet.progress import begin

T = TypeVar("T")


def save_what_is_left(folder: Path, into: Store, dim: int) -> int:
    """Add the entries of a damaged database that can be read to another store; return their number.

    Raises:
        FileError: nothing of it can be read.
    """
    saved, part = 0, list[New]()
    bar = begin("save", None)
    for new in _saved(_raw(folder)):
        if len(new.vector) != dim:
            continue
        part.append(new)
        if len(part) == BLOCK:
            saved += into.add(part)[1]
            bar.advance(len(part))
            part = []
    return saved + into.add(part)[1]


def facts_left(folder: Path) -> dict[str, str]:
    """Return what can be read of a damaged gallery's facts; its vectors' length at least.

    Raises:
        FileError: nothing of it can be read.
    """
    database = _raw(folder)
    facts = dict(_whole(lambda: database.execute("SELECT name, value FROM facts").fetchall()) or ())
    if "dim" not in facts:
        first = _whole(lambda: database.execute("SELECT length(vector) FROM vectors LIMIT 1").fetchone())
        if not first:
            raise FileError(f"nothing of {folder / DATABASE} can be read: restore it from a copy")
        facts["dim"] = str(first[0] // 4)
    return facts


def count_saved(folder: Path) -> int:
    """Return how many entries of a damaged database can be read. Raises FileError where nothing of it can."""
    return sum(1 for _ in _saved(_raw(folder)))


def _raw(folder: Path) -> sqlite3.Connection:
    file = folder / DATABASE
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        if connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION:
            return connection
        why = "its header is that of something else"
    except sqlite3.Error as error:
        why = str(error)
    raise FileError(f"nothing of {file} can be read ({why}): restore it from a copy")


def _saved(database: sqlite3.Connection) -> Iterator[New]:
    """Yield what can be read, by number: whole ranges where they are whole, and one by one where they are not."""
    last = _whole(lambda: database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone())
    last = last or _whole(lambda: database.execute("SELECT max(entry) FROM vectors").fetchone())
    for first in range(1, ((last or (0,))[0] or 0) + 1, BLOCK):
        yield from _range(database, first, first + BLOCK)


def _range(database: sqlite3.Connection, first: int, end: int) -> Iterator[New]:
    rows = _whole(lambda: database.execute(QUERY, (first, end)).fetchall())
    if rows is not None:
        yield from (_new(database, row) for row in rows)
    elif end - first > 1:
        middle = (first + end) // 2
        yield from _range(database, first, middle)
        yield from _range(database, middle, end)


QUERY = (
    "SELECT e.id, content, ifnull(identity, linked), camera, time, track, path, vector "
    "FROM entries e NOT INDEXED JOIN vectors ON vectors.entry = e.id WHERE e.id >= ? AND e.id < ?"
)


def _new(database: sqlite3.Connection, row: tuple) -> New:
    id, content, identity, camera, time, track, path, vector = row
    fields = _whole(lambda: database.execute("SELECT name, value FROM fields WHERE entry = ?", (id,)).fetchall())
    thumbnail = _whole(lambda: database.execute("SELECT image FROM thumbnails WHERE entry = ?", (id,)).fetchone())
    labels = Labels(identity, camera, datetime_of(time), track, path, dict(fields or ()))
    return New(content, labels, np.frombuffer(vector, np.float32), thumbnail[0] if thumbnail else None)


def _whole(read: Callable[[], T]) -> T | None:
    """Return what is read; None where it is damaged."""
    try:
        return read()
    except (sqlite3.Error, UnicodeDecodeError):
        return None
