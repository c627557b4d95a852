"""A network that nobody trained, as an ONNX file: its vector is the mean colour of what it is given."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.onnx_file import write_mean_colour


@pytest.fixture
def write_onnx(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the network with inputs of these shapes."""
    return partial(write_mean_colour, tmp_path / "colour.onnx")
