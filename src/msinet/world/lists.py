"""Lists in VeRi-776's layout: names, matches and junk, tracks, colours and types."""

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

from msinet.files.atomic import write_atomically
from msinet.world.colours import COLOURS
from msinet.world.names import VEHICLES, passes
from msinet.world.settings import WorldSettings
from msinet.world.vehicles import character

TYPE_NUMBERS = {
    "sedan": 1,
    "suv": 2,
    "van": 3,
    "hatchback": 4,
    "pickup": 6,
    "bus": 7,
    "box truck": 8,
    "estate": 9,
    "motorcycle": 10,
    "lorry": 11,
}
"""VeRi-776's numbers of types, and two new ones: 10 and 11. VeRi-776's type 5, people carriers, does not exist here."""

COLOUR_NUMBERS = {name: number for number, name in enumerate(COLOURS, 1)}
"""VeRi-776's numbers of colours."""


def write_lists(out: Path, settings: WorldSettings) -> None:
    """Write the lists that are missing or differ, so that a finished world may be on a read-only disk."""
    first_test = settings.identities - settings.test_identities
    train, test = range(first_test), range(first_test, settings.identities)

    def names(identities: range) -> Iterator[list[str]]:
        return (part.names for identity in identities for part in passes(settings, identity))

    _write(out / "name_train.txt", lambda: (name for track in names(train) for name in track))
    _write(out / "name_test.txt", lambda: (name for track in names(test) for name in track))
    _write(out / "name_query.txt", lambda: (track[0] for track in names(test)))
    _write(out / "test_track.txt", lambda: (" ".join([track[0], *track]) for track in names(test)))
    _write(out / "gt_index.txt", lambda: _index(settings, right=True))
    _write(out / "jk_index.txt", lambda: _index(settings, right=False))
    _write(out / "train_label.xml", lambda: _labels(settings, train, "TrainingImages"))
    _write(out / "test_label.xml", lambda: _labels(settings, test, "TestImages"))
    _write(out / "list_color.txt", lambda: (f"{number} {name}" for name, number in COLOUR_NUMBERS.items()))
    _write(out / "list_type.txt", lambda: (f"{number} {name}" for name, number in TYPE_NUMBERS.items()))


def _index(settings: WorldSettings, right: bool) -> Iterator[str]:
    """Yield for each query the lines of its matches, or of its junk, in name_test.txt, from 1."""
    images, cameras = settings.images_per_camera, settings.cameras
    for vehicle in range(settings.test_identities):
        first = 1 + vehicle * cameras * images
        for camera in range(cameras):
            places = range(cameras * images) if right else range(camera * images, (camera + 1) * images)
            yield " ".join(str(first + place) for place in places if not right or place // images != camera)


def _labels(settings: WorldSettings, identities: range, tag: str) -> Iterator[str]:
    count = len(identities) * settings.cameras * settings.images_per_camera
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield f'<{tag} Version="1.0"><Items number="{count}">'
    for identity in identities:
        about = character((settings.seed, VEHICLES, identity))
        kinds = f'colorID="{COLOUR_NUMBERS[about.colour]}" typeID="{TYPE_NUMBERS[about.type]}" model="{about.model}"'
        for camera, names in passes(settings, identity):
            for name in names:
                yield f'<Item imageName="{name}" vehicleID="{identity + 1:04d}" cameraID="c{camera + 1:03d}" {kinds} />'
    yield f"</Items></{tag}>"


def _write(file: Path, lines: Callable[[], Iterable[str]]) -> None:
    if _holds(file, lines()):
        return

    def write(stream: BinaryIO) -> None:
        for line in lines():
            stream.write(line.encode() + b"\n")

    write_atomically(file, write)


def _holds(file: Path, lines: Iterable[str]) -> bool:
    """Return whether a file holds exactly these lines."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return all(line is not None and there == line.encode() + b"\n" for there, line in zip_longest(stream, lines))
