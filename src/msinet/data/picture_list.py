"""List of the pictures of a dataset with a hash of each, by which a run knows its data again, and what changed in words."""

import json
import os
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import numpy as np

from msinet.data.picture_changes import Row, changes_in_words
from msinet.data.records import ReidSplits
from msinet.errors import FileError
from msinet.files.atomic import write_atomically
from msinet.files.content_hash import HASH, file_hash
from msinet.files.os_errors import in_words
from msinet.progress import track

T = TypeVar("T")

FORMAT = 1
"""Format number of the file."""

THREADS = 16
"""Threads that ask for states and read files: a shared disk answers many questions at a time."""

AT_ONCE = 256
"""Files in a piece of a thread's work."""

JUST_NOW = 2 * 10**9
"""Nanoseconds after a change in which another change may leave a file's times as they are, on the coarsest disks."""

SLOW = 1e-4
"""Seconds a file from which on threads are faster than their mutual waiting costs."""

STATE = struct.Struct("=4q")
"""A file's state: size, time of the last change of content in nanoseconds since 1970, time of the last change of content,
name or rights, which cannot be set, and the file's number on its disk. While it stays the same, the file is not read."""

TIMES = slice(1, 3)

NOT_THERE = STATE.pack(-1, 0, 0, 0)
"""State where there is no file."""

UNSURE = STATE.pack(0, 0, 0, 0)
"""State of files that have to be read again next time."""


@dataclass(frozen=True)
class PictureList:
    """Every record of a dataset with the state and the hash of its file, in the order of the dataset."""

    rows: tuple[Row, ...]
    """(N,) part, name and labels."""
    states: np.ndarray
    """(N, 4) int64, as in `STATE`."""
    hashes: np.ndarray
    """(N, 16) uint8; zeros where there is no file."""

    @classmethod
    def of(cls, splits: ReidSplits, known: "Iterable[PictureList]" = ()) -> "PictureList":
        """Return the list of a dataset. Files whose states are known are not read.

        Args:
            splits: the dataset.
            known: earlier lists, of whatever data; the last one of this process is known in any case.

        Raises:
            FileError: a file cannot be read.
        """
        global _last
        parts = splits.parts()
        paths = [os.fspath(record.path) for records in parts.values() for record in records]
        distinct = list(dict.fromkeys(paths))
        now = time.time_ns()
        states = dict(zip(distinct, in_chunks(_state, distinct), strict=True))
        hashes = _known_hashes([*((one.states, one.hashes) for one in known), _last]) | {NOT_THERE: bytes(HASH)}
        unread = [path for path in distinct if states[path] not in hashes]
        read = (
            dict(zip(unread, track(in_chunks(file_hash, unread), "hash images", len(unread)), strict=True)) if unread else {}
        )
        content = b"".join(read.get(path) or hashes[states[path]] for path in paths)
        kept = np.frombuffer(b"".join(map(states.__getitem__, paths)), np.int64).reshape(-1, 4).copy()
        kept[kept[:, TIMES].max(1, initial=0) >= now - JUST_NOW] = STATE.unpack(UNSURE)
        made = cls(tuple(_rows(splits, paths)), kept, np.frombuffer(content, np.uint8).reshape(-1, HASH))
        _last = made.states, made.hashes
        return made

    @cached_property
    def digest(self) -> str:
        """Short hash of the content of all pictures, in their order; names, times and labels are not in it."""
        return blake2b(self.hashes.tobytes(), digest_size=8).hexdigest()

    def changes_since(self, before: "PictureList") -> list[str]:
        """Return what changed in sentences: "3 images changed, 2 added (the first: a/1.jpg)", "1 label changed (...)"."""
        ours, theirs = ([one.tobytes() for one in each.hashes] for each in (self, before))
        return changes_in_words(before.rows, theirs, self.rows, ours)

    def save(self, file: Path) -> None:
        """Write the list as an .npz file without pickles. Raises FileError where that is impossible."""
        text = np.frombuffer(json.dumps([FORMAT, self.rows]).encode(), np.uint8)
        write_atomically(file, lambda to: np.savez_compressed(to, text=text, states=self.states, hashes=self.hashes))

    @classmethod
    def load(cls, file: Path) -> "PictureList | None":
        """Return the list in a file; None without one, or where it is damaged: it only saves time."""
        try:
            with np.load(file, allow_pickle=False) as found:
                text, states, hashes = (found[name] for name in ("text", "states", "hashes"))
            number, rows = json.loads(text.tobytes())
            rows = tuple(Row(*row) for row in rows)
        except (OSError, ValueError, TypeError, KeyError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error):
            return None
        fits = (states.shape, states.dtype, hashes.shape, hashes.dtype) == ((len(rows), 4), "i8", (len(rows), HASH), "u1")
        return cls(rows, states, hashes) if number == FORMAT and fits else None

    def same_as(self, other: "PictureList | None") -> bool:
        """Return whether another list has the same rows, states and hashes."""
        if other is None or self.rows != other.rows:
            return False
        return np.array_equal(self.states, other.states) and np.array_equal(self.hashes, other.hashes)


_last = np.zeros((0, 4), np.int64), np.zeros((0, HASH), np.uint8)
"""States and hashes of this process's last list: a search, a training and a result of the same data read pictures once."""


def in_chunks(function: Callable[[str], T], paths: Sequence[str]) -> Iterable[T]:
    """Yield a function's value for each path, in order; from threads, if the first hundreds show that the disk is slow.

    Raises:
        FileError: the function raised an OSError.
    """

    def several(start: int) -> list[T]:
        found = []
        for path in paths[start : start + AT_ONCE]:
            try:
                found.append(function(path))
            except OSError as error:
                raise FileError(f"cannot read {path}: {in_words(error)}") from error
        return found

    began = time.perf_counter()
    yield from several(0)
    slow = time.perf_counter() - began > SLOW * AT_ONCE
    with ThreadPoolExecutor(THREADS) if slow else nullcontext() as pool:
        for found in (pool.map if pool else map)(several, range(AT_ONCE, len(paths), AT_ONCE)):
            yield from found


def _state(path: str) -> bytes:
    try:
        found = os.stat(path)  # noqa: PTH116 - paths are text here, of which there may be millions
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return NOT_THERE
    if not stat.S_ISREG(found.st_mode):  # Opening a pipe would wait for ever.
        return NOT_THERE
    return STATE.pack(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino & (2**63 - 1))


def _known_hashes(lists: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[bytes, bytes]:
    known: dict[bytes, bytes] = {}
    for states, hashes in lists:
        known |= zip(_cut(states.tobytes(), STATE.size), _cut(hashes.tobytes(), HASH), strict=True)
    known.pop(UNSURE, None)
    return known


def _cut(content: bytes, size: int) -> Iterable[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def _rows(splits: ReidSplits, paths: Sequence[str]) -> Iterable[Row]:
    """Yield a row for each record; files are named as below the folder that holds them all."""
    try:
        root = os.path.commonpath({os.path.dirname(path) for path in paths})  # noqa: PTH120 - as in `_state`
    except ValueError:  # No paths, or on several disks.
        root = ""
    start = len(root) + 1 if root and not root.endswith(os.sep) else len(root)
    names = iter(paths)
    for part, records in splits.parts().items():
        for record in records:
            yield Row(part, next(names)[start:].replace(os.sep, "/"), record.identity, record.camera, record.track)
