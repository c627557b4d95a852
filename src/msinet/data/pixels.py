"""Image files as pixels: decoding to RGB, and the search for files that cannot be read."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import NamedTuple, TypeVar

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

T = TypeVar("T")

AT_ONCE = 1024
"""Files queued for the threads at a time, so that a dataset of millions is never queued whole."""

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


def in_threads(function: Callable[[Path], T], paths: Sequence[Path]) -> Iterator[T]:
    """Yield a function's result for each file, in order, computed by a thread per core: Pillow decodes without the GIL."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), AT_ONCE):
            some = paths[start : start + AT_ONCE]
            try:
                results = pool.map(function, some)
            except RuntimeError:  # The system starts no more threads (ulimit -u).
                results = map(function, some)
            yield from results


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
    try:
        decode(path)
    except Exception as error:  # as in load_image
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            raise  # The image is as good as any.
        return what_is_wrong(path, error)
    return None


def decode(path: Path) -> Decoded:
    """Read an image file, with what the doctor says about it.

    Raises:
        Exception: nearly any, where the file is broken; `what_is_wrong` puts it into words.
    """
    if not path.is_file():  # Opening a pipe or a device would wait for ever.
        raise FileNotFoundError
    with _opened(path) as image:
        limit = Image.MAX_IMAGE_PIXELS  # Pillow warns above it and refuses above twice of it.
        if limit is not None and image.width * image.height > limit:
            raise Image.DecompressionBombError
        turned, declared = _orientation(image) not in (0, 1), declared_bits(image)
        image.load()
        upright = ImageOps.exif_transpose(image) if turned else image
        bits = None
        if upright.mode.startswith("I"):  # Pillow would clip these at 255, and the image would be white.
            upright, bits = to_8_bits(upright, declared)
        return Decoded(_to_rgb(upright), turned, bits, _has_several(image))


def _opened(path: Path) -> Image.Image:
    try:
        return _open(path)
    except UnidentifiedImageError:
        if kind_of(path) != "HEIC":
            raise
        with suppress(ImportError):  # `what_is_wrong` says how to install it.
            from pillow_heif import register_heif_opener

            register_heif_opener()  # Only when it is needed: its libraries take a while to load.
        return _open(path)


def _open(path: Path) -> Image.Image:
    Image.init()
    return Image.open(path, formats=[decoder for decoder in DECODERS if decoder in Image.OPEN])


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


def what_is_wrong(path: Path, error: Exception) -> str:
    """Return the reason why a file cannot be decoded, without the path."""
    if isinstance(error, FileNotFoundError):
        return "it is not a file" if path.exists() else "there is no such file"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it has more than {Image.MAX_IMAGE_PIXELS} pixels, too many for a crop"
    if isinstance(error, UnidentifiedImageError):
        return _what_it_is_instead(path)
    reason = in_words(error) or type(error).__name__
    return "its data is damaged or cut off: export or copy it again" if reason.startswith(DAMAGED) else reason


def _what_it_is_instead(path: Path) -> str:
    if not path.stat().st_size:
        return "it is empty (0 bytes)"
    kind = kind_of(path)
    if kind == "HEIC" and "HEIF" in Image.OPEN:
        return "it is HEIC, but damaged or cut off: export or copy it again"
    if kind:
        return OTHER_DECODERS.get(kind, f"it begins as {kind}, but is damaged or cut off: export or copy it again")
    words = what_is(path)
    return "it is not an image" + (", or of an unknown format" if "unknown" in words else f", but {words}")
