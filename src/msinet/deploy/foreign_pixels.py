"""What a foreign network expects of its images, as FILE.pixels.json beside it says. Imports no torch."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from msinet.errors import ModelError
from msinet.files.contents import not_usable
from msinet.files.os_errors import in_words
from msinet.normalisation import MEAN, STD

ORDERS = ("RGB", "BGR")
RANGES = {"0-1": 1.0, "0-255": 255.0}
"""Largest value of a pixel, by the range's name."""


@dataclass(frozen=True)
class ForeignPixels:
    """What a network expects of its images: each channel is brought to the range, less its mean, over its deviation."""

    size: tuple[int, int] | None = None
    """(height, width) that images are resized to; None takes the size that the network itself states."""
    order: str = "RGB"
    """Order of the channels: RGB or BGR."""
    range: str = "0-1"
    """Range of the pixels: 0-1 or 0-255."""
    mean: tuple[float, ...] = ()
    """Mean of each channel, in this order and range; by default ImageNet's. [0, 0, 0] subtracts nothing."""
    std: tuple[float, ...] = ()
    """Standard deviation of each channel, likewise. [1, 1, 1] divides by nothing."""

    def __post_init__(self) -> None:
        step = 1 if self.order == "RGB" else -1
        for name, usual in (("mean", MEAN), ("std", STD)):
            values = getattr(self, name) or [value * RANGES[self.range] for value in usual[::step]]
            object.__setattr__(self, name, tuple(values))

    @classmethod
    def read(cls, file: Path) -> "ForeignPixels":
        """Read the description of a network's images; without a file, it is the default.

        Raises:
            ModelError: the file is damaged, or says what it cannot.
        """
        if not file.exists():
            return cls()
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"cannot read {file}: {in_words(error)}") from error
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ModelError(f"{not_usable(file, 'write an object of JSON')} ({error})") from error
        if not isinstance(values, dict):
            raise ModelError(f'{file} is no object of JSON: write one, such as {{"order": "BGR", "range": "0-255"}}')
        return cls.of(values, str(file))

    @classmethod
    def of(cls, values: Mapping[str, Any], source: str = "pixels") -> "ForeignPixels":
        """Return the description of plain values; `source` is what messages call them.

        Raises:
            ModelError: they say what cannot be.
        """
        if unknown := sorted(values.keys() - _KEYS.keys()):
            raise ModelError(f"{source} has {', '.join(unknown)}: its keys are {', '.join(_KEYS)}")
        for key, value in values.items():
            is_right, words = _KEYS[key]
            if not is_right(value):
                raise ModelError(f"{source}: {key} is {json.dumps(value)}: write {words}")
        plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        return cls(**plain)

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Map RGB images (B, 3, H, W), from 0 to 255, to what the network expects: (B, 3, H, W) float32."""
        ordered = images if self.order == "RGB" else images[:, ::-1]
        mean, std = (np.array(values, np.float64)[:, None, None] for values in (self.mean, self.std))
        return ((ordered * (RANGES[self.range] / 255) - mean) / std).astype(np.float32)

    def facts(self) -> dict[str, Any]:
        """Return the description as plain values."""
        return asdict(self)


def _are_numbers(value: Any, count: int) -> bool:
    if not isinstance(value, list) or len(value) != count:
        return False
    return all(type(one) in (int, float) and math.isfinite(one) for one in value)


def _is_size(value: Any) -> bool:
    return _are_numbers(value, 2) and all(isinstance(one, int) and one > 0 for one in value)


_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "size": (_is_size, "[height, width] in pixels"),
    "order": (lambda value: value in ORDERS, " or ".join(ORDERS)),
    "range": (lambda value: value in RANGES, " or ".join(RANGES)),
    "mean": (lambda value: _are_numbers(value, 3), "three numbers, in the order and range of the pixels"),
    "std": (
        lambda value: _are_numbers(value, 3) and min(value) > 0,
        "three numbers above 0, in the order and range of the pixels",
    ),
}
"""Keys of the file: whether a value can be, and what to write in place of one that cannot."""
