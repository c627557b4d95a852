"""Embeddings as CSV: one row an image, columns of labels and v0, v1, v2, ... of the vector."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from msinet.data.embedding_files.columns import LABELS, Columns, known, no_vectors
from msinet.data.embedding_files.numbered import NUMBERED, numbered_names
from msinet.errors import DatasetError, FileError
from msinet.files.os_errors import in_words

DELIMITERS = ",;\t"
ANY_BYTES = "surrogateescape"
"""Names of files that are not UTF-8 are written and read as their bytes."""


def read(path: Path) -> Columns:
    """Read the columns that have a meaning.

    Raises:
        FileError: it cannot be read.
        DatasetError: there are no vectors, a cell of one is no number, or a row is longer or shorter than the first.
    """
    try:
        with path.open(encoding="utf-8-sig", errors=ANY_BYTES, newline="") as file:
            header = file.readline()
            file.seek(0)
            delimiter = max(DELIMITERS, key=lambda one: len(next(csv.reader([header], delimiter=one), [])))
            rows = csv.reader(file, delimiter=delimiter, strict=True)
            return _columns(path, next(rows, []), rows)
    except csv.Error as error:
        raise DatasetError(f"{path} is not CSV: {error}; write it by Python's csv or by pandas") from error
    except OSError as error:
        raise FileError(f"cannot read {path}: {in_words(error)}") from error


def write(file: BinaryIO, columns: Columns) -> None:
    """Write the columns; nine digits hold a float32 exactly."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors=ANY_BYTES, newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*LABELS, *(f"v{place}" for place in range(columns.vectors.shape[1]))])
    for row, vector in enumerate(columns.vectors):
        writer.writerow([*(columns.labels[name][row] for name in LABELS), *(f"{number:.9g}" for number in vector.tolist())])
    text.flush()
    text.detach()  # The file is closed by whom it belongs to.


def _columns(path: Path, header: Sequence[str], rows: Iterator[list[str]]) -> Columns:
    names, numbered = known(header), numbered_names(path, header)
    if not numbered:
        raise no_vectors(path, header, NUMBERED)
    places = [header.index(name) for name in numbered]
    labels: dict[str, list[object]] = {name: [] for name in names if name != "vectors"}
    vectors: list[np.ndarray] = []
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != len(header):
            raise DatasetError(f"row {number} of {path} has {len(row)} cells and the header {len(header)}: write it again")
        vectors.append(_vector(path, number, row, places))
        for name, values in labels.items():
            values.append(row[header.index(names[name])])
    return Columns(np.array(vectors).reshape(len(vectors), len(places)), labels)


def _vector(path: Path, number: int, row: list[str], places: Sequence[int]) -> np.ndarray:
    try:
        return np.array([float(row[place] or "nan") for place in places])
    except ValueError as error:
        raise DatasetError(f"row {number} of {path} is no vector: {error}; write numbers with a point, 0.5") from error
