"""Small datasets and settings that every part of the tests may use: coloured rectangles, networks that learn in seconds."""

import importlib.util
import os
import signal
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image

from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.sides import Sides
from msinet.architecture_search.twins import TwinsSearch
from msinet.batches.loading import Batch
from msinet.data.identity_splits import SearchSplit
from msinet.data.records import ImageRecord, ReidSplits, RetrievalTask
from msinet.engine.machine import Machine
from msinet.model.msinet.search_space import PUBLISHED
from msinet.progress import listen
from msinet.training.settings import TrainSettings

signal.signal(signal.SIGINT, signal.default_int_handler)  # Ctrl-C is ignored in tests that a shell runs in the background.
os.environ.pop("COLUMNS", None)  # Processes of pytest-xdist have it; the terminal is as wide as a test says.

SMALL: dict[str, Any] = {
    "image_height": 32,
    "image_width": 32,
    "width": 0.25,
    "identities_per_batch": 4,
    "images_per_identity": 2,
}
"""Sizes of a search or a training at 32 x 32 pixels."""

TINY: dict[str, Any] = {
    **SMALL,
    "epochs": 2,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "warmup_epochs": 0.5,
    "device": "cpu",
    "precision": "fp32",
}
"""Settings of a search or a training of two epochs at 32 x 32 pixels."""

settings.register_profile("untimed", deadline=None)  # Machines are slow beside other work, and first calls compile.
settings.load_profile("untimed")

torch.set_num_threads(1)  # Networks this small lose by more, and wait long for cores that others use.


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep decoded images away from the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def make_splits(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ReidSplits]:
    """Return a maker of datasets: identities differ in colour and stripes, cameras in brightness."""

    def make(train: int = 8, test: int = 4, cameras: int = 2, images: int = 2) -> ReidSplits:
        folder = tmp_path_factory.mktemp("images")
        records = [
            ImageRecord(paint(folder, f"v{i:03}", f"c{c}", n), f"v{i:03}", f"c{c}")
            for i in range(train + test)
            for c in range(cameras)
            for n in range(images)
        ]
        cut = train * cameras * images
        return ReidSplits("painted", train=tuple(records[:cut]), query=tuple(records[cut:]), gallery=tuple(records[cut:]))

    return make


@pytest.fixture
def sized(make_splits: Callable[..., ReidSplits]) -> ReidSplits:
    """A dataset with two test sizes, usually scored by drawn galleries."""
    splits = make_splits(test=6)
    few = tuple(record for record in splits.gallery if record.identity < "v011")
    tasks = {"3": RetrievalTask(few, few), "6": RetrievalTask(splits.query, splits.gallery)}
    return replace(splits, tasks=tasks, query=few, gallery=few, protocol="vehicleid")


@pytest.fixture(scope="session")
def load_example() -> Callable[[str], ModuleType]:
    """Return a function that imports a script of examples/ by its name."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent.parent / "examples" / f"{name}.py")
        assert spec and spec.loader
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def paint(folder: Path, identity: str, camera: str, number: int) -> Path:
    """Write a 40 x 40 picture whose colours follow from the identity, with a little noise of its own."""
    colors = np.random.default_rng(zlib.crc32(identity.encode())).integers(30, 200, (4, 1, 3))
    noise = np.random.default_rng(zlib.crc32(f"{identity}{camera}{number}".encode())).integers(0, 20, (40, 40, 3))
    pixels = np.repeat(colors, 10, axis=0) + noise + 20 * int(camera.removeprefix("c"))
    path = folder / f"{identity}_{camera}_{number}.png"
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def search_settings() -> SearchSettings:
    """A search of two epochs at 32 x 32 pixels."""
    return SearchSettings(**TINY, cells_per_stage=1)


@pytest.fixture(scope="session")
def train_settings() -> TrainSettings:
    """A training of two epochs at 32 x 32 pixels."""
    return TrainSettings(**TINY)


@pytest.fixture(scope="session")
def tiny_recipe() -> dict[str, dict[str, Any]]:
    """A recipe of one epoch at 32 x 32 pixels, its other settings as they are by default."""
    values = {**SMALL, "epochs": 1, "small_epochs": 0}
    return {"search": values, "train": values}


@pytest.fixture(scope="session")
def make_twins() -> Callable[..., TwinsSearch]:
    """Return a maker of searches over four identities a side, outside of any run."""

    def make(
        settings: SearchSettings, machine: Machine | None = None, method: type[TwinsSearch] = TwinsSearch
    ) -> TwinsSearch:
        space = replace(PUBLISHED, cells_per_stage=settings.cells_per_stage)
        names = ["a", "b", "c", "d"]
        return method(settings, space, Sides(SearchSplit((), ()), names, names), machine or Machine(settings.machine))

    return make


@pytest.fixture
def batches() -> list[Batch]:
    """A batch for the weights and one for the alphas: 4 identities x 2 images of noise."""
    random = torch.Generator().manual_seed(3)
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    return [Batch(torch.randn(8, 3, 32, 32, generator=random), labels, labels * 0, labels) for _ in range(2)]


class StopAfter:
    """A listener that presses Ctrl-C after some steps of a piece of work."""

    def __init__(self, what: str, steps: int) -> None:
        self.what, self.left = what, steps

    def begin(self, what: str, total: int | None, done: int = 0) -> "Counting":
        return Counting(self, what == self.what)


class Counting:
    """A bar whose steps count for the listener, or do not."""

    def __init__(self, listener: StopAfter, counts: bool) -> None:
        self.listener, self.counts = listener, counts

    def advance(self, count: int = 1, **values: float) -> None:
        if self.counts:
            self.listener.left -= count
            if self.listener.left == 0:
                signal.raise_signal(signal.SIGINT)


@pytest.fixture
def stop_after() -> Callable[[str, int], AbstractContextManager[None]]:
    """Return a context in which Ctrl-C is pressed after some steps: `with stop_after("search", 3):`."""
    return lambda what, steps: listen(StopAfter(what, steps))
