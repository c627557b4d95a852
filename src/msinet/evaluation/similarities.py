"""Similarities of queries and gallery images, computed a few rows at a time: the matrix of all pairs is never in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.evaluation.checks import check_sides


class Similarities(Protocol):
    """Q x G numbers; greater is more similar."""

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, G)."""
        ...

    def rows(self, start: int, stop: int) -> Any:
        """Return the rows of some queries, (stop - start, G) float32: an array or, on a GPU, a tensor there."""
        ...


@dataclass(frozen=True)
class Given:
    """Similarities that were computed elsewhere; for distances pass their negatives."""

    matrix: np.ndarray
    """(Q, G), finite."""

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, G)."""
        return self.matrix.shape[0], self.matrix.shape[1]

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Return the rows of some queries, (stop - start, G)."""
        return np.ascontiguousarray(self.matrix[start:stop], np.float32)


class Cosine:
    """Cosine of embeddings of unit length, on the CPU.

    Args:
        query: Q embeddings.
        gallery: G embeddings.

    Raises:
        DatasetError: a vector is not finite or not of unit length, or the two sides have different lengths D.
    """

    def __init__(self, query: Embeddings, gallery: Embeddings) -> None:
        check_sides(query, gallery)
        self.query, self.gallery = query.vectors, gallery.vectors

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, G)."""
        return len(self.query), len(self.gallery)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Return the rows of some queries, (stop - start, G)."""
        return self.query[start:stop] @ self.gallery.T


def cosine(query: Embeddings, gallery: Embeddings, device: str = "cpu") -> Similarities:
    """Return the cosines of query and gallery, computed on a device: cpu, or cuda where both sides' vectors fit.

    Raises:
        DatasetError: as `Cosine`.
    """
    if device == "cpu":
        return Cosine(query, gallery)
    from msinet.evaluation.gpu import CosineOnDevice

    return CosineOnDevice(query, gallery, device)


class ByTrack:
    """Similarities to tracks instead of images: a track is as similar as its most similar image.

    Args:
        images: similarities of Q queries to G images.
        members: for each track, the positions of its images.
    """

    def __init__(self, images: Similarities, members: Sequence[np.ndarray]) -> None:
        self.images = images
        self.order = np.concatenate([np.empty(0, np.int64), *members])
        self.starts = np.cumsum([0] + [len(places) for places in members[:-1]])
        self.tracks = len(members)

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, tracks)."""
        return self.images.shape[0], self.tracks

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Return the rows of some queries, (stop - start, tracks)."""
        return np.maximum.reduceat(as_array(self.images.rows(start, stop))[:, self.order], self.starts, axis=1)


def as_array(rows: Any) -> np.ndarray:
    """Return rows as an array in the computer's memory."""
    return rows if isinstance(rows, np.ndarray) else rows.cpu().numpy()
