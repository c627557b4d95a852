"""A world on disk, laid out as VeRi-776 is."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from msinet.errors import DatasetError, SettingsError
from msinet.whole_files import write_whole
from msinet.world.lists import write_lists
from msinet.world.names import Pass, passes
from msinet.world.settings import WorldSettings
from msinet.world.workers import Images, Surroundings, made_by_processes

VERSION = 1
"""Of the pictures: the same settings under another version give other ones."""

END_OF_JPEG = b"\xff\xd9"

UNFINISHED = "world.json.unfinished"

AT_ONCE = 16
"""Images that a process makes, at least, before it tells: the vehicle is made anew for each such piece of work."""


class Progress(Protocol):
    """Where the making tells how far it is."""

    def start(self, what: str, total: int, done: int = 0) -> None:
        """Begin so many images, some of them made before."""
        ...

    def advance(self, **values: float) -> None:
        """One more image is made."""
        ...


def make_world(out: Path, settings: WorldSettings, progress: Progress, processes: int | None = None) -> None:
    """Write a world; called again with the same settings, it makes what is missing or damaged.

    The same settings give the same bytes, with any number of processes.

    Args:
        out: folder, made where it is not there.
        settings: of the world.
        progress: is told of every image, some at a time.
        processes: that make images; by default one a core.

    Raises:
        SettingsError: the number of processes is none.
        DatasetError: the folder holds something else.
        CheckpointError: the disk is full or cannot be written.
        WorldError: a process was killed.
        KeyboardInterrupt: stopped; what is made stays.
    """
    if processes is not None and processes < 1:
        raise SettingsError(f"{processes} processes make nothing: take 1 or more")
    _claim(out, settings)
    total = settings.identities * settings.cameras * settings.images_per_camera
    missing = sum(len(part.names) for i in range(settings.identities) for part in _missing(out, settings, i))
    progress.start("make images", total, total - missing)
    work = (images for i in range(settings.identities) for images in _work(out, settings, i))
    around = Surroundings(settings.seed, settings.cameras, settings.city, settings.difficulty, settings.size)
    for made in made_by_processes(work, around, min(processes or _cores(), max(1, missing // AT_ONCE))):
        for _ in range(made):
            progress.advance()
    for folder in ("image_train", "image_query", "image_test"):
        (out / folder).mkdir(exist_ok=True)
    write_lists(out, settings)


def _missing(out: Path, settings: WorldSettings, identity: int) -> Iterator[Pass]:
    """Yield the passes of which an image is missing or not whole."""
    for part in passes(settings, identity):
        if not all(_whole(file) for files in _places(out, settings, identity, part) for file in files):
            yield part


def _work(out: Path, settings: WorldSettings, identity: int) -> Iterator[Images]:
    """Yield what has to be made of a vehicle, in pieces that are worth staging it."""
    cameras: dict[int, list[list[Path]]] = {}
    for part in _missing(out, settings, identity):
        cameras[part.camera] = _places(out, settings, identity, part)
        if len(cameras) * settings.images_per_camera >= AT_ONCE:
            yield Images(identity, cameras)
            cameras = {}
    if cameras:
        yield Images(identity, cameras)


def _places(out: Path, settings: WorldSettings, identity: int, part: Pass) -> list[list[Path]]:
    """Return for each image of a pass where it goes: of a vehicle for testing, the first of each camera is asked for."""
    if identity < settings.identities - settings.test_identities:
        return [[out / "image_train" / name] for name in part.names]
    asked = [[out / "image_query" / part.names[0]], *([] for _ in part.names[1:])]
    return [[out / "image_test" / name, *query] for name, query in zip(part.names, asked, strict=True)]


def _whole(file: Path) -> bool:
    """Return whether a JPEG is there up to its end."""
    try:
        with file.open("rb") as stream:
            stream.seek(-len(END_OF_JPEG), os.SEEK_END)
            return stream.read() == END_OF_JPEG
    except OSError:  # It is not there, or shorter than its end.
        return False


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
            differs = ", ".join(name for name in recipe | there if there.get(name) != recipe.get(name))
            raise DatasetError(f"{out} holds a world with another {differs}: delete it, or choose another folder")
    elif out.is_symlink() and not out.exists():
        raise DatasetError(f"{out} is a link to nothing: choose another folder")
    elif out.exists() and (not out.is_dir() or any(file.name != UNFINISHED for file in out.iterdir())):
        raise DatasetError(f"{out} holds something else: choose a folder that is empty or not there")
    else:
        write_whole(file, (json.dumps(recipe, indent=2) + "\n").encode())
