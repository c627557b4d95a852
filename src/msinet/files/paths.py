"""Paths as people write them."""

import os
from os import PathLike
from pathlib import Path

from msinet.errors import FileError


def user_path(path: str | PathLike[str]) -> Path:
    """Return a path with ~ replaced by the home folder, as a shell does: TOML, Python and --out=~/runs leave it as it is.

    Raises:
        FileError: there is no such home folder.
    """
    written = Path(path)
    expanded = os.path.expanduser(written)  # noqa: PTH111 - Path.expanduser raises where there is no home
    if expanded.startswith("~") and written.parts[0] != ".":
        raise FileError(
            f"there is no home folder for {written.parts[0]}: write the whole path, or ./{written} if it is a name"
        )
    return Path(expanded)
