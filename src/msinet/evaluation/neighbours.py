"""The most similar images of each, found without a matrix of all pairs."""

import numpy as np

from msinet.evaluation.counting import take_nearest
from msinet.evaluation.ranking import blocks
from msinet.evaluation.similarities import Similarities, as_array


def nearest(similarities: Similarities, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return of each row the positions of its k most similar, (Q, k) int32, and its lowest similarity, (Q,) float32.

    The most similar stand first; of equals, the first. Where there are fewer than k, all of them.
    """
    count, size = similarities.shape
    positions = np.empty((count, min(k, size)), np.int32)
    lowest = np.empty(count, np.float32)
    for first, rows in blocks(similarities, 0, count):
        take_nearest(np.ascontiguousarray(as_array(rows)), first, positions, lowest)
    return positions, lowest
