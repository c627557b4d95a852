"""Reader of your own images in folders, one folder per identity."""

import os
from collections.abc import Iterator
from pathlib import Path

from msinet.data.readers.folder_listing import list_folder
from msinet.data.readers.own_data import SPLIT_WORDS, split_by_identity, splits_from_words
from msinet.data.records import ImageRecord, ReidSplits, Skipped

LAYOUT = (
    "folders of images, <identity>/*.jpg or <identity>/<camera>/*.jpg, "
    "optionally below train/, validation/, query/, gallery/ or test/"
)


def recognises(path: Path) -> bool:
    """Return whether any identity's folder holds an image."""
    if not path.is_dir():
        return False
    splits = _split_folders(path)
    return any(isinstance(found, ImageRecord) for folder in splits or [path] for found in _images(folder))


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read images whose identity is their folder's name.

    The camera is the folder below it, `<identity>/<camera>/*.jpg`, and unknown without one; file names are not
    interpreted. If one folder is named like a split (train, validation or val, query, gallery, or test, which is query
    and gallery), only folders named like splits are read; otherwise the seed halves the identities.

    Raises:
        FileError: a folder cannot be listed.
    """
    splits = _split_folders(path)
    records: dict[str, list[ImageRecord]] = {}
    skipped: list[Skipped] = []
    if splits:
        beside = list_folder(path)
        stray = [folder for folder in beside.folders if folder not in splits] + beside.images
        skipped.extend(Skipped(other, "outside the folders of splits") for other in stray)
    for folder in splits or [path]:
        for found in _images(folder):
            if isinstance(found, Skipped):
                skipped.append(found)
            else:
                records.setdefault(folder.name.lower() if splits else "", []).append(found)
    if not splits:
        records = split_by_identity(records.get("", []), seed)
    return splits_from_words(path.absolute().name, records, skipped)


def _split_folders(path: Path) -> list[Path]:
    return [folder for folder in list_folder(path).folders if folder.name.lower() in SPLIT_WORDS]


def _images(folder: Path) -> Iterator[ImageRecord | Skipped]:
    """Yield the images in the folders of identities, and the entries to leave out."""
    listing = list_folder(folder)
    for image in listing.images:
        yield Skipped(image, "not in an identity's folder")
    for other in listing.others:
        yield Skipped(other, "not an image")
    for identity in listing.folders:
        if _leads_back(identity):
            yield Skipped(identity, "a link to a folder above it")
        else:
            yield from _images_of(identity)


def _images_of(identity: Path) -> Iterator[ImageRecord | Skipped]:
    """Yield the images of one identity: those of unknown camera first, then camera by camera."""
    listing = list_folder(identity)
    for image in listing.images:
        yield ImageRecord(image, identity.name)
    for other in listing.others:
        yield Skipped(other, "not an image")
    for camera in listing.folders:
        if _leads_back(camera):
            yield Skipped(camera, "a link to a folder above it")
            continue
        in_camera = list_folder(camera)
        for image in in_camera.images:
            yield ImageRecord(image, identity.name, camera.name)
        for other in in_camera.others:
            yield Skipped(other, "not an image")
        for deeper in in_camera.folders:
            yield Skipped(deeper, "deeper than <identity>/<camera>/")


def _leads_back(folder: Path) -> bool:
    """Return whether the folder is a link to a folder above it, whose images would be read twice."""
    if not folder.is_symlink():
        return False
    return Path(os.path.realpath(folder.parent)).is_relative_to(os.path.realpath(folder))
