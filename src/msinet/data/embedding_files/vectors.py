"""Vectors of others: whether they can be compared, and their scaling to unit length."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from msinet.errors import DatasetError, listed


def unit_vectors(path: Path, vectors: np.ndarray, labels: Mapping[str, Sequence[object] | np.ndarray]) -> np.ndarray:
    """Return the vectors of a file, (N, D) float32 of unit length.

    Args:
        path: the file.
        vectors: as found in it.
        labels: its columns of labels.

    Raises:
        DatasetError: they are no (N, D) numbers, a column has not N labels, or a vector is zero or not finite.
    """
    _check_kind(path, vectors)
    counts = {name: len(values) for name, values in labels.items()}
    for name, count in counts.items():
        if count != len(vectors):
            turned = count == vectors.shape[1]
            what_to_do = (
                f"the matrix lies on its side, so write vectors.T, {vectors.shape[::-1]}" if turned else "write one a vector"
            )
            raise DatasetError(f"{path} has {len(vectors)} vectors and {count} of {name}: {what_to_do}")
    if not vectors.size:
        raise DatasetError(f"{path} holds nothing to score: its vectors have the shape {vectors.shape}")
    scaled = scale_to_unit_length(vectors)
    if len(broken := np.flatnonzero(np.isnan(scaled[:, 0]))):
        paths = labels.get("path", [""] * len(vectors))
        rows = [f"vector {row} {paths[row] or ''}".rstrip() for row in broken.tolist()]
        raise DatasetError(f"{path} has vectors that are zero or not finite: embed these images again{listed(rows)}")
    return scaled


def scale_to_unit_length(vectors: np.ndarray) -> np.ndarray:
    """Return real vectors (N, D) of any type as float32 of unit length; one that is zero or not finite becomes NaN."""
    wide = vectors.astype(np.result_type(vectors.dtype, np.float32), copy=False)
    largest = np.maximum(wide.max(1, keepdims=True), -wide.min(1, keepdims=True))
    # Neither float32 nor squares hold numbers of any size. Dividing by a power of two changes no digit.
    _, exponents = np.frexp(np.where(np.isfinite(largest), largest, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        narrow = np.ascontiguousarray(np.ldexp(wide, -exponents), np.float32)
        return narrow / np.sqrt(np.einsum("nd,nd->n", narrow, narrow))[:, None]


def _check_kind(path: Path, vectors: np.ndarray) -> None:
    if vectors.dtype.kind not in "fiu":
        advice = {
            "c": "write real numbers, such as np.abs(vectors) or both parts side by side",
            "b": "write numbers: True and False have no angle; -1 and 1 have",
        }.get(vectors.dtype.kind, "write np.array(vectors, dtype=np.float32), which needs vectors of one length")
        raise DatasetError(f"the vectors of {path} must be numbers of shape (N, D), and are {vectors.dtype}: {advice}")
    if vectors.ndim != 2:
        advice = "flatten each to one row" if vectors.ndim > 2 else "write a row for each image"
        raise DatasetError(f"the vectors of {path} must be of shape (N, D), and are of {vectors.shape}: {advice}")
