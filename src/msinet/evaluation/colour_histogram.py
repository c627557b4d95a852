"""Colour histograms as embeddings: the baseline that a network has to beat, the colours of an image from top to bottom."""

from collections.abc import Sequence

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.pixels import load_image
from msinet.data.records import ImageRecord

BINS = {"colours and greys": (8, 8, 4), "fine colours": (16, 4, 4), "without brightness": (12, 8, 1)}
"""Variants: bins of hue, saturation and value."""


def colour_histograms(
    records: Sequence[ImageRecord], bins: tuple[int, int, int] = BINS["colours and greys"], strips: int = 3
) -> Embeddings:
    """Return square roots of HSV histograms of horizontal strips: their dot product is the Bhattacharyya coefficient.

    Args:
        records: N images.
        bins: of hue, saturation and value.
        strips: number of strips, all of one height and weight.
    """
    vectors = [_histogram(record, bins, strips) for record in records]
    return Embeddings(np.array(vectors, np.float32).reshape(len(records), strips * int(np.prod(bins))), records)


def _histogram(record: ImageRecord, bins: tuple[int, int, int], strips: int) -> np.ndarray:
    colours = np.asarray(load_image(record.path).convert("HSV"), int)  # (H, W, 3), 0 to 255
    places = colours * bins // 256
    cells = (places[..., 0] * bins[1] + places[..., 1]) * bins[2] + places[..., 2]
    count = int(np.prod(bins))
    parts = [np.bincount(strip.ravel(), minlength=count) / max(strip.size, 1) for strip in np.array_split(cells, strips)]
    vector = np.sqrt(np.concatenate(parts))
    return vector / np.linalg.norm(vector)
