"""Labelled vectors: what a calibration is made of, a gallery's entries and images of objects that are not in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from msinet.errors import DatasetError

ROUNDING = 1e-2
"""Greatest difference of a vector's length from 1: float16 keeps three digits."""


@dataclass(frozen=True, eq=False)
class LabelledVectors:
    """Vectors of images, with identities and cameras.

    Raises:
        DatasetError: the numbers of vectors and labels differ, or a vector is not finite or not of unit length.
    """

    vectors: np.ndarray
    """(N, D) float32, unit length."""
    identities: Sequence[str | None]
    """(N,) labels of the objects, None where unknown."""
    cameras: Sequence[str | None] | None = None
    """(N,) labels of the cameras, None where unknown; None alone where all are."""

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors, np.float32)
        object.__setattr__(self, "vectors", vectors)
        if self.cameras is None:
            object.__setattr__(self, "cameras", [None] * len(self.identities))
        if vectors.ndim != 2 or not len(vectors) == len(self.identities) == len(self.seen_by):
            raise DatasetError(
                f"vectors of shape {vectors.shape} stand beside {len(self.identities)} identities and {len(self.seen_by)} "
                "cameras: give one vector, one identity and one camera an image"
            )
        lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
        if faulty := int((~np.isfinite(lengths)).sum()):
            raise DatasetError(f"{faulty} of {len(vectors)} vectors are not finite: embed these images again")
        if faulty := int((abs(lengths - 1) > ROUNDING).sum()):
            raise DatasetError(f"{faulty} of {len(vectors)} vectors are not of unit length: divide each by its length")

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def seen_by(self) -> Sequence[str | None]:
        """(N,) labels of the cameras, None where unknown."""
        return self.cameras if self.cameras is not None else []
