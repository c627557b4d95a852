"""A world on disk, laid out as VeRi-776 is."""

import json
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np

from msinet.errors import DatasetError
from msinet.whole_files import write_whole
from msinet.world.camera import Camera, draw_camera
from msinet.world.colours import COLOURS
from msinet.world.passing import draw_pass
from msinet.world.picture import render
from msinet.world.scene import Stage, noise_texture
from msinet.world.settings import WorldSettings
from msinet.world.shading import Floats
from msinet.world.vehicles import Vehicle, character, draw_vehicle

VERSION = 1
"""Of the pictures: the same settings under another version give other ones."""

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
"""VeRi-776's numbers of types, and two more; it has no motorcycles, and its 5 are people carriers."""

COLOUR_NUMBERS = {name: number for number, name in enumerate(COLOURS, 1)}
"""VeRi-776's numbers of colours."""

VEHICLES, CAMERAS, IMAGES, TIMES, TRAFFIC = range(5)
"""Streams of random numbers."""

NEIGHBOURS = 12
"""Vehicles that stand around in the pictures."""


class Progress(Protocol):
    """Where the making tells how far it is."""

    def start(self, what: str, total: int, done: int = 0) -> None:
        """Begin so many images, some of them made before."""
        ...

    def advance(self, **values: float) -> None:
        """One more image is made."""
        ...


class Pass(NamedTuple):
    """A vehicle in a camera."""

    camera: int
    names: list[str]
    """Of its images, in the order of time."""


def passes(settings: WorldSettings, identity: int) -> list[Pass]:
    """Return how a vehicle's images are named: it passes one camera after another."""
    rng = np.random.default_rng((settings.seed, TIMES, identity))
    frame = int(rng.integers(90_000))
    found = []
    for camera in rng.permutation(settings.cameras):
        frame += int(rng.integers(200, 2_000))
        names = [
            f"{identity + 1:04d}_c{camera + 1:03d}_{frame + 4 * i:08d}_{i}.jpg" for i in range(settings.images_per_camera)
        ]
        found.append(Pass(int(camera), names))
    return sorted(found)


def make_world(out: Path, settings: WorldSettings, progress: Progress, processes: int | None = None) -> None:
    """Write a world; called again with the same settings, it makes what is missing.

    The same settings give the same bytes, with any number of processes.

    Args:
        out: folder, made where it is not there.
        settings: of the world.
        progress: is told of every image.
        processes: that make images; by default one a core.

    Raises:
        DatasetError: the folder holds something else.
        CheckpointError: the disk is full or cannot be written.
        KeyboardInterrupt: stopped; what is made stays.
    """
    _claim(out, settings)
    images = settings.cameras * settings.images_per_camera
    missing = [i for i in range(settings.identities) if not _made(out, settings, i)]
    progress.start("make images", settings.identities * images, (settings.identities - len(missing)) * images)
    for _ in _all_made(out, settings, missing, processes or _cores()):
        for _ in range(images):
            progress.advance()
    _write_lists(out, settings)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _claim(out: Path, settings: WorldSettings) -> None:
    """Write down what the folder is made from, or see that it is the same."""
    recipe = {"version": VERSION, **asdict(settings)}
    file = out / "world.json"
    if file.is_file():
        try:
            there = json.loads(file.read_text())
        except ValueError as error:
            raise DatasetError(f"{file} cannot be read: {error}; delete the folder, or choose another") from error
        if there != recipe:
            there = there if isinstance(there, dict) else {}
            differs = ", ".join(name for name in recipe if there.get(name) != recipe[name])
            raise DatasetError(f"{out} holds a world with another {differs}: delete it, or choose another folder")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{out} holds something else: choose a folder that is empty or not there")
    else:
        write_whole(file, (json.dumps(recipe, indent=2) + "\n").encode())


def _tests(settings: WorldSettings, identity: int) -> bool:
    return identity >= settings.identities - settings.test_identities


def _files(out: Path, settings: WorldSettings, identity: int) -> Iterator[tuple[str, list[Path]]]:
    """Yield each image's name and where it goes: the first of each camera is asked for, where the vehicle is for testing."""
    for _, names in passes(settings, identity):
        for i, name in enumerate(names):
            folders = (
                ["image_train"] if not _tests(settings, identity) else ["image_test", *(["image_query"] if i == 0 else [])]
            )
            yield name, [out / folder / name for folder in folders]


def _made(out: Path, settings: WorldSettings, identity: int) -> bool:
    return all(file.is_file() and file.stat().st_size > 0 for _, files in _files(out, settings, identity) for file in files)


