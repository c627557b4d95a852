import json

import numpy as np
import pytest

from msinet.deploy.foreign_pixels import ForeignPixels
from msinet.errors import ModelError


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a description from its text, or from its values."""

    def read(values: object) -> ForeignPixels:
        file = tmp_path / "a.pixels.json"
        file.write_text(values if isinstance(values, str) else json.dumps(values))
        return ForeignPixels.read(file)

    return read


IMAGE = np.array([255, 51, 0], np.float32).reshape(1, 3, 1, 1)
"""A pixel: red, green, blue."""


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [(1 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, -0.406 / 0.225]),
        ({"order": "BGR"}, [-0.406 / 0.225, (0.2 - 0.456) / 0.224, (1 - 0.485) / 0.229]),
        ({"range": "0-255"}, [(1 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, -0.406 / 0.225]),
        ({"order": "BGR", "range": "0-255", "mean": [0, 0, 0], "std": [1, 1, 1]}, [0, 51, 255]),
        ({"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}, [1, -0.6, -1]),
        ({"order": "BGR", "range": "0-255", "mean": [1, 2, 3], "std": [1, 7, 2]}, [-1, 7, 126]),
    ],
    ids=str,
)
def test_pixels_become_what_the_description_says(read, values, expected):
    found = read(values).apply(IMAGE)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-6, atol=1e-6)


def test_without_a_file_all_is_as_for_networks_of_msinet_at_the_size_that_the_network_states(tmp_path, read):
    assert ForeignPixels.read(tmp_path / "none.json") == ForeignPixels() == read({})
    assert ForeignPixels().size is None


def test_a_size_is_height_and_width(read):
    assert read({"size": [256, 128]}).size == (256, 128)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"size": 256}, r"size is 256: write \[height, width\] in pixels"),
        ({"size": [256, 0]}, "size is"),
        ({"size": [256.5, 128]}, "size is"),
        ({"order": "rgb"}, 'order is "rgb": write RGB or BGR'),
        ({"range": 255}, "range is 255: write 0-1 or 0-255"),
        ({"mean": [0, 0]}, "mean is .*: write three numbers"),
        ({"mean": None}, "mean is null: write three numbers"),
        ({"std": [1, 1, 0]}, "std is .*: write three numbers above 0"),
        ({"std": "1"}, "std is"),
        ({"colour": "RGB", "size": [1, 2]}, "has colour: its keys are size, order, range, mean, std"),
        ([], "is no object of JSON: write one, such as"),
        ("", "an empty file"),
        ('{"size": [256,', "is a JSON file: write an object of JSON"),
    ],
    ids=str,
)
def test_what_cannot_be_is_named_with_what_to_write(read, values, words):
    with pytest.raises(ModelError, match=rf"a\.pixels\.json.*{words}"):
        read(values)
