"""Reader of VeRi-776: vehicles in twenty cameras. Liu et al., A Deep Learning-Based Approach to Progressive Vehicle
Re-identification for Urban Surveillance, ECCV 2016.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from msinet.data.readers.checks import remark_on_sizes
from msinet.data.readers.folder_listing import list_folder
from msinet.data.readers.image_lists import leads_out, lines_of, quoted
from msinet.data.readers.number_words import words_of_numbers
from msinet.data.readers.veri776_answers import read_answers
from msinet.data.records import ImageRecord, ReidSplits, Skipped

LAYOUT = "a folder with image_train/, image_query/ and image_test/, files named like 0002_c002_00030600_0.jpg"

NAME = re.compile(r"(?P<identity>\d+)_(?P<camera>c\d+)_(?P<time>\d+)_\d+\.\w+")
PARTS = ("train", "query", "test")
FIELD_OF_ATTRIBUTE = {"colorID": "color", "typeID": "type"}
WORLDS = ("world.json", "world.json.unfinished")

PUBLISHED = {"train": (576, 37_778), "query": (200, 1_678), "gallery": (200, 11_579)}
"""Identities and images of each part."""


def recognises(path: Path) -> bool:
    """Return whether the folder looks like VeRi-776."""
    return any((path / f"image_{part}").is_dir() for part in PARTS)


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read the dataset; its splits are given, so that the seed has no effect.

    The gallery is `image_test`. `name_{train,query,test}.txt` list the images of each part in their order; without a list
    the part has all images of its folder, sorted by name. The fields of a record are its `time` in the video, and `color`
    and `type` from `{train,test}_label.xml`, as words where `list_color.txt` and `list_type.txt` have them. Tracks come from
    `test_track.txt`, matches and junk from `gt_index.txt` and `jk_index.txt`.

    Raises:
        FileError: a list cannot be read, or a folder cannot be listed.
    """
    skipped: list[Skipped] = []
    words = {field: words_of_numbers(path / f"list_{field}.txt") for field in FIELD_OF_ATTRIBUTE.values()}
    train_labels = _labels(path / "train_label.xml", words, skipped)
    test_labels = _labels(path / "test_label.xml", words, skipped)
    tracks = _tracks(path / "test_track.txt")
    train = _records(path, "train", train_labels, {}, skipped)
    query = _records(path, "query", test_labels, tracks, skipped)
    gallery = _records(path, "test", test_labels, tracks, skipped)
    answers = read_answers(path, query, gallery, skipped)
    splits = ReidSplits(path.name, train, (), query, gallery, tuple(skipped), answers=answers)
    is_world = any((path / world).is_file() for world in WORLDS)  # A synthetic dataset in this layout.
    return splits if is_world else remark_on_sizes(splits, "VeRi-776", PUBLISHED)


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
    """Return the images that the list of names has, or all images without a list."""
    if not folder.is_dir():
        return []
    listing = list_folder(folder)
    skipped.extend(Skipped(other, "not an image") for other in listing.folders + listing.others)
    if not name_list.is_file():
        return listing.images
    there = {image.name: image for image in listing.images}
    listed = [line for line in lines_of(name_list) if line]
    missing, unlisted = sorted(set(listed) - there.keys()), sorted(there.keys() - set(listed))
    for name in missing:
        if leads_out(name):
            skipped.append(Skipped(name_list, f"{quoted(name)} leads out of the dataset"))
        else:
            skipped.append(Skipped(folder / name, f"listed in {name_list.name}, but missing"))
    skipped.extend(Skipped(there[name], f"not listed in {name_list.name}") for name in unlisted)
    return [there[name] for name in listed if name in there]


def _tracks(file: Path) -> dict[str, str]:
    """Return each image's track. A line has the track's name, which may be its first image's name, and its images."""
    tracks: dict[str, str] = {}
    for line in lines_of(file) if file.is_file() else ():
        if words := line.split():
            tracks.update(dict.fromkeys(words, words[0]))
    return tracks


def _labels(file: Path, words: Mapping[str, Mapping[str, str]], skipped: list[Skipped]) -> dict[str, dict[str, str]]:
    """Return each image's colour and type. Images are usable without them, so that a broken file is only left out."""
    if not file.is_file():
        return {}
    try:
        items = ElementTree.fromstring(_xml_text(file.read_bytes())).iter()
    except (ElementTree.ParseError, LookupError) as error:
        skipped.append(Skipped(file, f"its labels cannot be read: {error}"))
        return {}
    return {
        item.attrib["imageName"]: {
            field: words[field].get(number, number)
            for attribute, field in FIELD_OF_ATTRIBUTE.items()
            if (number := item.attrib.get(attribute))
        }
        for item in items
        if "imageName" in item.attrib
    }


def _xml_text(content: bytes) -> str:
    """Decode XML and drop its declaration: the files declare gb2312, which Python's parser does not know."""
    declaration = re.match(rb"\s*<\?xml[^>]*?\?>", content.removeprefix(b"\xef\xbb\xbf"))
    if declaration is None:
        return content.decode("utf-8-sig", errors="replace")
    encoding = re.search(rb"encoding\s*=\s*[\"']([\w.-]+)", declaration[0])
    body = content.removeprefix(b"\xef\xbb\xbf")[declaration.end() :]
    return body.decode(encoding[1].decode() if encoding else "utf-8", errors="replace")
