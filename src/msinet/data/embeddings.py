"""Embeddings: the vectors of images, beside the records of the images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError


@dataclass(frozen=True)
class Embeddings:
    """Vectors of images and the records of the images.

    Raises:
        ValueError: there is not one vector a record, or vectors are complex or too long for float32.
    """

    vectors: np.ndarray
    """(N, D) float32, unit length; numbers of another type are converted."""
    records: Sequence[ImageRecord]
    """N records, in the same order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", _as_float32(np.asarray(self.vectors)))
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.records):
            raise ValueError(
                f"{len(self.records)} records need vectors of shape ({len(self.records)}, D), not {self.vectors.shape}"
            )

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def _rows(self) -> dict[Path, int]:
        return {record.path: row for row, record in enumerate(self.records)}

    def select(self, mask: np.ndarray) -> "Embeddings":
        """Return the images that `mask`, (N,) bool, marks."""
        positions = np.flatnonzero(mask)
        return Embeddings(self.vectors[positions], [self.records[position] for position in positions.tolist()])

    def of(self, records: Sequence[ImageRecord]) -> "Embeddings":
        """Return the embeddings of records, found by their paths and in their order; the own records give the own vectors.

        Raises:
            DatasetError: a record has no embedding.
        """
        if records is self.records:
            return self
        if missing := [record.path for record in records if record.path not in self._rows]:
            raise DatasetError(f"{len(missing)} images have no embedding, the first {missing[0]}: embed these as well")
        return Embeddings(self.vectors[[self._rows[record.path] for record in records]], records)


def _as_float32(vectors: np.ndarray) -> np.ndarray:
    """Return vectors as the type that ranking compares."""
    if vectors.dtype.kind == "c":
        raise ValueError("vectors are complex: give real numbers, such as both parts side by side")
    with np.errstate(over="ignore"):
        narrow = vectors.astype(np.float32, copy=False)
    if narrow is not vectors and vectors.dtype.kind == "f" and (np.isinf(narrow) & np.isfinite(vectors)).any():
        raise ValueError("vectors are too long for float32: scale them to unit length, vectors / np.linalg.norm(...)")
    return narrow
