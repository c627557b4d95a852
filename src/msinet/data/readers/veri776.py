"""VeRi-776: vehicles in twenty cameras. Liu et al., A Deep Learning-Based Approach to Progressive Vehicle
Re-identification for Urban Surveillance, ECCV 2016.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from msinet.data.readers.folder_listing import list_folder
from msinet.data.records import ImageRecord, ReidSplits, Skipped

LAYOUT = "a folder with image_train/, image_query/ and image_test/, files named like 0002_c002_00030600_0.jpg"

NAME = re.compile(r"(?P<identity>\d+)_(?P<camera>c\d+)_(?P<time>\d+)_\d+\.\w+")
PARTS = ("train", "query", "test")
FIELD_OF_ATTRIBUTE = {"colorID": "color", "typeID": "type"}


def recognises(path: Path) -> bool:
    """Say whether the folder looks like VeRi-776."""
    return any((path / f"image_{part}").is_dir() for part in PARTS)


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read the dataset, whose splits are given: the seed changes nothing.

    The gallery is `image_test`. `name_{train,query,test}.txt` decide which images belong and in which order; where one
    is missing, all images of its folder do, sorted by name. The fields of a record are its `time` in the video, and
    `color` and `type`, by number, from `{train,test}_label.xml`. Tracks are those of `test_track.txt`.

    Raises:
        DatasetError: A folder cannot be listed.
    """
    skipped: list[Skipped] = []
    train_labels = _labels(path / "train_label.xml", skipped)
    test_labels = _labels(path / "test_label.xml", skipped)
    tracks = _tracks(path / "test_track.txt")
    return ReidSplits(
        name=path.name,
        train=_records(path, "train", train_labels, {}, skipped),
        query=_records(path, "query", test_labels, tracks, skipped),
        gallery=_records(path, "test", test_labels, tracks, skipped),
        skipped=tuple(skipped),
    )


def _records(
    path: Path,
    part: str,
    labels: Mapping[str, dict[str, str]],
    tracks: Mapping[str, str],
    skipped: list[Skipped],
) -> tuple[ImageRecord, ...]:
    records: list[ImageRecord] = []
    for image in _images(path / f"image_{part}", path / f"name_{part}.txt", skipped):
        name = NAME.fullmatch(image.name)
        if name is None:
            skipped.append(Skipped(image, "its name is not like 0002_c002_00030600_0.jpg"))
            continue
        fields = {"time": name["time"]} | labels.get(image.name, {})
        records.append(ImageRecord(image, name["identity"], name["camera"], tracks.get(image.name), fields))
    return tuple(records)


def _images(folder: Path, name_list: Path, skipped: list[Skipped]) -> list[Path]:
    """Return the images that the list of names asks for, or without a list all."""
    if not folder.is_dir():
        return []
    listing = list_folder(folder)
    skipped.extend(Skipped(other, "not an image") for other in listing.folders + listing.others)
    if not name_list.is_file():
        return listing.images
    there = {image.name: image for image in listing.images}
    listed = [line for line in _lines(name_list) if line]
    missing, unlisted = sorted(set(listed) - there.keys()), sorted(there.keys() - set(listed))
    skipped.extend(Skipped(folder / name, f"listed in {name_list.name}, but not there") for name in missing)
    skipped.extend(Skipped(there[name], f"not listed in {name_list.name}") for name in unlisted)
    return [there[name] for name in listed if name in there]


def _tracks(file: Path) -> dict[str, str]:
    """Return each image's track. A line is the track's name, which may be that of its first image, and its images."""
    tracks: dict[str, str] = {}
    for line in _lines(file) if file.is_file() else ():
        if words := line.split():
            tracks.update(dict.fromkeys(words, words[0]))
    return tracks


def _labels(file: Path, skipped: list[Skipped]) -> dict[str, dict[str, str]]:
    """Return each image's colour and type. The images are good without them: a broken file is only left out."""
    if not file.is_file():
        return {}
    try:
        items = ElementTree.fromstring(_xml_text(file.read_bytes())).iter()
    except (ElementTree.ParseError, LookupError) as error:
        skipped.append(Skipped(file, f"its labels cannot be read: {error}"))
        return {}
    return {
        item.attrib["imageName"]: {
            field: item.attrib[attribute] for attribute, field in FIELD_OF_ATTRIBUTE.items() if item.attrib.get(attribute)
        }
        for item in items
        if "imageName" in item.attrib
    }


def _xml_text(content: bytes) -> str:
    """Decode XML without its declaration: the files declare gb2312, which Python's parser does not know."""
    declaration = re.match(rb"\s*<\?xml[^>]*?\?>", content.removeprefix(b"\xef\xbb\xbf"))
    if declaration is None:
        return content.decode("utf-8-sig", errors="replace")
    encoding = re.search(rb"encoding\s*=\s*[\"']([\w.-]+)", declaration[0])
    body = content.removeprefix(b"\xef\xbb\xbf")[declaration.end() :]
    return body.decode(encoding[1].decode() if encoding else "utf-8", errors="replace")


def _lines(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8-sig", errors="surrogateescape")
    return [line.strip() for line in text.split("\n")]
