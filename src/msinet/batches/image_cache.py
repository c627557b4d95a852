"""Cache of decoded and resized images on disk, made once and read by every later epoch, run and process."""

import functools
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL
import torchvision

from msinet.batches.augmentation import resize
from msinet.data.pixels import in_threads, load_image
from msinet.errors import DatasetError
from msinet.files.caches import cache_folder
from msinet.files.os_errors import in_words
from msinet.progress import track

FORMAT = 2
"""Version of the pixels, to be raised when the same files give other ones."""

LARGEST_SHARE = 0.5
"""Share of a disk's free space that a new cache may take."""

DAYS_UNUSED = 30
"""Days without use after which another run may remove a cache."""

logger = logging.getLogger(__name__)


class ImageCache:
    """Images of one size in one memory-mapped file that all processes of a machine share.

    Args:
        path: the file.
        rows: row of each source image in the file.
    """

    def __init__(self, path: Path, rows: dict[Path, int]) -> None:
        self.path = path
        self.rows = rows
        self.images = np.load(path, mmap_mode="r")

    def __getitem__(self, source: Path) -> np.ndarray:
        """Return the image of a source file: (H, W, 3) uint8."""
        return self.images[self.rows[source]]

    def __reduce__(self) -> tuple[type["ImageCache"], tuple[Path, dict[Path, int]]]:
        """Pickle the path instead of gigabytes of pixels."""
        return ImageCache, (self.path, self.rows)


def open_cache(sources: Sequence[Path], image_size: tuple[int, int]) -> ImageCache | None:
    """Return the cache of image files at one size. It is made if there is none; None if that is impossible.

    The cache's name holds a hash of every source's path, size and time and of the libraries' versions, so that any change
    gives a new cache.

    Args:
        sources: paths of images; order and repetitions do not matter.
        image_size: (height, width) in pixels.
    """
    rows, folder = _rows(sources), cache_folder()
    if folder is None:
        _warn("images are decoded in every epoch: no home folder for a cache of them; set XDG_CACHE_HOME to a folder")
        return None
    try:
        if cache := find_cache(sources, image_size):
            with suppress(OSError):  # Another user's can be read all the same.
                os.utime(cache.path)  # It was used today.
            return cache
        path = folder / _name(rows, image_size)
        folder.mkdir(parents=True, exist_ok=True)
        _remove_unused(folder)
        needed, free = len(rows) * image_size[0] * image_size[1] * 3, shutil.disk_usage(folder).free
        if needed > LARGEST_SHARE * free:
            sizes = needed / 2**30, folder, free / 2**30
            _warn("images are decoded in every epoch: a cache of %.1f GB would take most of what %s has (%.1f GB)", *sizes)
            return None
        _decode_all(list(rows), image_size, path)
        return ImageCache(path, rows)
    except (OSError, DatasetError) as error:  # A read-only home, a full disk, an image that cannot be read.
        reason = in_words(error, writing=True).replace("write elsewhere", "set XDG_CACHE_HOME to another folder")
        _warn("images are decoded in every epoch: no cache of them in %s (%s)", folder, reason)
        return None


@functools.cache
def _warn(message: str, *values: object) -> None:
    """Warn once of what is met again at every size, by the search and by the training."""
    logger.warning(message, *values)


def find_cache(sources: Sequence[Path], image_size: tuple[int, int]) -> ImageCache | None:
    """Return the cache of image files at (height, width), None without a complete one."""
    rows, folder = _rows(sources), cache_folder()
    if folder is None:
        return None
    try:
        path = folder / _name(rows, image_size)
        images = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    complete = images.shape == (len(rows), *image_size, 3) and images.dtype == np.uint8
    return ImageCache(path, rows) if complete else None


def _decode_all(sources: Sequence[Path], image_size: tuple[int, int], path: Path) -> None:
    """Write a new file in the same folder, and rename it when it is complete."""
    number, name = tempfile.mkstemp(".partial", dir=path.parent)
    beside = Path(name)
    try:
        # Written, not mapped: a disk that fills up then raises an error, where a mapping would end the process.
        with os.fdopen(number, "wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(sources), *image_size, 3)}
            np.lib.format.write_array_header_1_0(file, header)
            images = in_threads(lambda source: resize(load_image(source), image_size), sources)
            for image in track(images, "decode images", len(sources)):
                file.write(image.data)
            file.flush()
            os.fsync(file.fileno())
        if not path.exists() or path.stat().st_size != beside.stat().st_size:  # Another process may have been faster.
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _rows(sources: Sequence[Path]) -> dict[Path, int]:
    return {source: row for row, source in enumerate(sorted(set(sources)))}


def _name(sources: Iterable[Path], image_size: tuple[int, int]) -> str:
    """Return the name of a cache's file, made from the libraries' versions and each source's path, size and time."""
    digest = hashlib.sha256(f"{FORMAT} {PIL.__version__} {torchvision.__version__} {image_size}".encode())
    for source in sources:
        state = source.stat()
        # The second time cannot be set: archives give every file the same first one.
        known = f"\0{source.resolve()}\0{state.st_size}\0{state.st_mtime_ns}\0{state.st_ctime_ns}"
        digest.update(known.encode(errors="surrogateescape"))
    return f"images-{image_size[0]}x{image_size[1]}-{digest.hexdigest()[:24]}.npy"


def _remove_unused(folder: Path) -> None:
    """Remove caches that were not used for a month, and unfinished files of killed processes."""
    for path in folder.iterdir():
        with suppress(OSError):  # Another process may be renaming it, or own it.
            hours = (time.time() - path.stat().st_mtime) / 3600
            if (path.suffix == ".npy" and hours > 24 * DAYS_UNUSED) or (path.suffix == ".partial" and hours > 1):
                path.unlink()
