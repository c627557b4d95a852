"""Embeddings: what embedding images gives and ranking takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from msinet.data.records import ImageRecord


@dataclass(frozen=True)
class Embeddings:
    """Vectors of images, beside the records they were made from."""

    vectors: np.ndarray
    """(N, D) float32, unit length; numbers of another type are converted."""
    records: Sequence[ImageRecord]
    """N records, in the same order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", np.asarray(self.vectors, np.float32))  # what ranking counts by
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.records):
            raise ValueError(
                f"{len(self.records)} records need vectors of shape ({len(self.records)}, D), not {self.vectors.shape}"
            )

    def __len__(self) -> int:
        return len(self.records)

    def select(self, mask: np.ndarray) -> "Embeddings":
        """Return the images that `mask`, (N,) bool, marks."""
        positions = np.flatnonzero(mask)
        return Embeddings(self.vectors[positions], [self.records[position] for position in positions.tolist()])
