"""Reader of MSMT17: people in fifteen cameras. Wei et al., Person Transfer GAN to Bridge Domain Gap for Person
Re-identification, CVPR 2018.
"""

import re
from pathlib import Path

from msinet.data.readers.checks import remark_on_sizes
from msinet.data.readers.image_lists import ImageLists, quoted
from msinet.data.records import ImageRecord, ReidSplits

LAYOUT = (
    "a folder with list_train.txt, list_val.txt, list_query.txt and list_gallery.txt "
    "beside train/ and test/ (V1), or mask_train_v2/ and mask_test_v2/ (V2)"
)

LISTS = ("train", "val", "query", "gallery")
FOLDERS = (("train", "test"), ("mask_train_v2", "mask_test_v2"))
"""Folders of training and test in the two versions; the second has the same images with masked faces."""

FORM = "image identity"
NAME = re.compile(r"(?:.*/)?\d+_\d+_(?P<camera>\d+)_(?P<time>[^_/]+)_[^/]*")

PUBLISHED = {"train": (1_041, 32_621), "query": (3_060, 11_659), "gallery": (3_060, 82_161)}
"""Identities and images of each part."""


def recognises(path: Path) -> bool:
    """Return whether the folder looks like MSMT17; many datasets have one of the lists, or train/ and test/."""
    lists = sum((path / f"list_{part}.txt").is_file() for part in LISTS)
    return lists > 1 and any((path / folder).is_dir() for version in FOLDERS for folder in version)


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read the dataset; its splits are given, so that the seed has no effect.

    The lists number the people of training and of test separately, from 0: identities are named "train 0" and "test 0".
    `list_val.txt` has other images of the people in `list_train.txt`. It therefore joins the training images, as in nearly
    all papers, and is no validation split, which needs identities of its own. A record's `time` is day and time of day.

    Raises:
        FileError: a list cannot be read, or a folder cannot be listed.
    """
    lists = ImageLists()
    version = next((version for version in FOLDERS if any((path / folder).is_dir() for folder in version)), FOLDERS[0])
    for_training, for_test = (path / folder for folder in version)
    train = _records(path, "train", "train", for_training, lists) + _records(path, "val", "train", for_training, lists)
    query = _records(path, "query", "test", for_test, lists)
    gallery = _records(path, "gallery", "test", for_test, lists)
    splits = ReidSplits(path.name, train, query=query, gallery=gallery, skipped=tuple(lists.skipped))
    return remark_on_sizes(splits, "MSMT17", PUBLISHED)


def _records(path: Path, part: str, role: str, folder: Path, lists: ImageLists) -> tuple[ImageRecord, ...]:
    file = path / f"list_{part}.txt"
    records: list[ImageRecord] = []
    for image in lists.read(file, folder, FORM):
        name = NAME.fullmatch(image.name)
        if name is None:
            lists.leave_out(file, image.line, f"{quoted(image.name)} is not like 0000/0000_000_01_0303morning_0015_0.jpg")
            continue
        identity = f"{role} {image.labels[0]}"
        records.append(ImageRecord(image.path, identity, name["camera"], fields={"time": name["time"]}))
    return tuple(records)
