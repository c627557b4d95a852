"""Reader of Market-1501: people in six cameras. Zheng et al., Scalable Person Re-identification: A Benchmark, ICCV 2015."""

import re
from pathlib import Path

from msinet.data.readers.checks import remark_on_sizes
from msinet.data.readers.folder_listing import list_folder
from msinet.data.records import ImageRecord, ReidSplits, Skipped

LAYOUT = "a folder with bounding_box_train/, query/ and bounding_box_test/, files named like 0002_c1s1_000451_03.jpg"

FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
NAME = re.compile(r"(?P<identity>-1|\d+)_(?P<camera>c\d+)(?!\d)")
JUNK = "-1"
SEQUENCE = re.compile(r"(-1|\d+)_c\d+s\d")

PUBLISHED = {"train": (751, 12_936), "query": (750, 3_368), "gallery": (751, 15_913)}
"""Identities and images of each part; in the gallery distractors count, as one identity, and junk does not."""


def recognises(path: Path) -> bool:
    """Return whether the folder looks like Market-1501; many datasets have a folder `query`."""
    return any((path / FOLDERS[split]).is_dir() for split in ("train", "gallery"))


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read the dataset; its splits are given, so that the seed has no effect.

    Identity -1 is junk, neither right nor wrong, and left out. Identity 0000 are distractors: no query shows them, and they
    stay in the gallery as wrong images.

    Raises:
        FileError: a folder cannot be listed.
    """
    skipped: list[Skipped] = []
    train, query, gallery = (_records(path / folder, skipped) for folder in FOLDERS.values())
    splits = ReidSplits(path.name, train, query=query, gallery=gallery, skipped=tuple(skipped))
    # DukeMTMC-reID and others have the same folders, but no sequences in their names.
    is_market = any(SEQUENCE.match(record.path.name) for records in (train, gallery) for record in records[:1])
    return remark_on_sizes(splits, "Market-1501", PUBLISHED) if is_market else splits


def _records(folder: Path, skipped: list[Skipped]) -> tuple[ImageRecord, ...]:
    if not folder.is_dir():
        return ()
    listing = list_folder(folder)
    skipped.extend(Skipped(other, "not an image") for other in listing.folders + listing.others)
    records: list[ImageRecord] = []
    for image in listing.images:
        name = NAME.match(image.name)
        if name is None:
            skipped.append(Skipped(image, "its name does not start like 0002_c1"))
        elif name["identity"] == JUNK:
            skipped.append(Skipped(image, "junk: identity -1"))
        else:
            records.append(ImageRecord(image, name["identity"], name["camera"]))
    return tuple(records)
