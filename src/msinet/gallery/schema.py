"""Tables of a gallery's database, their versions, and how one version becomes the next."""

import sqlite3
from collections.abc import Callable, Mapping

from msinet.errors import ModelError

APPLICATION = 0x6D73676C
"""What stands in the database's header to tell whose it is: "msgl"."""

VERSION = 1
"""Version of the tables."""

TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    content BLOB NOT NULL,   -- 16 bytes: hash of the image or, where there was none, of the vector
    copy INTEGER NOT NULL,   -- 0, or the number of an entry whose content was wanted once more
    identity TEXT,           -- as given
    linked TEXT,             -- as found by link
    camera TEXT,
    time REAL,               -- seconds since 1970, UTC
    track TEXT,
    path TEXT,
    UNIQUE (content, copy)
);
CREATE INDEX entries_by_identity ON entries (ifnull(identity, linked));
CREATE INDEX entries_by_camera ON entries (camera);
CREATE INDEX entries_by_time ON entries (time);
CREATE TABLE vectors (entry INTEGER PRIMARY KEY REFERENCES entries ON DELETE CASCADE, vector BLOB NOT NULL);
CREATE TABLE fields (
    entry INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (entry, name)
) WITHOUT ROWID;
CREATE INDEX fields_by_value ON fields (name, value);
CREATE TABLE thumbnails (entry INTEGER PRIMARY KEY REFERENCES entries ON DELETE CASCADE, image BLOB NOT NULL);
CREATE TABLE verdicts (
    one INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE,
    other INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE,
    same INTEGER NOT NULL,
    PRIMARY KEY (one, other), CHECK (one < other)
) WITHOUT ROWID;
CREATE INDEX verdicts_by_other ON verdicts (other);
CREATE TABLE calibrations (id INTEGER PRIMARY KEY AUTOINCREMENT, made TEXT NOT NULL, content TEXT NOT NULL);
"""
"""`verdicts` are what somebody said of two entries: whether they show the same object."""

MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], None]] = {}
"""What makes the tables of the next version, by the version that they have."""


def create_tables(database: sqlite3.Connection) -> None:
    """Make the tables in an empty database, in the current transaction."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            database.execute(statement)
    database.execute(f"PRAGMA application_id = {APPLICATION}")
    database.execute(f"PRAGMA user_version = {VERSION}")


def require_version(database: sqlite3.Connection, name: str, migrations: Mapping[int, Callable] = MIGRATIONS) -> None:
    """Bring the tables to the current version, all steps or none.

    Raises:
        ModelError: they are of a later version, or the database is of something else.
    """
    (application,), (version,) = (
        database.execute(f"PRAGMA {pragma}").fetchone() for pragma in ("application_id", "user_version")
    )
    if application != APPLICATION:
        raise ModelError(f"{name} is a database of something else: name the folder of a gallery")
    if version > VERSION:
        raise ModelError(f"{name} was written by a later version of msinet: install that version to use it")
    if version == VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        for step in range(version, VERSION):
            migrations[step](database)
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
