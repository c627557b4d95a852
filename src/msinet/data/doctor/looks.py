"""Looks at image files without their labels: whether they decode, what they show, and which are copies of each other."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from msinet.data.doctor.picture_levels import trouble_of
from msinet.data.pixels import decode, in_threads, what_is_wrong
from msinet.progress import track

SKETCH = 16
"""Side in pixels of the grey thumbnail by which copies are found."""

ALIKE = 0.995
"""Correlation of two thumbnails from which they count as the same image.

Of 400 real vehicles, copies saved again or in another size reach 0.9993 and more, different images 0.971 at most."""

BRIGHTNESS = 4.0
"""Largest difference in mean grey level between copies."""

SHAPE = 0.05
"""Largest difference between copies in the logarithm of width over height."""

FLAT = 2.0
"""Standard deviation of grey levels below which an image is too uniform to be compared."""

ZEROS = 16
"""Zeros at the end of a JPEG that no coded picture has."""

NO_SKETCH = np.zeros(SKETCH * SKETCH, np.uint8)


class Look(NamedTuple):
    """What is known of an image file."""

    problem: str | None
    """Reason why it cannot be decoded, None where it can."""
    size: tuple[int, int] = (0, 0)
    """Width and height in pixels, upright."""
    turned: bool = False
    """Whether EXIF rotates it."""
    digest: bytes = b""
    """Hash of the bytes."""
    sketch: np.ndarray = NO_SKETCH
    """(SKETCH * SKETCH,) uint8, grey thumbnail."""
    trouble: str | None = None
    """Worst trouble with what it shows, by its name."""
    bits: int | None = None
    """Bits of a level that a 16-bit file was taken for; None where the file has 8."""
    several: bool = False
    """Whether the file has further pages or frames."""

    @property
    def shows_nothing(self) -> bool:
        """Whether it is nearly one grey level."""
        return self.trouble == "pictures that show nothing"


def look_at(paths: Iterable[Path]) -> dict[Path, Look]:
    """Look at every distinct file once."""
    distinct = list(dict.fromkeys(paths))
    return dict(zip(distinct, track(in_threads(_look, distinct), "check images", len(distinct)), strict=True))


def _look(path: Path) -> Look:
    try:
        image, turned, bits, several = decode(path)
        grey = image.convert("L")
        sketch = np.asarray(grey.resize((SKETCH, SKETCH), Image.Resampling.BILINEAR)).ravel()
        data = path.read_bytes()
    except Exception as error:  # Pillow's decoders raise nearly anything when a file is broken.
        return Look(what_is_wrong(path, error))
    digest, trouble = (
        hashlib.sha256(data).digest(),
        "JPEGs that end in zeros" if _ends_in_zeros(data) else trouble_of(image, grey),
    )
    return Look(None, image.size, turned, digest, sketch, trouble, bits, several)


def _ends_in_zeros(data: bytes) -> bool:
    """Return whether the end of a JPEG was never written. Some cameras write zeros after the end mark, which are sound."""
    zeros = data.startswith(b"\xff\xd8") and data.endswith(bytes(ZEROS))
    return zeros and not data.rstrip(b"\0").endswith(b"\xff\xd9")


def same_bytes(looks: Mapping[Path, Look]) -> list[list[Path]]:
    """Return groups of files with the same bytes. Pictures that show nothing are no copies of a picture."""
    groups: dict[bytes, list[Path]] = {}
    for path, look in looks.items():
        if look.problem is None and not look.shows_nothing:
            groups.setdefault(look.digest, []).append(path)
    return [group for group in groups.values() if len(group) > 1]


def same_pictures(looks: Mapping[Path, Look]) -> list[tuple[Path, Path]]:
    """Return pairs of files that show the same image in different bytes: saved again, or in another size.

    Only images of nearly the same brightness and shape are compared, which spares most pairs.
    """
    readable: dict[bytes, Path] = {}
    for path, look in looks.items():
        if look.problem is None and not look.shows_nothing:
            readable.setdefault(look.digest, path)
    paths = list(readable.values())
    if len(paths) < 2:
        return []
    sketches = np.stack([looks[path].sketch for path in paths]).astype(np.float32)  # (N, SKETCH * SKETCH)
    means, spreads = sketches.mean(1), sketches.std(1)
    shapes = np.log([looks[path].size[0] / looks[path].size[1] for path in paths])
    kept = np.flatnonzero(spreads > FLAT)
    kept = kept[np.argsort(means[kept], kind="stable")]
    unit = (sketches[kept] - means[kept, None]) / (spreads[kept, None] * SKETCH)
    return [
        (paths[kept[one]], paths[kept[other]])
        for one, other in _close_pairs(unit, means[kept])
        if abs(shapes[kept[one]] - shapes[kept[other]]) < SHAPE
    ]


def _close_pairs(unit: np.ndarray, means: np.ndarray, block: int = 256) -> Sequence[tuple[int, int]]:
    """Return pairs of rows that correlate and whose means lie close together; the means must rise."""
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(unit), block):
        stop = min(start + block, len(unit))
        end = int(np.searchsorted(means, means[stop - 1] + BRIGHTNESS, side="right"))
        alike = unit[start:stop] @ unit[start:end].T > ALIKE  # (block, end - start)
        for one, other in np.argwhere(np.triu(alike, 1)).tolist():
            if means[start + other] - means[start + one] <= BRIGHTNESS:
                pairs.append((start + one, start + other))
    return pairs
