"""Image files as pixels: their suffixes, decoding to RGB, and the search for files that cannot be read."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from msinet.data.records import ImageRecord, Skipped
from msinet.errors import DatasetError
from msinet.progress import track

T = TypeVar("T")

IMAGE_SUFFIXES = frozenset(
    (".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""Suffixes of image files, in lower case."""

AT_ONCE = 1024
"""Files queued for the threads at a time, so that a dataset of millions is never queued whole."""


def load_image(path: str | PathLike[str]) -> Image.Image:
    """Read an image file upright.

    The camera's rotation (EXIF) is applied. 16-bit greys are scaled to 8 bits, transparent pixels turn black, and an
    animation gives its first frame.

    Returns:
        An image of mode RGB, 8 bits a channel.

    Raises:
        DatasetError: the file is missing, empty, truncated, too large or not an image; the message says which.
    """
    path = Path(path)
    try:
        return decode_with_orientation(path)[0]
    except Exception as error:  # Pillow's decoders raise nearly anything when a file is broken.
        raise DatasetError(f"cannot read the image {path}: {what_is_wrong(path, error)}") from error


def in_threads(function: Callable[[Path], T], paths: Sequence[Path]) -> Iterator[T]:
    """Yield a function's result for each file, in order, computed by a thread per core: Pillow decodes without the GIL."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), AT_ONCE):
            yield from pool.map(function, paths[start : start + AT_ONCE])


def drop_unreadable(records: Iterable[ImageRecord]) -> tuple[tuple[ImageRecord, ...], tuple[Skipped, ...]]:
    """Decode every distinct file once, and separate the readable records from the unreadable files.

    Args:
        records: several may share a file.

    Returns:
        The readable records and the unreadable files with the reason, both in the order given.
    """
    records = tuple(records)
    paths = list(dict.fromkeys(record.path for record in records))
    reasons = track(in_threads(_why_unreadable, paths), "check images", len(paths))
    unreadable = {path: reason for path, reason in zip(paths, reasons, strict=True) if reason is not None}
    readable = tuple(record for record in records if record.path not in unreadable)
    return readable, tuple(Skipped(path, reason) for path, reason in unreadable.items())


def _why_unreadable(path: Path) -> str | None:
    try:
        decode_with_orientation(path)
    except Exception as error:  # as in load_image
        return what_is_wrong(path, error)
    return None


def decode_with_orientation(path: Path) -> tuple[Image.Image, bool]:
    """Return the upright image, and whether the camera's rotation (EXIF) was applied.

    Raises:
        Exception: nearly any, where the file is broken; `what_is_wrong` puts it into words.
    """
    if not path.is_file():  # Opening a pipe or a device would wait for ever.
        raise FileNotFoundError
    with Image.open(path) as image:
        limit = Image.MAX_IMAGE_PIXELS  # Pillow warns above it and refuses above twice of it.
        if limit is not None and image.width * image.height > limit:
            raise Image.DecompressionBombError
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) not in (0, 1)
        return _to_rgb(ImageOps.exif_transpose(image)), turned


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range: save it with 8 or 16 bits")
    if image.mode.startswith("I"):  # Pillow would clip these at 255, and the image would be white.
        levels = np.asarray(image).astype(np.int64).clip(0, 65535) // 257
        image = Image.fromarray(levels.astype(np.uint8))
    if image.has_transparency_data:
        visible = image.convert("RGBA")
        image = Image.new("RGBA", visible.size, "black")
        image.alpha_composite(visible)
    return image.convert("RGB")


def what_is_wrong(path: Path, error: Exception) -> str:
    """Return the reason why a file cannot be decoded, without the path."""
    if isinstance(error, FileNotFoundError):
        return "it is not a file" if path.exists() else "there is no such file"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it has more than {Image.MAX_IMAGE_PIXELS} pixels, too many for a crop"
    if isinstance(error, UnidentifiedImageError):
        return "it is not an image, or of an unknown format" if path.stat().st_size else "it is empty (0 bytes)"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
