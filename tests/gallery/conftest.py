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
