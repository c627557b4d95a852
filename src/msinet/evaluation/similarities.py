"""How alike queries and gallery images are, made a few rows at a time: no matrix of all pairs is ever held."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError


class Similarities(Protocol):
    """Q x G numbers; greater is more alike."""

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, G)."""
        ...

    def rows(self, start: int, stop: int) -> Any:
        """Return the rows of some queries, (stop - start, G) float32: an array or, computed on a GPU, a tensor there."""
        ...


@dataclass(frozen=True)
class Given:
    """Numbers that somebody else has made; for distances pass their negatives."""

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
    """The cosine of embeddings of unit length.

    Args:
        query: Q embeddings.
        gallery: G embeddings.
        device: cuda computes there; both sides' vectors must fit.

    Raises:
        DatasetError: a vector is not finite or not of unit length, or the two sides have different lengths D.
    """

    def __init__(self, query: Embeddings, gallery: Embeddings, device: str = "cpu") -> None:
        check_vectors(query)
        check_vectors(gallery)
        if query.vectors.shape[1] != gallery.vectors.shape[1]:
            raise DatasetError(
                f"query embeddings have {query.vectors.shape[1]} dimensions and gallery embeddings "
                f"{gallery.vectors.shape[1]}: embed both with the same model"
            )
        self.query: Any = query.vectors
        self.gallery: Any = gallery.vectors
        if device != "cpu":
            import torch

            self.query, self.gallery = (torch.from_numpy(side.vectors).to(device) for side in (query, gallery))

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, G)."""
        return len(self.query), len(self.gallery)

    def rows(self, start: int, stop: int) -> Any:
        """Return the rows of some queries, (stop - start, G)."""
        return self.query[start:stop] @ self.gallery.T


class ByTrack:
    """Tracks in place of images: a track is as similar as its most similar image.

    Args:
        images: similarities of Q queries to G images.
        gallery: the G records.
    """

    def __init__(self, images: Similarities, gallery: Sequence[ImageRecord]) -> None:
        members = images_by_track(gallery)
        self.images = images
        self.order = np.concatenate([np.empty(0, np.int64), *members])
        self.starts = np.cumsum([0] + [len(places) for places in members[:-1]])
        self.tracks = [gallery[places[0]] for places in members]
        """A record a track: its first image's."""

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, tracks)."""
        return self.images.shape[0], len(self.tracks)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Return the rows of some queries, (stop - start, tracks)."""
        return np.maximum.reduceat(as_array(self.images.rows(start, stop))[:, self.order], self.starts, axis=1)


def images_by_track(records: Sequence[ImageRecord]) -> list[np.ndarray]:
    """Return the positions of each track's images; an image without a track is one of its own.

    Two tracks of one name in different cameras or of different identities are two.
    """
    members: dict[object, list[int]] = {}
    for place, record in enumerate(records):
        key = place if record.track is None else (record.track, record.identity, record.camera)
        members.setdefault(key, []).append(place)
    return [np.array(places) for places in members.values()]


def as_array(rows: Any) -> np.ndarray:
    """Return rows as a numpy array, wherever they are."""
    return rows if isinstance(rows, np.ndarray) else rows.cpu().numpy()


def check_vectors(embeddings: Embeddings) -> None:
    """Raise DatasetError where a vector is not finite or not of unit length."""
    vectors = embeddings.vectors
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    broken = np.flatnonzero(~(np.abs(lengths - 1) < 1e-2))  # NaN and infinity fail the comparison
    if len(broken):
        path, length = embeddings.records[broken[0]].path, lengths[broken[0]]
        fault = f"has length {length:.3g}: scale it to 1" if np.isfinite(length) else "is not finite: embed it again"
        raise DatasetError(f"the embedding of {path}, the first of {len(broken)} such images, {fault}")
