"""Decoded images on disk: made once, read by every later epoch, run and process."""

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL
import torchvision

from msinet.data.images import AT_ONCE, load_image
from msinet.data.transforms import resize
from msinet.errors import DatasetError

FORMAT = 1  # counts up when the same files give other pixels
LEFT_FREE = 0.05  # share of the disk that stays free
DAYS_UNUSED = 30  # until another run may remove a cache

logger = logging.getLogger(__name__)


class ImageCache:
    """Images of one size in one memory-mapped file, which all processes of a machine share.

    Args:
        path: of the file.
        rows: which image of the file belongs to which source.
    """

    def __init__(self, path: Path, rows: dict[Path, int]) -> None:
        self.path = path
        self.rows = rows
        self.images = np.load(path, mmap_mode="r")

    def __getitem__(self, source: Path) -> np.ndarray:
        """Return the image of a file: (H, W, 3) uint8."""
        return self.images[self.rows[source]]

    def __reduce__(self) -> tuple[type["ImageCache"], tuple[Path, dict[Path, int]]]:
        """Travel to another process as a path, not as gigabytes of pixels."""
        return ImageCache, (self.path, self.rows)


def cache_folder() -> Path:
    """Return the folder of all caches: `msinet` in $XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "msinet"


def open_cache(
    sources: Sequence[Path],
    image_size: tuple[int, int],
    start: Callable[[int], object] = lambda count: None,
    advance: Callable[[], object] = lambda: None,
) -> ImageCache | None:
    """Return the cache of these files at (height, width); make it if there is none, and None if it cannot be made.

    Its name hangs on the size and time of every source, and on the libraries' versions: when one changes, another is made.

    Args:
        sources: paths of images; the order and repetitions do not matter.
        image_size: (height, width) in pixels.
        start: called with the number of images before they are decoded.
        advance: called for each image that is decoded.

    """
    folder = cache_folder()
    rows = _rows(sources)
    try:
        if cache := find_cache(sources, image_size):
            os.utime(cache.path)  # It was used today.
            return cache
        path = _path(rows, image_size)
        folder.mkdir(parents=True, exist_ok=True)
        _remove_unused(folder)
        needed, disk = len(rows) * image_size[0] * image_size[1] * 3, shutil.disk_usage(folder)
        if disk.free - needed < LEFT_FREE * disk.total:
            sizes = needed / 2**30, folder, disk.free / 2**30
            logger.warning("images are decoded in every epoch: a cache needs %.1f GB, and %s has %.1f GB free", *sizes)
            return None
        start(len(rows))
        _decode_all(list(rows), image_size, path, advance)
        return ImageCache(path, rows)
    except (OSError, DatasetError) as error:  # A read-only home, a full disk, an image that cannot be read.
        logger.warning("images are decoded in every epoch: no cache of them in %s (%s)", folder, error)
        return None


def find_cache(sources: Sequence[Path], image_size: tuple[int, int]) -> ImageCache | None:
    """Return the cache of these files at (height, width) if there is one that is whole."""
    rows = _rows(sources)
    try:
        path = _path(rows, image_size)
        images = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    whole = images.shape == (len(rows), *image_size, 3) and images.dtype == np.uint8
    return ImageCache(path, rows) if whole else None


def _decode_all(sources: Sequence[Path], image_size: tuple[int, int], path: Path, advance: Callable[[], object]) -> None:
    """Write the file beside its name and rename it when it is whole."""
    number, name = tempfile.mkstemp(".partial", dir=path.parent)
    beside = Path(name)
    try:
        # Written, not mapped: a disk that fills up then raises an error, where a mapping would end the process.
        with os.fdopen(number, "wb") as file, ThreadPoolExecutor(os.cpu_count()) as pool:
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(sources), *image_size, 3)}
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, len(sources), AT_ONCE):
                some = sources[start : start + AT_ONCE]
                for image in pool.map(lambda source: resize(load_image(source), image_size), some):
                    file.write(image.data)
                    advance()
            file.flush()
            os.fsync(file.fileno())
        if not path.exists() or path.stat().st_size != beside.stat().st_size:  # somebody else may have been quicker
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _rows(sources: Sequence[Path]) -> dict[Path, int]:
    return {source: row for row, source in enumerate(sorted(set(sources)))}


def _path(sources: Iterable[Path], image_size: tuple[int, int]) -> Path:
    """Return where a cache lies; the name hangs on the libraries' versions and on each source's place, size and time."""
    digest = hashlib.sha256(f"{FORMAT} {PIL.__version__} {torchvision.__version__} {image_size}".encode())
    for source in sources:
        state = source.stat()
        digest.update(f"\0{source.resolve()}\0{state.st_size}\0{state.st_mtime_ns}".encode(errors="surrogateescape"))
    return cache_folder() / f"images-{image_size[0]}x{image_size[1]}-{digest.hexdigest()[:24]}.npy"


def _remove_unused(folder: Path) -> None:
    """Remove caches that nobody has used for a month, and what a killed process left half made."""
    for path in folder.iterdir():
        with suppress(OSError):  # Another run may be renaming it, or it is somebody else's.
            hours = (time.time() - path.stat().st_mtime) / 3600
            if (path.suffix == ".npy" and hours > 24 * DAYS_UNUSED) or (path.suffix == ".partial" and hours > 1):
                path.unlink()
