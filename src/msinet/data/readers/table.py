"""Reader of a table of your own images, CSV or Parquet: one row per image, one column per label."""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msinet.data.readers.folder_listing import list_folder
from msinet.data.readers.own_data import SPLIT_WORDS, split_by_identity, splits_from_words
from msinet.data.records import ImageRecord, ReidSplits, Skipped
from msinet.errors import DatasetError, FileError, MissingExtraError, listed

LAYOUT = (
    "a CSV or Parquet file, or a folder that holds one (of several, manifest.csv), "
    "with columns path and identity, optionally camera, track and split"
)

SUFFIXES = (".csv", ".tsv", ".parquet")
PREFERRED = "manifest.csv"
REQUIRED = ("path", "identity")
NO_FIELDS = frozenset({"path", "identity", "camera", "track", "split", ""})
DELIMITERS = ",;\t"
EXCESS = "\0excess"  # csv puts cells beyond the last column here

Row = Mapping[str, str]


def recognises(path: Path) -> bool:
    """Return whether this is a table, or a folder with one table or a manifest.csv."""
    return find_table(path) is not None


def find_table(path: Path) -> Path | None:
    """Return the table that `path` is or holds, None without one or with several."""
    if path.is_file():
        return path if path.suffix.lower() in SUFFIXES else None
    if (path / PREFERRED).is_file():
        return path / PREFERRED
    tables = [other for other in list_folder(path).others if other.suffix.lower() in SUFFIXES] if path.is_dir() else []
    return tables[0] if len(tables) == 1 else None


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read a table and check that its images exist.

    Columns: `path` (relative to the table's folder, or absolute) and `identity`; optionally `camera`, `track` and `split`
    (train, validation or val, query, gallery, or test, which is query and gallery). All others become fields. Labels are
    strings as written: 0001 is not 1. Empty cells are unknown. Without a column `split` the seed halves the identities.

    Raises:
        DatasetError: there is no table, a column is missing, a split is unknown, or no row is usable.
        FileError: the table cannot be read.
        MissingExtraError: Parquet needs pyarrow.
    """
    table = find_table(path) or path
    if not table.is_file():
        raise DatasetError(f"no table in {path}. Needed: {LAYOUT}")
    rows = _parquet_rows(table) if table.suffix.lower() == ".parquet" else _csv_rows(table)

    records: dict[str, list[ImageRecord]] = {}
    skipped: list[Skipped] = []
    for number, row in rows:
        image = table.parent / row["path"] if row["path"] else table
        if problem := _problem(row, image):
            skipped.append(Skipped(image, f"row {number}: {problem}"))
        else:
            records.setdefault(row.get("split", "").strip().lower(), []).append(_record(row, image))
    if not records:
        raise DatasetError(f"no usable row in {table}{listed([f'{row.path}: {row.reason}' for row in skipped], limit=3)}")

    if "" in records:  # _problem leaves no empty split: the table has no such column.
        records = split_by_identity(records[""], seed)
    elif unknown := sorted(records.keys() - SPLIT_WORDS.keys()):
        raise DatasetError(f"unknown splits in {table}: use {', '.join(SPLIT_WORDS)}{_quoted(unknown)}")
    return splits_from_words(table.parent.absolute().name, records, skipped)


def _problem(row: Row, image: Path) -> str | None:
    """Return why the row cannot be used."""
    if any(row.get(EXCESS, ())):
        return "more cells than columns"
    for column in ("path", "identity", "split"):
        if not row.get(column, "no such column").strip():
            return f"{column} is empty"
    there = os.path.isfile(image)  # noqa: PTH113 - Path.is_file raises where a name is too long
    return None if there else "there is no such file"


def _record(row: Row, image: Path) -> ImageRecord:
    fields = {column: value for column, value in row.items() if column not in NO_FIELDS and column != EXCESS and value}
    return ImageRecord(image, row["identity"], row.get("camera") or None, row.get("track") or None, fields)


def _csv_rows(table: Path) -> Iterator[tuple[int, Row]]:
    """Yield each row with its number in an editor: the header is row 1."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline())
            file.seek(0)
            reader = csv.DictReader(file, delimiter=delimiter, restkey=EXCESS, restval="", strict=True)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            _check_columns(table, reader.fieldnames)
            for row in reader:
                yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise DatasetError(f"{table} is not UTF-8: save it as CSV UTF-8") from error
    except csv.Error as error:
        raise DatasetError(f"{table} is not CSV: {error}") from error
    except OSError as error:
        raise FileError(f"cannot read {table}: {error}") from error


def _delimiter(header: str) -> str:
    """Return the delimiter that gives the required columns, otherwise the one that gives most columns."""

    def found(delimiter: str) -> tuple[bool, int]:
        columns = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
        return set(REQUIRED) <= set(columns), len(columns)

    return max(DELIMITERS, key=found)


def _parquet_rows(table: Path) -> Iterator[tuple[int, Row]]:
    """Yield each row with its number, from 1."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "table") from error
    try:
        with pyarrow.parquet.ParquetFile(table) as file:
            _check_columns(table, file.schema_arrow.names)
            rows = (row for batch in file.iter_batches() for row in batch.to_pylist())
            for number, row in enumerate(rows, start=1):
                yield number, {column: "" if value is None else str(value) for column, value in row.items()}
    except (pyarrow.ArrowException, OSError) as error:
        raise FileError(f"cannot read {table}: {error}") from error


def _check_columns(table: Path, columns: Iterable[str]) -> None:
    named = [column for column in columns if column]
    if missing := [column for column in REQUIRED if column not in named]:
        raise DatasetError(f"{table} has no column {' and no column '.join(missing)}. It has:{_quoted(named)}")
    if len(set(named)) < len(named):
        raise DatasetError(f"{table} has two columns of the same name:{_quoted(named)}")


def _quoted(values: list[str]) -> str:
    return listed([repr(value) for value in values])
