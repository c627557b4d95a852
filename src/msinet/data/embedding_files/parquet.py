"""Embeddings as Parquet: one row an image, the vector a list."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from msinet.data.embedding_files.columns import LABELS, Columns, known, no_vectors
from msinet.data.embedding_files.numbered import NUMBERED, numbered_names
from msinet.errors import DatasetError, FileError, MissingExtraError


def read(path: Path) -> Columns:
    """Read the columns that have a meaning; vectors are a list a row, or the columns v0, v1, v2, ...

    Raises:
        FileError: it is no Parquet, or damaged.
        DatasetError: there are no vectors, they have several lengths, or labels are lists.
        MissingExtraError: pyarrow is missing.
    """
    pyarrow = require()
    try:
        with path.open("rb") as opened:
            file = pyarrow.parquet.ParquetFile(opened)
            there = file.schema_arrow.names
            names = known(there)
            numbered = [] if "vectors" in names else numbered_names(path, there)
            if "vectors" not in names and not numbered:
                raise no_vectors(path, there, NUMBERED)
            table = file.read(columns=[*names.values(), *numbered])
        vectors = _joined(path, table, numbered) if numbered else _lists(pyarrow, path, table.column(names.pop("vectors")))
        return Columns(vectors, {name: _labels(pyarrow, path, name, table.column(own)) for name, own in names.items()})
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {error}; it is damaged: make or copy it again") from error


def write(file: BinaryIO, columns: Columns) -> None:
    """Write the columns. One with a name that is not UTF-8 becomes a column of bytes."""
    pyarrow = require()
    flat = pyarrow.array(columns.vectors.ravel(), pyarrow.float32())
    arrays: dict[str, Any] = {name: _text(pyarrow, columns.labels[name]) for name in LABELS}
    arrays["vectors"] = pyarrow.FixedSizeListArray.from_arrays(flat, columns.vectors.shape[1])
    pyarrow.parquet.write_table(pyarrow.table(arrays), file)


def require() -> Any:
    """Return pyarrow. Raises MissingExtraError where it is not installed."""
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "table") from error
    return pyarrow


def _text(pyarrow: Any, values: Iterable[object]) -> Any:
    texts = [str(value) if value else None for value in values]
    try:
        return pyarrow.array(texts, pyarrow.string())
    except UnicodeEncodeError:
        encoded = [text.encode("utf-8", "surrogateescape") if text else None for text in texts]
        return pyarrow.array(encoded, pyarrow.binary())


def _labels(pyarrow: Any, path: Path, name: str, column: Any) -> list[object]:
    if pyarrow.types.is_nested(column.type):
        raise DatasetError(f"{name} of {path} is {column.type}: write one label a row")
    return column.to_pylist()


def _lists(pyarrow: Any, path: Path, column: Any) -> np.ndarray:
    """Return vectors (N, D) from a list a row; null inside a list is NaN."""
    if not pyarrow.types.is_nested(column.type) or pyarrow.types.is_struct(column.type) or pyarrow.types.is_map(column.type):
        raise DatasetError(f"vectors of {path} is {column.type}: write a list of numbers a row{NUMBERED}")
    lengths = pyarrow.compute.call_function("list_value_length", [column]).unique().to_pylist()
    if len(lengths) > 1 or lengths == [None]:
        raise DatasetError(f"the vectors of {path} have several lengths, or some are missing: all images need the same")
    size = lengths[0] if lengths else 0
    parts = [np.asarray(chunk.flatten()).reshape(len(chunk), size) for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.empty((0, size), np.float32)


def _joined(path: Path, table: Any, numbered: Sequence[str]) -> np.ndarray:
    columns = [np.asarray(table.column(name)) for name in numbered]
    other = next((place for place, column in enumerate(columns) if column.dtype.kind not in "fiu"), None)
    if other is not None:
        raise DatasetError(f"v{other} of {path} is {table.column(numbered[other]).type}: write numbers")
    return np.stack(columns, axis=1)
