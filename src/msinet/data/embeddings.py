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
        ValueError: there is not one vector a record.
    """

    vectors: np.ndarray
    """(N, D) float32, unit length; numbers of another type are converted."""
    records: Sequence[ImageRecord]
    """N records, in the same order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", np.asarray(self.vectors, np.float32))  # ranking compares float32
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
            raise DatasetError(f"{len(missing)} images have no embedding, the first {missing[0]}")
        return Embeddings(self.vectors[[self._rows[record.path] for record in records]], records)
