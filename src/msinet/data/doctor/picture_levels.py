"""What the levels of a picture say: that it shows nothing, is too dark or pale, or has lost a part."""

from math import ceil

import numpy as np
from PIL import Image

OUTLIERS = 0.01
"""Share of the darkest and of the brightest pixels that do not count: logos, dead pixels, noise."""

NOTHING = 12
"""Grey levels within which a picture that shows nothing lies: even with the cover on the lens there is noise."""

LITTLE = 32
"""Grey levels within which a picture with little contrast lies.

Of 1,134 real images of two road cameras each spans 161 levels or more, of 2,648 synthetic ones, some of them by night, dusk
and rain at the largest difficulty, 39 or more. With these numbers none of all these images is named for any trouble."""

DARK = 32
"""Grey level that no more than the outliers of a very dark picture reach. The same images reach 171, and 67."""

SHARE = 0.25
"""Share of the area from which exactly one colour is a flat part.

In the same images it is 0.10 at most, and 0.18. Of 227 real JPEGs cut off after half of their data all are named, after 7/10
98 in 100."""

BAND = 0.1
"""Share of the height or width from which a band along a side, of exactly one colour, is a flat part. No image has one."""

THINNEST = 4
"""Pixels of the thinnest such band."""


def trouble_of(image: Image.Image, grey: Image.Image) -> str | None:
    """Return the name of the picture's worst trouble, a key of `PICTURE_TROUBLES`; None without any.

    Args:
        image: mode RGB.
        grey: the same in mode L.
    """
    counts = np.array(grey.histogram())  # (256,)
    shares = counts.cumsum() / counts.sum()
    lowest, highest = np.searchsorted(shares, (OUTLIERS, 1 - OUTLIERS)).tolist()
    if highest - lowest < NOTHING:
        return "pictures that show nothing"
    if highest < DARK:
        return "very dark pictures"
    if highest - lowest < LITTLE:
        return "pictures with little contrast"
    return "pictures with a flat part" if _has_flat_part(image, grey, counts) else None


def _has_flat_part(image: Image.Image, grey: Image.Image, counts: np.ndarray) -> bool:
    """Return whether one colour fills a large share of the area, or a band along a side: there the data of a JPEG ended."""
    enough = SHARE * counts.sum()
    for level in np.flatnonzero(counts >= enough):  # One colour has one grey level: most pictures stop here.
        colours = np.asarray(image)[np.asarray(grey) == level].astype(np.uint32) @ np.array((65536, 256, 1), np.uint32)
        if np.unique(colours, return_counts=True)[1].max() >= enough:
            return True
    return any(_is_flat(image.crop(side)) for side in _sides_with_equal_corners(image))


def _sides_with_equal_corners(image: Image.Image) -> list[tuple[int, int, int, int]]:
    """Return the bands along the sides whose two corners have the same colour, which few have: the others need no look."""
    width, height = image.size
    tall, wide = max(THINNEST, ceil(BAND * height)), max(THINNEST, ceil(BAND * width))
    corners = [image.getpixel(place) for place in ((0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1))]
    sides = ((0, 0, width, tall), (width - wide, 0, width, height), (0, height - tall, width, height), (0, 0, wide, height))
    return [side for side, one, next_one in zip(sides, corners, [*corners[1:], corners[0]], strict=True) if one == next_one]


def _is_flat(band: Image.Image) -> bool:
    """Return whether a band has exactly one colour, other than the black of bars and the white of an overexposed sky."""
    colours = band.getcolors(1)
    return bool(colours) and colours[0][1] not in ((0, 0, 0), (255, 255, 255))
