"""Files that are whole or not there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from msinet.errors import CheckpointError


def write_whole(path: Path, data: bytes | Callable[[BinaryIO], object], synced: bool = True) -> None:
    """Write a file beside its place, see it on the disk, and rename it: whoever looks finds the old one or the new one.

    Args:
        path: the file; its folder is made if it is not there.
        data: what stands in it, or what writes it.
        synced: wait until the disk has it. Without, a power failure may leave an empty file, and many are written faster.

    Raises:
        CheckpointError: the disk is full or cannot be written; what was there still is.
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
        if beside.is_file():
            beside.unlink()
        raise CheckpointError(f"cannot write {path}: {error}; free some space, or write elsewhere") from error
