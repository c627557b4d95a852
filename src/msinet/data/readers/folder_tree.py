"""All images below a folder, each with the names of the folders that it lies in."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msinet.data.readers.folder_listing import list_folder
from msinet.data.records import Skipped

DEEPEST = 8
"""Levels of folders that are looked at; links between folders could go on for ever."""


class Leaf(NamedTuple):
    """An image below a folder."""

    path: Path
    folders: tuple[str, ...]
    """Names of the folders that it lies in, from the top."""


def walk(root: Path) -> Iterator[Leaf | Skipped]:
    """Yield the images below a folder, those of a folder before those of the folders in it, and what is left out.

    Raises:
        FileError: a folder cannot be listed.
    """
    yield from _walk(root, ())


def _walk(folder: Path, names: tuple[str, ...]) -> Iterator[Leaf | Skipped]:
    listing = list_folder(folder)
    for image in listing.images:
        yield Leaf(image, names)
    for other in listing.others:
        yield Skipped(other, "not an image")
    for inner in listing.folders:
        if _leads_back(inner):
            yield Skipped(inner, "a link to a folder above it")
        elif len(names) == DEEPEST:
            yield Skipped(inner, f"more than {DEEPEST} levels of folders deep")
        else:
            yield from _walk(inner, (*names, inner.name))


def _leads_back(folder: Path) -> bool:
    """Return whether the folder is a link to a folder above it, whose images would be read twice."""
    if not folder.is_symlink():
        return False
    return Path(os.path.realpath(folder.parent)).is_relative_to(os.path.realpath(folder))
