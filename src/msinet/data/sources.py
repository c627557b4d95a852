"""What a predictor is given, as pixels: paths, contents of files, arrays, Pillow images, and boxes of a frame."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from msinet.data.pixels import read_or_reason, upright, what_is_wrong
from msinet.errors import DatasetError
from msinet.files.paths import user_path

Source = str | PathLike[str] | bytes | np.ndarray | Image.Image
"""An image: a path, the content of an image file, (H, W, 3) or (H, W) uint8, or a Pillow image."""


class LeftOut(NamedTuple):
    """An image that could not be embedded."""

    position: int
    """Position among the images, or among the boxes of a frame."""
    name: str
    """Its path or, where it has none, what it is."""
    reason: str


def is_one(images: object) -> bool:
    """Return whether what was given is one image; several are a sequence, an iterator, or an array (B, H, W, 3)."""
    if isinstance(images, np.ndarray):
        return images.ndim < 4
    return isinstance(images, str | PathLike | bytes | bytearray | memoryview | Image.Image)


def name_of(source: Source) -> str:
    """Return what a message calls an image."""
    if isinstance(source, str | PathLike):
        return str(source)
    words = {bytes: "bytes", np.ndarray: "an array"}
    return words.get(type(source), f"an image of type {type(source).__name__}")


def read(source: Source) -> Image.Image | str:
    """Return an image of mode RGB, upright; the reason where it cannot be read.

    Raises:
        OSError: too many files are open, or memory is short.
    """
    if isinstance(source, str | PathLike):
        return read_or_reason(user_path(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return read_or_reason(bytes(source))
    if isinstance(source, Image.Image):
        try:
            return upright(source).image
        except Exception as error:  # A file that was opened and not yet decoded may be broken.
            return what_is_wrong(Path(getattr(source, "filename", "") or "image"), error)
    if isinstance(source, np.ndarray):
        return _of_array(source)
    return f"it is of type {type(source).__name__}: give a path, bytes, an array or a Pillow image"


def _of_array(pixels: np.ndarray) -> Image.Image | str:
    if pixels.dtype != np.uint8:
        return f"its numbers are {pixels.dtype}: give uint8, from 0 to 255"
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        return f"its shape is {pixels.shape}: give (height, width, 3), RGB, or (height, width)"
    if not pixels.size:
        return f"its shape is {pixels.shape}: it has no pixels"
    return Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")


def frame_of(source: Source) -> Image.Image:
    """Return a frame that boxes are cut from.

    Raises:
        DatasetError: it cannot be read.
    """
    found = read(source)
    if isinstance(found, str):
        raise DatasetError(f"cannot read the frame {name_of(source)}: {found}")
    return found


def boxes_of(boxes: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Return boxes as (N, 4) float64.

    Raises:
        ValueError: they have another shape.
    """
    array = np.asarray(boxes, np.float64)
    array = array.reshape(0, 4) if not array.size else array
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"boxes have the shape {array.shape}: give (N, 4), left, top, right and bottom in pixels")
    return array


def name_of_box(box: np.ndarray) -> str:
    """Return what a message calls a box."""
    return f"box {np.round(box, 1).tolist()}"


def cut(frame: Image.Image, box: np.ndarray) -> Image.Image | str:
    """Return what lies in a box of a frame, clipped to it and to whole pixels; the reason where nothing does.

    Args:
        frame: of mode RGB.
        box: (4,) left, top, right and bottom in pixels.
    """
    if not np.isfinite(box).all():
        return "its corners are not finite"
    limits = np.array([frame.width, frame.height] * 2)
    left, top, right, bottom = np.rint(box).clip(0, limits).astype(int).tolist()
    if left >= right or top >= bottom:
        return f"nothing of it lies in the frame of {frame.width} x {frame.height} pixels"
    return frame.crop((left, top, right, bottom))