def _all_made(out: Path, settings: WorldSettings, identities: list[int], processes: int) -> Iterator[int]:
    """Make the vehicles' images, and yield each vehicle when it is done."""
    if processes == 1 or len(identities) <= 1:
        for identity in identities:
            yield _make(out, settings, identity)
        return
    # Spawned: what a process of this size holds open, threads too, is no good beginning for others.
    pool = ProcessPoolExecutor(min(processes, len(identities)), get_context("spawn"), _ignore_interrupts)
    try:
        queue = iter(identities)
        running = {pool.submit(_make, out, settings, identity) for identity in islice(queue, 2 * processes)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
            running |= {pool.submit(_make, out, settings, identity) for identity in islice(queue, len(done))}
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that counts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@cache
def _surroundings(seed: int, cameras: int, city: str, difficulty: float) -> tuple[list[Camera], list[Vehicle], Floats]:
    drawn = [draw_camera((seed, CAMERAS, camera), city, difficulty) for camera in range(cameras)]
    return drawn, [draw_vehicle((seed, TRAFFIC, i)) for i in range(NEIGHBOURS)], noise_texture(seed)


def _make(out: Path, settings: WorldSettings, identity: int) -> int:
    """Write all images of a vehicle."""
    cameras, traffic, texture = _surroundings(settings.seed, settings.cameras, settings.city, settings.difficulty)
    vehicle = draw_vehicle((settings.seed, VEHICLES, identity))
    stage = Stage(vehicle)
    places = dict(_files(out, settings, identity))
    for camera, names in passes(settings, identity):
        rng = np.random.default_rng((settings.seed, IMAGES, identity, camera))
        moments = draw_pass(cameras[camera], vehicle, traffic, len(names), rng)
        for name, moment in zip(names, moments, strict=True):
            picture = render(cameras[camera], stage, moment, settings.size, texture, rng)
            for file in places[name]:
                write_whole(file, picture, synced=False)
    return identity


def _write_lists(out: Path, settings: WorldSettings) -> None:
    """Write the lists of names, the right and the junk answers of each query, tracks, colours and types."""
    first_test = settings.identities - settings.test_identities
    train, test = range(first_test), range(first_test, settings.identities)
    for folder in ("image_train", "image_query", "image_test"):
        (out / folder).mkdir(exist_ok=True)
    _write_lines(out / "name_train.txt", (name for i in train for _, names in passes(settings, i) for name in names))
    _write_lines(out / "name_test.txt", (name for i in test for _, names in passes(settings, i) for name in names))
    _write_lines(out / "name_query.txt", (names[0] for i in test for _, names in passes(settings, i)))
    _write_lines(out / "test_track.txt", (" ".join([names[0], *names]) for i in test for _, names in passes(settings, i)))
    images, cameras = settings.images_per_camera, settings.cameras
    right, junk = [], []
    for camera in range(cameras):
        own = range(camera * images, (camera + 1) * images)
        junk.append(list(own))
        right.append([place for place in range(cameras * images) if place not in own])
    for file, places in (("gt_index.txt", right), ("jk_index.txt", junk)):
        starts = (1 + n * cameras * images for n in range(len(test)))
        _write_lines(out / file, (" ".join(str(start + place) for place in line) for start in starts for line in places))
    for part, chosen in (("train", train), ("test", test)):
        _write_lines(out / f"{part}_label.xml", _labels(settings, chosen, part))
    _write_lines(out / "list_color.txt", (f"{number} {name}" for name, number in COLOUR_NUMBERS.items()))
    _write_lines(out / "list_type.txt", (f"{number} {name}" for name, number in TYPE_NUMBERS.items()))


def _labels(settings: WorldSettings, identities: range, part: str) -> Iterator[str]:
    tag = {"train": "TrainingImages", "test": "TestImages"}[part]
    count = len(identities) * settings.cameras
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield f'<{tag} Version="1.0"><Items number="{count * settings.images_per_camera}">'
    for identity in identities:
        about = character((settings.seed, VEHICLES, identity))
        kinds = f'colorID="{COLOUR_NUMBERS[about.colour]}" typeID="{TYPE_NUMBERS[about.type]}" model="{about.model}"'
        for camera, names in passes(settings, identity):
            for name in names:
                yield f'<Item imageName="{name}" vehicleID="{identity + 1:04d}" cameraID="c{camera + 1:03d}" {kinds} />'
    yield f"</Items></{tag}>"


def _write_lines(file: Path, lines: Iterable[str]) -> None:
    def write(stream: BinaryIO) -> None:
        for line in lines:
            stream.write(line.encode() + b"\n")

    write_whole(file, write)
