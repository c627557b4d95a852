"""Listing of one folder: its images, its folders and its other files."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from msinet.data.image_kinds import is_image_file
from msinet.errors import FileError
from msinet.files.os_errors import in_words

CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "lost+found"})
"""Names that operating systems leave in folders, in lower case."""


@dataclass
class FolderListing:
    """The entries of one folder by kind, sorted by name, without hidden entries and clutter."""

    images: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def list_folder(folder: Path) -> FolderListing:
    """List one folder, but not the folders in it.

    Raises:
        FileError: the folder cannot be listed.
    """
    listing = FolderListing()
    try:
        with os.scandir(folder) as found:  # It knows folders from files without asking the disk for each.
            entries = sorted((entry.name, _is_folder(entry)) for entry in found)
    except OSError as error:
        raise FileError(f"cannot list {folder}: {in_words(error)}") from error
    for name, is_folder in entries:
        if _is_clutter(name):
            continue
        path = folder / name
        if is_folder:
            listing.folders.append(path)
        elif is_image_file(path):
            listing.images.append(path)
        else:
            listing.others.append(path)
    return listing


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name.lower() in CLUTTER


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A circular link.
        return False
