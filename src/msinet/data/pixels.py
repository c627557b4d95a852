"""Images as pixels: decoding to RGB, resizing, and the search for files that cannot be read."""

import errno
import io
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from os import PathLike
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from msinet.data.decoder_messages import silence_decoders
from msinet.data.grey_levels import declared_bits, to_8_bits
from msinet.data.image_kinds import kind_of
from msinet.data.records import ImageRecord, Skipped
from msinet.errors import DatasetError
from msinet.files.contents import what_is
from msinet.files.os_errors import in_words
from msinet.files.paths import user_path
from msinet.progress import track

S = TypeVar("S")
T = TypeVar("T")

AHEAD = 256
"""Items that threads work on or have done ahead of the one that is asked for: millions are never queued at once."""

OF_THE_MACHINE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""Numbers of errors that say nothing about a file: too many files are open, or memory is short."""

OTHER_DECODERS = {
    "HEIC": 'it is HEIC: pip install "msinet[heic]", or save it as JPEG',
    "AVIF": "it is AVIF and damaged, or this Pillow is too old for it: pip install --upgrade pillow, or save it as JPEG",
    "JPEG 2000": "it is JPEG 2000 and damaged, or this Pillow was built without it: save it as JPEG",
    "JPEG XL": "it is JPEG XL, for which there is no decoder: save it as JPEG",
}
"""What to do about a kind of image that not every installation decodes."""

DECODERS = ("JPEG", "MPO", "PNG", "GIF", "TIFF", "BMP", "DIB", "PPM", "WEBP", "AVIF", "JPEG2000", "HEIF")
"""Pillow's decoders that are used. Others run programs (PostScript) or are hardly ever met by anybody but attackers."""

DAMAGED = ("decoder error", "Truncated File Read")
"""Beginnings of Pillow's messages about damaged files that say little."""

silence_decoders()


class Decoded(NamedTuple):
    """An image file's pixels, and what was done to them."""

    image: Image.Image
    """Upright, of mode RGB."""
    turned: bool
    """Whether the camera's rotation (EXIF) was applied."""
    bits: int | None
    """Bits of a level by which greys of up to 16 bits were scaled; None where the file has 8."""
    several: bool
    """Whether the file has further pages or frames."""


def load_image(path: str | PathLike[str]) -> Image.Image:
    """Read an image file upright.

    The camera's rotation (EXIF) is applied. 16-bit greys are scaled to 8 bits as `to_8_bits` says, transparent pixels turn
    black, and of several pages or frames the first one is taken.

    Returns:
        An image of mode RGB, 8 bits a channel.

    Raises:
        DatasetError: the file is missing, empty, truncated, too large or not an image; the message says which.
    """
    path = user_path(path)
    try:
        return decode(path).image
    except Exception as error:  # Pillow's decoders raise nearly anything when a file is broken.
        raise DatasetError(f"cannot read the image {path}: {what_is_wrong(path, error)}") from error


def in_threads(
    function: Callable[[S], T], items: Iterable[S], ahead: int = AHEAD, threads: int | None = None
) -> Iterator[T]:
    """Yield a function's result for each item, in order, computed by threads, one a core unless told otherwise.

    Pillow and the runtimes of networks work without the GIL.
    """
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        waiting: deque[Callable[[], T]] = deque()
        for item in items:
            try:
                waiting.append(pool.submit(function, item).result)
            except RuntimeError:  # The system starts no more threads (ulimit -u).
                waiting.append(partial(function, item))
            if len(waiting) >= ahead:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()


def drop_unreadable(records: Iterable[ImageRecord]) -> tuple[tuple[ImageRecord, ...], tuple[Skipped, ...]]:
    """Decode every distinct file once, and separate the readable records from the unreadable files.

    Args:
        records: several may share a file.

    Returns:
        The readable records and the unreadable files with the reason, both in the order given.

    Raises:
        OSError: too many files are open, or memory is short.
    """
    records = tuple(records)
    paths = list(dict.fromkeys(record.path for record in records))
    reasons = track(in_threads(_why_unreadable, paths), "check images", len(paths))
    unreadable = {path: reason for path, reason in zip(paths, reasons, strict=True) if reason is not None}
    readable = tuple(record for record in records if record.path not in unreadable)
    return readable, tuple(Skipped(path, reason) for path, reason in unreadable.items())


