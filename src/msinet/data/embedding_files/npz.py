"""Embeddings as .npz of numpy: one array a column."""

import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from msinet.data.embedding_files.columns import LABELS, NEEDED, Columns, known, no_vectors
from msinet.errors import DatasetError, FileError
from msinet.files.contents import not_usable


def read(path: Path) -> Columns:
    """Read the arrays that have a meaning, without unpickling anything.

    Raises:
        FileError: it is no .npz, or damaged.
        DatasetError: there are no vectors, or an array holds Python objects.
    """
    if not zipfile.is_zipfile(path):
        raise FileError(not_usable(path, f"embeddings are an .npz, Parquet or CSV file with {NEEDED}"))
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            names = known(file.files)
            if "vectors" not in names:
                raise no_vectors(path, file.files)
            arrays = {meaning: _array(path, file, name) for meaning, name in names.items()}
    except (ValueError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise FileError(f"cannot read {path}: {error}; it is damaged: make or copy it again") from error
    return Columns(arrays.pop("vectors"), {name: _one_a_row(path, name, array) for name, array in arrays.items()})


def write(file: BinaryIO, columns: Columns) -> None:
    """Write the columns; the file loads without pickles."""
    arrays = {name: np.array(columns.labels[name], dtype=np.str_) for name in LABELS}
    np.savez_compressed(file, allow_pickle=False, **arrays, vectors=columns.vectors)


def _array(path: Path, file: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    try:
        return np.asarray(file[name])
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        how = "numbers of shape (N, D)" if name.strip().lower() == "vectors" else "text, np.array(labels, dtype=str)"
        message = f"cannot read {name} of {path}: it holds Python objects, which could run code; save it as {how}"
        raise DatasetError(message) from error


def _one_a_row(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    """Return labels (N,); rows and columns of a matrix, as MATLAB has them, are flattened."""
    if array.size != max(array.shape, default=1) or array.dtype.kind == "V":
        raise DatasetError(f"{name} of {path} has the shape {array.shape} of {array.dtype}: write one label a vector, (N,)")
    return array.ravel()
