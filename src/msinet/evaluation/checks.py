"""Checks of vectors and of similarities before they are ranked."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.errors import DatasetError


def check_sides(query: Embeddings, gallery: Embeddings) -> None:
    """Raise DatasetError where vectors are not finite or not of unit length, or the sides have different lengths D."""
    for side in (query, gallery):
        _check_vectors(side)
    if query.vectors.shape[1] != gallery.vectors.shape[1]:
        raise DatasetError(
            f"query embeddings have {query.vectors.shape[1]} dimensions and gallery embeddings "
            f"{gallery.vectors.shape[1]}: embed both with the same model"
        )


def check_finite(matrix: np.ndarray, query: Sequence[Any], gallery: Sequence[Any], height: int = 64) -> None:
    """Raise DatasetError where a similarity (Q, G) of these records is not finite as float32."""
    for first in range(0, len(matrix), height):
        with np.errstate(over="ignore"):
            rows = matrix[first : first + height].astype(np.float32, copy=False)
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            where = f"{query[first + row].path} and {gallery[column].path}"
            value = matrix[first + row, column]
            fault = (
                f"{value:.3g}, too large for float32: divide all by a number"
                if np.isfinite(value)
                else f"{value}: compute it again"
            )
            raise DatasetError(f"the similarity of {where} is {fault}")


def _check_vectors(embeddings: Embeddings) -> None:
    vectors = embeddings.vectors
    with np.errstate(over="ignore"):
        lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    broken = np.flatnonzero(~(np.abs(lengths - 1) < 1e-2))  # NaN and infinity fail the comparison
    if len(broken):
        path, length = embeddings.records[broken[0]].path, np.linalg.norm(vectors[broken[0]].astype(np.float64))
        fault = (
            f"has length {length:.3g}: scale it to 1"
            if np.isfinite(length) and length
            else f"is {'not finite' if length else 'zero'}: embed it again"
        )
        raise DatasetError(f"the embedding of {path}, the first of {len(broken)} such images, {fault}")
