"""Atomic writes: a file is complete or it is not there."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from msinet.errors import FileError
from msinet.files.os_errors import in_words


def write_atomically(path: Path, data: bytes | Callable[[BinaryIO], object], synced: bool = True) -> None:
    """Write a file beside its place, then rename it: a reader finds the old file or the new one, never half of one.

    Args:
        path: the file; its folder is created if needed.
        data: the content, or a function that writes it.
        synced: wait until the disk has the content. Without it many files are written faster, and a power failure may
            leave an empty one.

    Raises:
        FileError: the disk is full or cannot be written; the old file is still there.
    """
    beside = path.with_name(path.name + ".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(data) if isinstance(data, bytes) else data(file)
            if synced:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):  # On a disk that fails, the error that counts is the first.
            beside.unlink()
        raise FileError(f"cannot write {path}: {in_words(error, writing=True)}") from error
