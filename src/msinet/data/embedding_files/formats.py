"""Formats of files of embeddings: a module each, which reads and writes `Columns`."""

from pathlib import Path
from types import ModuleType

from msinet.data.embedding_files import csv_table, npz, parquet
from msinet.data.embedding_files.columns import NEEDED
from msinet.errors import FileError
from msinet.files.contents import not_usable
from msinet.files.os_errors import in_words

FORMATS: dict[str, ModuleType] = {".npz": npz, ".parquet": parquet, ".csv": csv_table}
"""Formats by the suffix of their files."""

NO_LABELS = "an .npy file holds one array and has no place for labels"


def format_of(path: Path) -> ModuleType:
    """Return the format of a file, by its content: version 0.1 wrote .npz under any suffix.

    Raises:
        FileError: there is no such file, or it is of no known format.
    """
    if not path.exists():
        raise FileError(f"there is no {path}")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise FileError(f"cannot read {path}: {in_words(error)}") from error
    if head.startswith(b"\x93NUMPY"):
        raise FileError(
            f"cannot score {path}: {NO_LABELS}; save both by np.savez('{path.stem}.npz', vectors=..., identity=...)"
        )
    if head.startswith(b"PK"):
        return npz
    if head.startswith(b"PAR1"):
        return parquet
    if head and path.suffix.lower() == ".csv":
        return csv_table
    raise FileError(not_usable(path, f"embeddings are an .npz, Parquet or CSV file with {NEEDED}"))
