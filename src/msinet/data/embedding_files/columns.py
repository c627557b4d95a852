"""Columns of a file of embeddings, whatever its format."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msinet.errors import DatasetError, listed

LABELS = ("path", "identity", "camera", "track", "split")
"""Columns of labels, in the order in which they are written."""

NEEDED = "vectors (N, D) and identity; optional: path, camera, track and split (train, validation, query, gallery or test)"


@dataclass(frozen=True)
class Columns:
    """The columns of a file, as they were found or are to be written."""

    vectors: np.ndarray
    """(N, D) float32 to write; as read, of any type and shape."""
    labels: Mapping[str, Sequence[object] | np.ndarray]
    """N values each, by names of `LABELS`. Text that is not UTF-8 has surrogates, as in Python's names of files."""


def known(names: Iterable[str]) -> dict[str, str]:
    """Return the columns that have a meaning: the name in the file by its meaning. Capitals do not count."""
    meanings = {name.strip().lower(): name for name in names}
    return {meaning: name for meaning, name in meanings.items() if meaning in ("vectors", *LABELS)}


def no_vectors(path: Path, names: Sequence[str], also: str = "") -> DatasetError:
    """Return the error of a file without vectors, with the columns that it has."""
    there = listed([repr(name) for name in names], limit=8) if names else " nothing"
    return DatasetError(f"{path} has no vectors. Needed: {NEEDED}{also}. It has:{there}")
