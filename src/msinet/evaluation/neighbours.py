"""Nearest neighbours: the most similar images of each image, without a matrix of all pairs."""

from dataclasses import dataclass

import numpy as np

from msinet.evaluation.counting import take_nearest
from msinet.evaluation.ranking import blocks
from msinet.evaluation.similarities import Similarities, as_array

TILE = 2048
"""Images whose similarities to as many others are computed at once."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest neighbours of M images."""

    nearest: np.ndarray
    """(M, k) int32 positions, the most similar first; of equals, the first."""
    lowest: np.ndarray
    """(M,) float32, the lowest similarity of each to any."""


class _Finder:
    """Collects the nearest of `count` images among `size`: k each, or all where there are fewer."""

    def __init__(self, count: int, size: int, k: int) -> None:
        self.nearest = np.zeros((count, min(k, size)), np.int32)
        self.values = np.full(self.nearest.shape, -np.inf, np.float32)
        self.lowest = np.full(count, np.inf, np.float32)

    def add(self, rows: np.ndarray, first: int, column: int) -> None:
        """Take the similarities (b, n) of the images from `first` on to those from `column` on."""
        take_nearest(np.ascontiguousarray(rows), first, column, self.nearest, self.values, self.lowest)

    def found(self) -> Neighbours:
        """Return the neighbours found so far."""
        return Neighbours(self.nearest, self.lowest)


def nearest(similarities: Similarities, k: int) -> Neighbours:
    """Return the k most similar gallery images of each query."""
    finder = _Finder(*similarities.shape, k)
    for first, rows in blocks(similarities, 0, similarities.shape[0]):
        finder.add(as_array(rows), first, 0)
    return finder.found()


def nearest_among(vectors: np.ndarray, k: int, tile: int = TILE) -> Neighbours:
    """Return the k most similar among all vectors, (N, D) of unit length, for each of them, itself included.

    The product of two tiles serves the images of both, which is half the work of computing all pairs.
    """
    finder = _Finder(len(vectors), len(vectors), k)
    for first in range(0, len(vectors), tile):
        rows = vectors[first : first + tile]
        for column in range(first, len(vectors), tile):
            products = rows @ vectors[column : column + tile].T
            finder.add(products, first, column)
            if column != first:
                finder.add(products.T, column, first)
    return finder.found()
