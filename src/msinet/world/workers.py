"""Processes that make a world's images, and their orderly end."""

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

import numpy as np

from msinet.errors import MSINetError
from msinet.files.atomic import write_atomically
from msinet.world.camera import Camera, draw_camera
from msinet.world.mesh import Floats
from msinet.world.names import CAMERAS, IMAGES, TRAFFIC, VEHICLES
from msinet.world.passing import draw_pass
from msinet.world.picture import render
from msinet.world.scene import StagedVehicle, noise_texture
from msinet.world.vehicles import Vehicle, draw_vehicle

NEIGHBOURS = 12
"""Number of vehicles that appear around others."""


class Surroundings(NamedTuple):
    """Settings of a world's cameras, which all vehicles pass."""

    seed: int
    cameras: int
    city: str
    difficulty: float
    size: int
    """Largest number of pixels on an image's longest side."""


class Images(NamedTuple):
    """Images of one vehicle to make."""

    identity: int
    places: Mapping[int, list[list[Path]]]
    """Files of each image of the pass, by camera."""


class WorldError(MSINetError):
    """Images of a world that could not be made."""


def made_by_processes(work: Iterator[Images], around: Surroundings, processes: int) -> Iterator[int]:
    """Make images, and yield the number of each piece of work when it is done.

    Raises:
        WorldError: a process was killed.
        FileError: the disk is full, or a file cannot be written.
    """
    if processes == 1:
        for images in work:
            yield _make(images, around)
        return
    # Spawned, not forked: threads and open files of this process would not survive a fork.
    context = get_context("spawn")
    stopping = context.Event()
    pool = ProcessPoolExecutor(processes, context, _begin, (stopping,))
    try:
        with _interrupts_ignored():  # Processes that start now would inherit the handler and print a traceback.
            running: set[Future[int]] = {pool.submit(_make, images, around) for images in islice(work, 2 * processes)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
            running |= {pool.submit(_make, images, around) for images in islice(work, len(done))}
    except BrokenProcessPool as error:
        raise WorldError(
            "a worker was killed, probably for lack of memory: run the same again with fewer processes; it resumes",
            "processes",
        ) from error
    finally:
        stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_stopping: Event | None = None
"""Set in a worker when it has to stop."""


def _begin(stopping: Event) -> None:
    """Prepare a worker: it ignores Ctrl-C, which the main process handles, and ends with the main process."""
    global _stopping
    _stopping = stopping
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        wait_for([parent.sentinel])
        os._exit(1)


def _make(images: Images, around: Surroundings) -> int:
    """Make images of one vehicle, and return their number."""
    cameras, traffic, texture = _drawn(around)
    vehicle = draw_vehicle((around.seed, VEHICLES, images.identity))
    stage = StagedVehicle(vehicle)
    made = 0
    for camera, places in images.places.items():
        rng = np.random.default_rng((around.seed, IMAGES, images.identity, camera))
        moments = draw_pass(cameras[camera], vehicle, traffic, len(places), rng)
        for files, moment in zip(places, moments, strict=True):
            if _stopping is not None and _stopping.is_set():
                return made
            picture = render(cameras[camera], stage, moment, around.size, texture, rng)
            for file in files:
                write_atomically(file, picture, synced=False)
            made += 1
    return made


@lru_cache(maxsize=1)
def _drawn(around: Surroundings) -> tuple[list[Camera], list[Vehicle], Floats]:
    cameras = [
        draw_camera((around.seed, CAMERAS, camera), around.city, around.difficulty) for camera in range(around.cameras)
    ]
    return cameras, [draw_vehicle((around.seed, TRAFFIC, i)) for i in range(NEIGHBOURS)], noise_texture(around.seed)
