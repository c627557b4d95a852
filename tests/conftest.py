"""Small datasets that every part of the tests may use: coloured rectangles, an identity a colour."""

import importlib.util
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from msinet.data.records import ImageRecord, ReidSplits

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
