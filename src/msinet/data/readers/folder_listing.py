"""What is in a folder: its images, its folders, and the rest."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from msinet.data.images import IMAGE_SUFFIXES
from msinet.errors import DatasetError

CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "lost+found"})
"""What systems leave behind, in lower case."""


@dataclass
class FolderListing:
    """The entries of one folder, each kind sorted by name; hidden ones and systems' clutter are left out."""

    images: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def list_folder(folder: Path) -> FolderListing:
    """List one folder, without what lies in its folders.

    Raises:
        DatasetError: The folder cannot be listed.
    """
    listing = FolderListing()
    try:
        with os.scandir(folder) as found:  # It knows folders from files, which would else be asked of each.
            entries = sorted((entry.name, _is_folder(entry)) for entry in found)
    except OSError as error:
        raise DatasetError(f"cannot list {folder}: {error.strerror}") from error
    for name, is_folder in entries:
        if _is_clutter(name):
            continue
        path = folder / name
        if is_folder:
            listing.folders.append(path)
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            listing.images.append(path)
        else:
            listing.others.append(path)
    return listing


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name.lower() in CLUTTER


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link in a circle.
        return False
