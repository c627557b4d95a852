"""Reader of VERI-Wild: vehicles in 174 cameras within a month. Lou et al., VERI-Wild: A Large Dataset and a New Method for
Vehicle Re-Identification in the Wild, CVPR 2019.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from sys import intern

from msinet.data.readers.checks import remark_on_sizes
from msinet.data.readers.folder_listing import list_folder
from msinet.data.readers.image_lists import ImageLists, lines_of, quoted
from msinet.data.records import ImageRecord, ReidSplits, RetrievalTask, Skipped

LAYOUT = (
    "a folder with images/ and train_test_split/, which holds vehicle_info.txt, train_list.txt, "
    "and test_3000_query.txt and test_3000.txt or other sizes"
)

TRAIN_LISTS = ("train_list.txt", "train_list_start0.txt")
QUERY_LIST = re.compile(r"test_(?P<size>\d+)(?:_id)?_query\.txt")
FORM = "identity/image ..."
COLUMNS = "id/image;Camera ID;Time;Model;Type;Color"
FIELDS = ("time", "model", "type", "color")

PUBLISHED = {
    "train": (30_671, 277_797),
    "query of 3000": (3_000, 3_000),
    "gallery of 3000": (3_000, 38_861),
    "query of 5000": (5_000, 5_000),
    "gallery of 5000": (5_000, 64_389),
    "query of 10000": (10_000, 10_000),
    "gallery of 10000": (10_000, 128_517),
}
"""Identities and images of each part."""


def recognises(path: Path) -> bool:
    """Return whether the folder looks like VERI-Wild."""
    return (path / "train_test_split").is_dir() and (path / "images").is_dir()


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read the dataset; its splits are given, so that the seed has no effect.

    A line of a list is "identity/image", with or without .jpg; the rest of the line is redundant. Each pair of
    `test_SIZE_query.txt` and `test_SIZE.txt` is a retrieval task, and the smallest is the dataset's query and gallery.
    Cameras, and the fields `time`, `model`, `type` and `color`, come from `vehicle_info.txt`.

    Raises:
        FileError: a list cannot be read, or a folder cannot be listed.
    """
    lists = ImageLists()
    split = path / "train_test_split"
    info = _info(split / "vehicle_info.txt", lists.skipped)
    train_list = next((split / name for name in TRAIN_LISTS if (split / name).is_file()), split / TRAIN_LISTS[0])
    train = _records(path, train_list, info, lists)
    tasks: dict[str, RetrievalTask] = {}
    for size, (query_list, gallery_list) in sorted(_test_lists(split, lists.skipped).items()):
        query, gallery = (_records(path, file, info, lists) for file in (query_list, gallery_list))
        if query and gallery:
            tasks[str(size)] = RetrievalTask(query, gallery)
        else:
            lists.skipped.append(Skipped(gallery_list if query else query_list, "none of its images exists"))
    smallest = next(iter(tasks.values()), RetrievalTask((), ()))
    skipped = tuple(lists.skipped)
    splits = ReidSplits(path.name, train, (), smallest.query, smallest.gallery, skipped, tasks)
    return remark_on_sizes(splits, "VERI-Wild", PUBLISHED)


def _test_lists(split: Path, skipped: list[Skipped]) -> dict[int, tuple[Path, Path]]:
    """Return the lists of queries and gallery by their number of vehicles."""
    found: dict[int, tuple[Path, Path]] = {}
    for file in list_folder(split).others if split.is_dir() else ():
        if name := QUERY_LIST.fullmatch(file.name):
            gallery = file.with_name(file.name.replace("_query", ""))
            if gallery.is_file():
                found.setdefault(int(name["size"]), (file, gallery))
            else:
                skipped.append(Skipped(file, f"its gallery, {gallery.name}, is missing"))
    return found


def _records(path: Path, file: Path, info: Mapping[str, str], lists: ImageLists) -> tuple[ImageRecord, ...]:
    records: list[ImageRecord] = []
    for image in lists.read(file, path / "images", FORM, suffix=".jpg"):
        identity, _, name = image.name.partition("/")
        if not name or "/" in name:
            lists.leave_out(file, image.line, f"{quoted(image.name)} is not like identity/image")
            continue
        # 416,314 images share few cameras, colours, types and models: each string is kept once.
        camera, *labels = (intern(label.strip()) for label in info.get(image.name.rpartition(".")[0], "").split(";"))
        fields = {field: label for field, label in zip(FIELDS, labels, strict=False) if label}
        records.append(ImageRecord(image.path, intern(identity), camera or None, fields=fields))
    return tuple(records)


def _info(file: Path, skipped: list[Skipped]) -> dict[str, str]:
    """Return the labels of each image by its name: camera, time, model, type and colour, separated by semicolons."""
    info: dict[str, str] = {}
    for number, line in enumerate(lines_of(file) if file.is_file() else (), start=1):
        name, _, labels = line.partition(";")
        if not line or (number == 1 and name.lower() == "id/image"):
            continue
        if line.count(";") != COLUMNS.count(";"):
            skipped.append(Skipped(file, f"line {number}: {quoted(line)} is not like: {COLUMNS}"))
        else:
            info[name.strip().removesuffix(".jpg")] = labels
    return info
