"""Rows of a table of images, CSV or Parquet, as they are written."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from msinet.errors import DatasetError, FileError, MissingExtraError, listed
from msinet.files.os_errors import in_words

SUFFIXES = (".csv", ".tsv", ".parquet")
COLUMNS = ("path", "identity", "camera", "track", "split")
"""Columns that have a meaning, known in capitals too; all others are fields."""

DELIMITERS = ",;\t|"
SEPARATOR_LINE = re.compile(r"sep=(.)\s*")
"""First line by which Excel names the delimiter."""
EXCESS = "\0excess"  # csv puts cells beyond the last column here

Row = Mapping[str, object]


def columns_of(table: Path) -> list[str]:
    """Return the names of the columns, without reading the rows.

    Raises:
        DatasetError: it is not UTF-8 or not CSV, or two columns have the same name.
        FileError: it cannot be read.
        MissingExtraError: Parquet needs pyarrow.
    """
    return _parquet_columns(table) if table.suffix.lower() == ".parquet" else _csv_columns(table)


def rows_of(table: Path) -> Iterator[tuple[int, Row]]:
    """Yield each row with its number: the header of a CSV is row 1, the first row of a Parquet file is row 1.

    Raises:
        What `columns_of` raises.
    """
    return _parquet_rows(table) if table.suffix.lower() == ".parquet" else _csv_rows(table)


def _csv_columns(table: Path) -> list[str]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header, _ = _header(file)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{table} is not UTF-8: save it as CSV UTF-8") from error
    except OSError as error:
        raise FileError(f"cannot read {table}: {in_words(error)}") from error
    return _named(table, next(csv.reader([header], delimiter=_delimiter(header)), []))


def _csv_rows(table: Path) -> Iterator[tuple[int, Row]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header, before = _header(file)
            delimiter = _delimiter(header)
            file.seek(0)
            for _ in range(before):
                file.readline()
            reader = csv.DictReader(file, delimiter=delimiter, restkey=EXCESS, restval="", strict=True)
            reader.fieldnames = _named(table, reader.fieldnames or ())
            for row in reader:
                yield reader.line_num + before, row
    except UnicodeDecodeError as error:
        raise DatasetError(f"{table} is not UTF-8: save it as CSV UTF-8") from error
    except csv.Error as error:
        raise DatasetError(f"{table} is not CSV: {error}") from error
    except OSError as error:
        raise FileError(f"cannot read {table}: {in_words(error)}") from error


def _header(file: TextIO) -> tuple[str, int]:
    """Return the line with the names of the columns, and the number of lines before it: 1 after a line sep=;"""
    first = file.readline()
    return (file.readline(), 1) if SEPARATOR_LINE.fullmatch(first) else (first, 0)


def _delimiter(header: str) -> str:
    """Return the delimiter that gives most of the columns that have a meaning, otherwise the one that gives most columns."""

    def found(delimiter: str) -> tuple[int, int]:
        columns = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
        return len(set(COLUMNS) & set(columns)), len(columns)

    return max(DELIMITERS, key=found)


def _parquet_columns(table: Path) -> list[str]:
    pyarrow, parquet = _pyarrow()
    try:
        return _named(table, parquet.read_schema(table).names)
    except (pyarrow.ArrowException, OSError) as error:
        raise FileError(f"cannot read {table}: {in_words(error)}") from error


def _parquet_rows(table: Path) -> Iterator[tuple[int, Row]]:
    pyarrow, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(table) as file:
            columns = _named(table, file.schema_arrow.names)
            rows = (row for batch in file.iter_batches() for row in batch.to_pylist())
            for number, row in enumerate(rows, start=1):
                yield number, dict(zip(columns, row.values(), strict=True))
    except (pyarrow.ArrowException, OSError) as error:
        raise FileError(f"cannot read {table}: {in_words(error)}") from error


def _pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "table") from error
    return pyarrow, pyarrow.parquet


def _named(table: Path, columns: Iterable[str]) -> list[str]:
    """Return the names of columns without blanks, those that have a meaning in lower case."""
    trimmed = [column.strip() for column in columns]
    names = [name.lower() if name.lower() in COLUMNS else name for name in trimmed]
    named = [name for name in names if name]
    if len(set(named)) < len(named):
        raise DatasetError(f"{table} has two columns of the same name:{listed([repr(name) for name in named])}")
    return names