def _why_unreadable(path: Path) -> str | None:
    found = read_or_reason(path)
    return found if isinstance(found, str) else None


def read_or_reason(source: Path | bytes) -> Image.Image | str:
    """Return an image file, or the content of one, upright and of mode RGB; the reason where it cannot be read.

    Raises:
        OSError: too many files are open, or memory is short.
    """
    try:
        return decode(source).image
    except Exception as error:  # as in load_image
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            raise  # The image is as good as any.
        return what_is_wrong(source, error)


def decode(source: Path | bytes) -> Decoded:
    """Read an image file, or the content of one, with what the doctor says about it.

    Raises:
        Exception: nearly any, where the file is broken; `what_is_wrong` puts it into words.
    """
    if isinstance(source, Path) and not source.is_file():  # Opening a pipe or a device would wait for ever.
        raise FileNotFoundError
    with _opened(source) as image:
        limit = Image.MAX_IMAGE_PIXELS  # Pillow warns above it and refuses above twice of it.
        if limit is not None and image.width * image.height > limit:
            raise Image.DecompressionBombError
        return upright(image)


def upright(image: Image.Image) -> Decoded:
    """Return an opened image upright and of mode RGB, as `load_image` says.

    Raises:
        Exception: nearly any, where its data is broken.
    """
    turned, declared = _orientation(image) not in (0, 1), declared_bits(image)
    image.load()
    stands = ImageOps.exif_transpose(image) if turned else image
    bits = None
    if stands.mode.startswith("I"):  # Pillow would clip these at 255, and the image would be white.
        stands, bits = to_8_bits(stands, declared)
    return Decoded(_to_rgb(stands), turned, bits, _has_several(image))


def resized(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Return an RGB image resized to (height, width), bilinear with antialiasing: (H, W, 3) uint8.

    It differs by one grey level at most from what training resizes with, which is torchvision.
    """
    height, width = size
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _opened(source: Path | bytes) -> Image.Image:
    try:
        return _open(source)
    except UnidentifiedImageError:
        if kind_of(source) != "HEIC":
            raise
        with suppress(ImportError):  # `what_is_wrong` says how to install it.
            from pillow_heif import register_heif_opener

            register_heif_opener()  # Only when it is needed: its libraries take a while to load.
        return _open(source)


def _open(source: Path | bytes) -> Image.Image:
    Image.init()
    opened = source if isinstance(source, Path) else io.BytesIO(source)
    return Image.open(opened, formats=[decoder for decoder in DECODERS if decoder in Image.OPEN])


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # A broken EXIF block; the pixels are as good as ever.
        return 1


def _has_several(image: Image.Image) -> bool:
    """Return whether a file has pages or frames besides the first, other than the depth maps that phones add to JPEGs."""
    with suppress(Exception):  # The first frame is read, however broken the others are.
        return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    return True


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of unknown range: save it with 8 or 16 bits")
    if image.has_transparency_data:
        visible = image.convert("RGBA")
        image = Image.new("RGBA", visible.size, "black")
        image.alpha_composite(visible)
    return image.convert("RGB")


def what_is_wrong(source: Path | bytes, error: Exception) -> str:
    """Return the reason why a file, or the content of one, cannot be decoded, without the path."""
    if isinstance(error, FileNotFoundError) and isinstance(source, Path):
        return "it is not a file" if source.exists() else "there is no such file"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it has more than {Image.MAX_IMAGE_PIXELS} pixels, too many for a crop"
    if isinstance(error, UnidentifiedImageError):
        return _what_it_is_instead(source)
    reason = in_words(error) or type(error).__name__
    return "its data is damaged or cut off: export or copy it again" if reason.startswith(DAMAGED) else reason


def _what_it_is_instead(source: Path | bytes) -> str:
    if not (source.stat().st_size if isinstance(source, Path) else source):
        return "it is empty (0 bytes)"
    kind = kind_of(source)
    if kind == "HEIC" and "HEIF" in Image.OPEN:
        return "it is HEIC, but damaged or cut off: export or copy it again"
    if kind:
        return OTHER_DECODERS.get(kind, f"it begins as {kind}, but is damaged or cut off: export or copy it again")
    words = what_is(source) if isinstance(source, Path) else "unknown"
    return "it is not an image" + (", or of an unknown format" if "unknown" in words else f", but {words}")
