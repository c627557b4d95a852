"""The database of a gallery: connections, transactions, and SQLite's errors in words."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msinet.errors import BusyError, FileError, ModelError
from msinet.gallery.schema import create_tables, require_version

DATABASE = "gallery.sqlite"
"""Name of the database in a gallery's folder."""

PATIENCE = 60.0
"""Seconds that a writer waits for another one."""

PAGE = 16_384
"""Bytes of a page: four vectors of 768 numbers fill one."""

ROOM = 65_536
"""KiB of pages in memory while many entries are written: the index of contents is written all over."""

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Database:
    """A SQLite database, used by any number of threads and processes; additions outlive a loss of power.

    Args:
        file: of the database.
        read_only: nothing is written; also for files on a disk that cannot be written to.

    Raises:
        FileError: it cannot be opened, or it is damaged.
        ModelError: it is of a later version, or of something else.
    """

    def __init__(self, file: Path, read_only: bool = False) -> None:
        self.file, self.read_only = file, read_only
        self._own = threading.local()
        with self.explained():
            require_version(self.connection, str(file))

    @classmethod
    def create(cls, file: Path) -> "Database":
        """Return a new database with empty tables."""
        database = object.__new__(cls)
        database.file, database.read_only, database._own = file, False, threading.local()
        with database.explained(), database.writing() as connection:
            create_tables(connection)
        return database

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of this thread; a process that was forked opens its own."""
        found = getattr(self._own, "connection", None)
        if found is None or self._own.process != os.getpid():
            found = self._own.connection = self._connect()
            self._own.process = os.getpid()
        return found

    def _connect(self) -> sqlite3.Connection:
        # Without a folder to write to, a database that nobody else has open can be read as it lies there.
        alone = self.read_only and not os.access(self.file.parent, os.W_OK) and not self._has_log()
        mode = "ro&immutable=1" if alone else "ro" if self.read_only else "rwc"
        connection = sqlite3.connect(
            f"{self.file.absolute().as_uri()}?mode={mode}", PATIENCE, isolation_level=None, check_same_thread=False, uri=True
        )
        connection.execute(f"PRAGMA page_size = {PAGE}")
        if not self.read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _has_log(self) -> bool:
        log = self.file.with_name(f"{self.file.name}-wal")
        return log.exists() and log.stat().st_size > 0

    @contextmanager
    def writing(self, much: bool = False) -> Iterator[sqlite3.Connection]:
        """Write in one transaction: all of it or nothing. Another writer waits.

        Args:
            much: take the memory that much to write needs, and keep it for this thread.
        """
        with self.explained():
            connection = self.connection
            if much:
                connection.execute(f"PRAGMA cache_size = -{ROOM}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple]:
        """Return all rows of a query."""
        with self.explained():
            return self.connection.execute(query, values).fetchall()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn SQLite's errors into those of msinet."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._explanation(error) from error

    def _explanation(self, error: sqlite3.Error) -> FileError | BusyError | ModelError:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in DAMAGED:
            return FileError(f"{self.file} is damaged ({error}): msinet gallery check names what can be saved")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return BusyError(f"another process has been writing to {self.file} for {PATIENCE:.0f} s: try again later")
        if code == sqlite3.SQLITE_FULL:
            return FileError(f"the disk of {self.file} is full: nothing of this was added, make room and do it again")
        if code == sqlite3.SQLITE_READONLY:
            return FileError(f"{self.file} cannot be written to: nothing was changed, look at its permissions and its disk")
        if code == sqlite3.SQLITE_CANTOPEN:
            return FileError(f"cannot open {self.file}: look at its permissions and those of its folder")
        return FileError(f"cannot use {self.file}: {error}")

    def close(self) -> None:
        """Close the connection of this thread."""
        found = getattr(self._own, "connection", None)
        if found is not None and self._own.process == os.getpid():
            found.close()
        self._own.connection = None
