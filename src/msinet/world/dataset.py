"""A synthetic dataset on disk in the layout of VeRi-776: made, resumed, repaired."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from msinet.errors import DatasetError, FileError, SettingsError, listed
from msinet.files.atomic import write_atomically
from msinet.files.lock import LOCK, sole_writer
from msinet.files.os_errors import in_words
from msinet.progress import begin
from msinet.world.lists import write_lists
from msinet.world.names import Pass, passes
from msinet.world.settings import WorldSettings
from msinet.world.workers import Images, Surroundings, made_by_processes

VERSION = 1
"""Version of the images: another version gives other images for the same settings."""

END_OF_JPEG = b"\xff\xd9"

UNFINISHED = "world.json.unfinished"

AT_ONCE = 16
"""Least number of images in a piece of work, since each piece prepares its vehicle anew."""


def make_world(out: Path, settings: WorldSettings, processes: int | None = None) -> None:
    """Write a synthetic dataset; called again with the same settings, it makes only missing or damaged files.

    The same settings give the same bytes, with any number of processes.

    Args:
        out: folder of the dataset; it is created if needed.
        settings: settings of the world.
        processes: number of processes that make images; by default one per core.

    Raises:
        SettingsError: the number of processes is not positive.
        DatasetError: the folder holds another world, or something else.
        BusyError: another process writes to the folder.
        FileError: the disk is full, or a file cannot be read or written.
        WorldError: a process was killed.
        KeyboardInterrupt: the user stopped it; finished images stay.
    """
    if processes is not None and processes < 1:
        raise SettingsError(f"processes is {processes}: it must be at least 1", "processes")
    total = settings.identities * settings.cameras * settings.images_per_camera
    missing = sum(len(part.names) for i in range(settings.identities) for part in _missing(out, settings, i))
    # A finished world may lie on a disk that can only be read.
    with sole_writer(out, writes=missing > 0 or os.access(out, os.W_OK)):
        _claim(out, settings)
        bar = begin("make images", total, total - missing)
        work = (images for i in range(settings.identities) for images in _work(out, settings, i))
        around = Surroundings(settings.seed, settings.cameras, settings.city, settings.difficulty, settings.size)
        for made in made_by_processes(work, around, min(processes or _cores(), max(1, missing // AT_ONCE))):
            bar.advance(made)
        for folder in ("image_train", "image_query", "image_test"):
            (out / folder).mkdir(exist_ok=True)
        write_lists(out, settings)


def _missing(out: Path, settings: WorldSettings, identity: int) -> Iterator[Pass]:
    """Yield the passes of which an image is missing or incomplete."""
    for part in passes(settings, identity):
        if not all(_complete(file) for files in _places(out, settings, identity, part) for file in files):
            yield part


def _work(out: Path, settings: WorldSettings, identity: int) -> Iterator[Images]:
    """Yield the missing images of a vehicle in pieces that are worth the vehicle's preparation."""
    cameras: dict[int, list[list[Path]]] = {}
    for part in _missing(out, settings, identity):
        cameras[part.camera] = _places(out, settings, identity, part)
        if len(cameras) * settings.images_per_camera >= AT_ONCE:
            yield Images(identity, cameras)
            cameras = {}
    if cameras:
        yield Images(identity, cameras)


def _places(out: Path, settings: WorldSettings, identity: int, part: Pass) -> list[list[Path]]:
    """Return the files of each image of a pass. A test vehicle's first image in each camera is a query as well."""
    if identity < settings.identities - settings.test_identities:
        return [[out / "image_train" / name] for name in part.names]
    queries = [[out / "image_query" / part.names[0]], *([] for _ in part.names[1:])]
    return [[out / "image_test" / name, *query] for name, query in zip(part.names, queries, strict=True)]


def _complete(file: Path) -> bool:
    """Return whether a JPEG exists up to its end."""
    try:
        with file.open("rb") as stream:
            stream.seek(-len(END_OF_JPEG), os.SEEK_END)
            return stream.read() == END_OF_JPEG
    except OSError:  # It is missing, or shorter than its end.
        return False


def _is_left_over(file: Path) -> bool:
    """Return whether a file is of a process that was killed at the start, or a lock."""
    return file.name == UNFINISHED or file.name.removeprefix(".").startswith(LOCK)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _claim(out: Path, settings: WorldSettings) -> None:
    """Write the settings into the folder, or check that it has the same ones."""
    recipe = {"version": VERSION, **asdict(settings)}
    file = out / "world.json"
    if file.is_file():
        try:
            there = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise FileError(f"cannot read {file}: {in_words(error)}; delete the folder, or choose another one") from error
        if there != recipe:
            there = there if isinstance(there, dict) else {}
            names = [name for name in recipe | there if there.get(name) != recipe.get(name)]
            differences = listed([f"{name}: {there.get(name)} instead of {recipe.get(name)}" for name in names])
            raise DatasetError(f"{out} holds a world with other settings: delete it, or choose another folder{differences}")
    elif out.is_symlink() and not out.exists():
        raise FileError(f"{out} is a link to nothing: choose another folder")
    elif out.exists() and (not out.is_dir() or not all(_is_left_over(file) for file in out.iterdir())):
        raise DatasetError(f"{out} holds something else: choose an empty or a new folder")
    else:
        write_atomically(file, (json.dumps(recipe, indent=2) + "\n").encode())
