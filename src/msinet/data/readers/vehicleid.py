"""Reader of VehicleID: vehicles from the front or rear. Liu et al., Deep Relative Distance Learning: Tell the Difference
Between Similar Vehicles, CVPR 2016.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from msinet.data.readers.checks import remark_on_sizes
from msinet.data.readers.folder_listing import list_folder
from msinet.data.readers.image_lists import ImageLists, lines_of, quoted
from msinet.data.readers.number_words import words_of_numbers
from msinet.data.records import ImageRecord, ReidSplits, RetrievalTask, Skipped

LAYOUT = "a folder with image/ and train_test_split/, which holds train_list.txt and test_list_800.txt or other sizes"

TEST_LIST = re.compile(r"test_list_(?P<size>\d+)\.txt")
FORM = "image identity"
FIELDS = ("color", "model")

PUBLISHED = {
    "train": (13_164, 113_346),
    "query of 800": (800, 6_493),
    "query of 1600": (1_600, 13_377),
    "query of 2400": (2_400, 19_777),
}
"""Identities and images of the published lists, which differ slightly from the paper's numbers."""


def recognises(path: Path) -> bool:
    """Return whether the folder looks like VehicleID."""
    return (path / "train_test_split").is_dir() and (path / "image").is_dir()


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read the dataset; its splits are given, so that the seed has no effect.

    A line of a list is "image identity", the image without its .jpg. Each `test_list_SIZE.txt` is a retrieval task, and the
    smallest is the dataset's query and gallery. All images of a task are both query and gallery: the protocol vehicleid
    draws one gallery image of each vehicle. Cameras are unknown. `attribute/` has the `color` and `model` of some vehicles,
    as words where `color_names.txt` and `model_names.txt` have them.

    Raises:
        FileError: a list cannot be read, or a folder cannot be listed.
    """
    lists = ImageLists()
    about = _about_vehicles(path / "attribute", lists.skipped)
    split = path / "train_test_split"
    train = _records(path, split / "train_list.txt", about, lists)
    tasks: dict[str, RetrievalTask] = {}
    for size, file in sorted(_test_lists(split).items()):
        if records := _records(path, file, about, lists):
            tasks[str(size)] = RetrievalTask(records, records)
        else:
            lists.skipped.append(Skipped(file, "none of its images exists"))
    smallest = next(iter(tasks.values()), RetrievalTask((), ()))
    splits = ReidSplits(
        name=path.name,
        train=train,
        query=smallest.query,
        gallery=smallest.gallery,
        skipped=tuple(lists.skipped),
        tasks=tasks,
        protocol="vehicleid",
    )
    return remark_on_sizes(splits, "VehicleID", PUBLISHED)


def _test_lists(split: Path) -> dict[int, Path]:
    """Return the lists of test images by their number of vehicles."""
    found = ((TEST_LIST.fullmatch(file.name), file) for file in (list_folder(split).others if split.is_dir() else ()))
    return {int(name["size"]): file for name, file in found if name}


def _records(path: Path, file: Path, about: Mapping[str, Mapping[str, str]], lists: ImageLists) -> tuple[ImageRecord, ...]:
    listed = lists.read(file, path / "image", FORM, suffix=".jpg")
    return tuple(ImageRecord(image.path, image.labels[0], fields=about.get(image.labels[0], {})) for image in listed)


def _about_vehicles(folder: Path, skipped: list[Skipped]) -> dict[str, dict[str, str]]:
    """Return the fields of each vehicle. A line of the files is "vehicle number"."""
    about: dict[str, dict[str, str]] = {}
    for field in FIELDS:
        file = folder / f"{field}_attr.txt"
        words = words_of_numbers(folder / f"{field}_names.txt")
        for number, line in enumerate(lines_of(file) if file.is_file() else (), start=1):
            match line.split():
                case []:
                    pass
                case [vehicle, value]:
                    about.setdefault(vehicle, {})[field] = words.get(value, value)
                case _:
                    skipped.append(Skipped(file, f"line {number}: {quoted(line)} is not like: vehicle {field}"))
    return about
