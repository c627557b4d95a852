"""The published numbers (`../model/published_anchors.json`) and the arrays of their formula."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def anchors() -> dict:
    return json.loads((Path(__file__).parents[1] / "model" / "published_anchors.json").read_text())


@pytest.fixture(scope="session")
def normal():
    """Return the formula's R(seed, shape), float64."""

    def draw(seed: int, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape))

    return draw
