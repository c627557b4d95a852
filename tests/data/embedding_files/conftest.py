"""Files of embeddings, written as others write them."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

SUFFIXES = (".npz", ".parquet", ".csv")


@pytest.fixture(params=SUFFIXES)
def suffix(request) -> str:
    """Return each suffix that embeddings may have."""
    return request.param


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Return a function that writes vectors and labels to a file, by its suffix, without the code that is tested."""

    def write_by_suffix(name: str, vectors, **labels) -> Path:
        path = tmp_path / name
        if path.suffix == ".npz":
            np.savez(path, vectors=vectors, **labels)
        elif path.suffix == ".parquet":
            columns = {key: list(values) for key, values in labels.items()}
            pyarrow.parquet.write_table(pyarrow.table({"vectors": np.asarray(vectors).tolist(), **columns}), path)
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow([*labels, *(f"v{place}" for place in range(np.shape(vectors)[1]))])
                for row, vector in enumerate(vectors):
                    cells = ("" if values[row] is None else values[row] for values in labels.values())
                    writer.writerow([*cells, *(repr(float(number)) for number in vector)])
        return path

    return write_by_suffix
