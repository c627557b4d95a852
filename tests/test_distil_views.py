"""The distillation that made the weights: views are seeded, and a network learns their vectors exactly on after a stop."""

import numpy as np
import pytest
import torch
from PIL import Image

from msinet.data.embedder import Embedder
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet


class Means(Embedder):
    """The mean colour of an image."""

    image_size, embedding_dim, kind = (4, 4), 3, "means"
    seen = 0

    def arguments(self):
        return {}

    def fingerprint(self):
        return "means"

    def vectors(self, pixels, flip=False):
        self.seen += len(pixels)
        means = pixels.mean(axis=(1, 2)) + 1
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def script(load_example, monkeypatch):
    script = load_example("distil_views")
    monkeypatch.setattr(script, "PART", 40)
    monkeypatch.setattr(script, "BATCH_SIZE", 8)
    monkeypatch.setattr(script, "WARMUP", 2)
    return script


@pytest.fixture
def pictures(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(6)]
    for i, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (30, 20, 3), np.uint8)).save(path)
    return paths


def test_views_are_made_once_and_each_file_by_its_own_seed(script, pictures, tmp_path):
    means = Means()
    made = script.make_views(tmp_path / "views", 2, pictures[:4], pictures[4:], [means, Means()])
    assert (len(made), made.pictures[0].shape, made.vectors.shape) == (80, (40, 128, 96, 3), (80, 6))
    assert np.linalg.norm(made.vectors, axis=1) == pytest.approx(1, abs=1e-2)
    assert not np.array_equal(made.pictures[0], made.pictures[1])
    (tmp_path / "views" / "001-vectors.npy").unlink()
    again = script.make_views(tmp_path / "views", 2, pictures[:4], pictures[4:], [means, Means()])
    assert means.seen == 120
    assert np.array_equal(again.pictures[1], made.pictures[1])
    assert np.array_equal(again.vectors, made.vectors)


def test_a_distillation_goes_on_exactly_where_it_stopped(script, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "SAVED_EVERY", 3)
    views = script.make_views(tmp_path / "views", 1, pictures, [], [Means()])

    def network():
        torch.manual_seed(1)
        return MSINet.build(2, (32, 32), 0.25, Architecture.random(0))

    whole = script.distil(network(), views, views.vectors, tmp_path / "whole.checkpoint", 2, 1e-3)
    batch, asked = script.Views.batch, 0

    def stops(self, rows):
        nonlocal asked
        asked += 1
        if asked == 6:
            raise KeyboardInterrupt
        return batch(self, rows)

    monkeypatch.setattr(script.Views, "batch", stops)
    with pytest.raises(KeyboardInterrupt):
        script.distil(network(), views, views.vectors, tmp_path / "parts.checkpoint", 2, 1e-3)
    resumed = script.distil(network(), views, views.vectors, tmp_path / "parts.checkpoint", 2, 1e-3)
    assert asked == 6 + 7  # from the third step on
    assert resumed.fingerprint() == whole.fingerprint() != network().fingerprint()
