"""What can be said of an image file without its labels: whether it can be read, its size, and what it is a copy of."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from msinet.data.images import AT_ONCE, decode_with_orientation, what_is_wrong

SKETCH = 16
"""Side of the small grey picture by which copies are found."""

ALIKE = 0.995
"""Correlation of two sketches from which on they are the same picture.

Of 400 real vehicles, copies saved again or in another size reach 0.9993 and more, different pictures 0.971 at most."""

BRIGHTNESS = 4.0
"""Mean grey levels that copies may differ by."""

FLAT = 2.0
"""Standard deviation of grey levels below which a picture shows nothing."""


NOTHING = np.zeros(SKETCH * SKETCH, np.uint8)


class Look(NamedTuple):
    """A file that was looked at."""

    problem: str | None
    """Why it cannot be read, None where it can."""
    size: tuple[int, int] = (0, 0)
    """Width and height in pixels, as it is meant to be seen."""
    turned: bool = False
    """Whether EXIF says that it has to be turned."""
    digest: bytes = b""
    """Hash of the bytes."""
    sketch: np.ndarray = NOTHING
    """(SKETCH * SKETCH,) uint8, grey."""


def look_at(paths: Iterable[Path], advance: Callable[[], object] | None = None) -> dict[Path, Look]:
    """Look at every distinct file once; `advance` is called after each."""
    distinct = list(dict.fromkeys(paths))
    looks: dict[Path, Look] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(distinct), AT_ONCE):
            batch = distinct[start : start + AT_ONCE]
            for path, look in zip(batch, pool.map(_look, batch), strict=True):
                looks[path] = look
                if advance is not None:
                    advance()
    return looks


def _look(path: Path) -> Look:
    try:
        image, turned = decode_with_orientation(path)
        sketch = np.asarray(image.convert("L").resize((SKETCH, SKETCH), Image.Resampling.BILINEAR)).ravel()
        digest = hashlib.sha256(path.read_bytes()).digest()
    except Exception as error:  # Pillow's decoders raise nearly anything when a file is broken.
        return Look(what_is_wrong(path, error))
    return Look(None, image.size, turned, digest, sketch)


def same_bytes(looks: Mapping[Path, Look]) -> list[list[Path]]:
    """Return groups of files with the same bytes."""
    groups: dict[bytes, list[Path]] = {}
    for path, look in looks.items():
        if look.problem is None:
            groups.setdefault(look.digest, []).append(path)
    return [group for group in groups.values() if len(group) > 1]


def same_pictures(looks: Mapping[Path, Look]) -> list[tuple[Path, Path]]:
    """Return pairs of files with different bytes that show the same picture: saved again, or in another size.

    Only pictures of nearly the same brightness and shape are compared: that spares most of the pairs.
    """
    readable: dict[bytes, Path] = {}
    for path, look in looks.items():
        if look.problem is None:
            readable.setdefault(look.digest, path)
    paths = list(readable.values())
    if len(paths) < 2:
        return []
    sketches = np.stack([looks[path].sketch for path in paths]).astype(np.float32)  # (N, SKETCH * SKETCH)
    means, spreads = sketches.mean(1), sketches.std(1)
    shapes = np.array([looks[path].size[0] / looks[path].size[1] for path in paths])
    kept = np.flatnonzero(spreads > FLAT)
    kept = kept[np.argsort(means[kept], kind="stable")]
    unit = (sketches[kept] - means[kept, None]) / (spreads[kept, None] * SKETCH)
    return [
        (paths[kept[one]], paths[kept[other]])
        for one, other in _close_pairs(unit, means[kept])
        if abs(np.log(shapes[kept[one]] / shapes[kept[other]])) < 0.05
    ]


def _close_pairs(unit: np.ndarray, means: np.ndarray, block: int = 256) -> Sequence[tuple[int, int]]:
    """Return pairs of rows that correlate, of those whose means, in rising order, lie close together."""
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(unit), block):
        stop = min(start + block, len(unit))
        end = int(np.searchsorted(means, means[stop - 1] + BRIGHTNESS, side="right"))
        alike = unit[start:stop] @ unit[start:end].T > ALIKE  # (block, end - start)
        for one, other in np.argwhere(np.triu(alike, 1)).tolist():
            if means[start + other] - means[start + one] <= BRIGHTNESS:
                pairs.append((start + one, start + other))
    return pairs
