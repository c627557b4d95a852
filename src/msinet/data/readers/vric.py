"""Reader of VRIC: small and blurred vehicles of traffic cameras. Kanaci, Zhu and Gong, Vehicle Re-Identification in
Context, GCPR 2018.
"""

from pathlib import Path

from msinet.data.readers.checks import remark_on_sizes
from msinet.data.readers.image_lists import ImageLists
from msinet.data.records import ImageRecord, ReidSplits

LAYOUT = (
    "a folder with vric_train.txt, vric_probe.txt and vric_gallery.txt beside train_images/, probe_images/, gallery_images/"
)

PARTS = ("train", "probe", "gallery")
FORM = "image identity camera"

PUBLISHED = {"train": (2_811, 54_808), "query": (2_811, 2_811), "gallery": (2_811, 2_811)}
"""Identities and images of each part."""


def recognises(path: Path) -> bool:
    """Return whether the folder looks like VRIC."""
    return any((path / f"vric_{part}.txt").is_file() for part in PARTS)


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read the dataset; its splits are given, so that the seed has no effect.

    A line of a list is "image identity camera"; identities of training and test are numbered together. A test vehicle has
    one query image, and one gallery image from another camera: the protocol is no-camera.

    Raises:
        FileError: a list cannot be read, or a folder cannot be listed.
    """
    lists = ImageLists()
    train, query, gallery = (_records(path, part, lists) for part in PARTS)
    splits = ReidSplits(path.name, train, query=query, gallery=gallery, skipped=tuple(lists.skipped), protocol="no-camera")
    return remark_on_sizes(splits, "VRIC", PUBLISHED)


def _records(path: Path, part: str, lists: ImageLists) -> tuple[ImageRecord, ...]:
    listed = lists.read(path / f"vric_{part}.txt", path / f"{part}_images", FORM)
    return tuple(ImageRecord(image.path, identity=image.labels[0], camera=image.labels[1]) for image in listed)
