"""Images that a table names, as the content of their files: local paths, and URIs of object stores."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msinet.data.labels import label_of
from msinet.data.pixels import OF_THE_MACHINE
from msinet.data.readers.table_paths import TablePaths
from msinet.errors import FileError
from msinet.files.os_errors import in_words
from msinet.jobs.by_ray.places import Place, is_uri

MISSING = "there is no such file"
WAITS = (1.0, 5.0)
"""Seconds before an object store that does not answer is asked again."""

FORBIDDEN = "ACCESS_DENIED"
"""What S3 answers where a right is missing, also for names that do not exist."""


class RayImages:
    """Reads the images of a table.

    Args:
        folder: folder of the table; relative paths are relative to it or, if it is local, to `current`.
        current: folder that the command was given in.
    """

    def __init__(self, folder: Place, current: Path) -> None:
        self.folder = folder
        self.paths = TablePaths(Path(folder.path))
        self.paths.current = current
        self.roots: dict[tuple[str, str], Place] = {}
        self.opening = threading.Lock()

    def fetch(self, cell: object) -> bytes | str:
        """Return the content of the file that a cell names; the reason where there is none.

        Raises:
            FileError: an object store does not answer.
            OSError: too many files are open, or memory is short.
        """
        if label_of(cell) is None:
            return "path is empty"
        written = os.fsdecode(cell) if isinstance(cell, bytes) else str(cell).strip()
        if is_uri(written):
            scheme, rest = written.split("://", 1)
            if scheme.lower() == "file":
                return _of_disk(Path(unquote(urlsplit(written).path)))
            bucket, _, key = rest.partition("/")
            try:
                root = self._root(scheme, bucket)
            except FileError as error:
                if isinstance(error.__cause__, OSError):  # The store does not answer, which says nothing about the image.
                    raise
                return str(error)
            return _of_store(root / key)
        if not self.folder.is_local and not Path(written).is_absolute():
            return _of_store(self.folder / written)
        found = self.paths.find(written)
        return _of_disk(found) if found else MISSING

    def _root(self, scheme: str, bucket: str) -> Place:
        """Return a bucket; finding its region takes a while, and is done once."""
        with self.opening:
            if (scheme, bucket) not in self.roots:
                self.roots[scheme, bucket] = Place.of(f"{scheme}://{bucket}/")
            return self.roots[scheme, bucket]


def _of_disk(path: Path) -> bytes | str:
    try:
        return path.read_bytes() if path.is_file() else MISSING  # Reading a pipe would wait for ever.
    except OSError as error:
        if error.errno in OF_THE_MACHINE:
            raise
        return in_words(error)


def _of_store(place: Place) -> bytes | str:
    for wait in WAITS:
        with suppress(OSError):
            return _read(place)
        time.sleep(wait)
    try:
        return _read(place)
    except OSError as error:  # Not the image's fault: it would be named unreadable for ever.
        raise FileError(f"cannot read {place}: {error}; run the same again when the store answers") from error


def _read(place: Place) -> bytes | str:
    """Return an object, or what is wrong with it. Raises OSError where the store does not answer."""
    try:
        return place.read()
    except FileNotFoundError:
        return MISSING
    except ValueError as error:  # No name that the store takes.
        return str(error)
    except OSError as error:
        if isinstance(error, PermissionError) or FORBIDDEN in str(error):
            return "you have no right to read it, or there is no such file"
        raise
