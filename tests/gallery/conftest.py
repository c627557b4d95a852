import os
from importlib.util import find_spec
from itertools import count

import numpy as np
import pytest

from msinet.data.embedder import Embedder
from msinet.gallery.gallery import Gallery

DIM = 16


class Colours(Embedder):
    """The mean colours of a 2x2 grid, which tell plain pictures apart."""

    image_size = (8, 8)
    embedding_dim = 12

    def __init__(self, hash="colours"):
        self.hash = hash

    @property
    def kind(self):
        return "colours"

    def arguments(self):
        return {}

    def fingerprint(self):
        return self.hash

    def vectors(self, pixels, flip=False):
        cells = pixels.reshape(len(pixels), 2, 4, 2, 4, 3).mean(axis=(2, 4)).reshape(len(pixels), -1) - 127.4
        return (cells / np.linalg.norm(cells, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def colours():
    return Colours()


@pytest.fixture
def gallery(tmp_path, colours):
    return Gallery.create(tmp_path / "gallery", colours)


@pytest.fixture
def of_vectors(tmp_path):
    return Gallery.create(tmp_path / "vectors", dim=DIM)


def unit(count, seed=0, dim=DIM):
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def picture(seed):
    """A picture that differs from those of other seeds."""
    cells = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), np.uint8)
    return cells.repeat(8, axis=0).repeat(8, axis=1)


@pytest.fixture(scope="session")
def milvus(tmp_path_factory):
    """HOST:PORT of a Milvus: that of the variable MSINET_MILVUS or, without, Milvus Lite in this process."""
    if given := os.environ.get("MSINET_MILVUS"):
        yield given
        return
    if not find_spec("milvus_lite") or not find_spec("pymilvus"):
        pytest.skip('pip install "msinet[milvus]" milvus-lite, or set MSINET_MILVUS to the HOST:PORT of a Milvus')
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    server, database, port = start_server_in_thread(str(tmp_path_factory.mktemp("milvus") / "lite"))
    yield f"127.0.0.1:{port}"
    server.stop(grace=0)
    database.close()


NAMES = count()


@pytest.fixture
def address(milvus):
    """Return a maker of addresses of galleries that are not there yet; they are removed in the end."""
    from msinet.gallery.milvus_server import MilvusServer

    names = []

    def make():
        names.append(f"g{os.getpid()}_{next(NAMES)}")
        return f"milvus://{milvus}/{names[-1]}"

    yield make
    server = MilvusServer(milvus)
    for name in names:
        for collection in (name, f"{name}_notes"):
            server.drop(collection)


@pytest.fixture(params=["sqlite", "milvus"])
def new_place(request, tmp_path):
    """Return a maker of places for galleries: folders and, in a second run, addresses of Milvus."""
    if request.param == "milvus":
        return request.getfixturevalue("address")
    return lambda: tmp_path / f"gallery-{next(NAMES)}"
