"""The script that makes the weights, on vectors alone, and the models that ship."""

import re
from pathlib import Path

import numpy as np
import pytest

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.model import zoo
from msinet.model.cost import count_parameters
from msinet.model.model_files import load_model

MOST_BYTES = 8e6


@pytest.fixture(scope="module")
def script(load_example):
    load_example("distil_views")  # beside it
    return load_example("make_weights")


def taught(*rows: tuple[str, float]) -> Embeddings:
    """Vectors on the unit circle, by camera and angle in degrees."""
    angles = np.deg2rad([angle for _, angle in rows])
    records = [ImageRecord(Path(f"{i}.jpg"), f"true-{i}", camera) for i, (camera, _) in enumerate(rows)]
    return Embeddings(np.stack([np.cos(angles), np.sin(angles)], axis=1), records)


def groups(script, *rows: tuple[str, float]) -> set[frozenset[int]]:
    found: dict[str, set[int]] = {}
    for position, record in enumerate(script.labelled_by_neighbours(taught(*rows))):
        found.setdefault(record.identity, set()).add(position)
    return {frozenset(group) for group in found.values()}


def test_images_that_are_each_others_nearest_are_one_identity(script):
    assert groups(script, ("1", 0), ("1", 90), ("2", 91), ("2", 3)) == {frozenset({0, 3}), frozenset({1, 2})}


def test_an_image_whose_nearest_prefers_another_stays_alone(script):
    assert groups(script, ("1", 0), ("1", 20), ("2", 2)) == {frozenset({0, 2}), frozenset({1})}


def test_neighbours_of_three_cameras_are_joined(script):
    assert groups(script, ("1", 0), ("2", 2), ("3", 4), ("1", 90)) == {frozenset({0, 1, 2}), frozenset({3})}


def test_images_of_one_camera_are_never_neighbours(script):
    assert groups(script, ("1", 0), ("1", 0)) == {frozenset({0}), frozenset({1})}


def test_the_true_identities_are_not_read(script):
    rows = (("1", 0.0), ("1", 90.0), ("2", 91.0), ("2", 3.0))
    labelled = script.labelled_by_neighbours(taught(*rows))
    assert not any("true" in record.identity for record in labelled)


@pytest.mark.parametrize("name", zoo.names())
def test_a_model_that_ships_is_what_its_card_says(name):
    card, network = zoo.cards()[name], load_model(name)
    assert card.licence
    assert card.info["lineage"]
    assert 0 < card.info["scores"]["mAP"] < 1
    assert card.info["parameters"] == count_parameters(network)
    assert card.fingerprint == network.fingerprint()


@pytest.mark.parametrize("name", zoo.names())
def test_a_model_that_ships_says_which_real_images_it_learned(name):
    card = zoo.cards()[name]
    real = re.search(r"(\d+) real images", card.info["lineage"])
    assert (card.learned and card.learned.images) == (int(real[1]) if real else None)


def test_the_models_that_ship_are_small():
    sizes = {name: sum(file.stat().st_size for file in (zoo.ZOO / name).iterdir()) for name in zoo.names()}
    assert sum(sizes.values()) <= MOST_BYTES
