"""A table of your own images, CSV or Parquet: a row an image, a column a label."""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msinet.data.readers.folder_listing import list_folder
from msinet.data.readers.own_data import SPLIT_WORDS, split_by_identity, splits_from_words
from msinet.data.records import ImageRecord, ReidSplits, Skipped
from msinet.errors import DatasetError

LAYOUT = (
    "a CSV or Parquet file, or a folder that holds one (several: manifest.csv), "
    "with columns path and identity and, if you like, camera, track and split"
)

SUFFIXES = (".csv", ".tsv", ".parquet")
PREFERRED = "manifest.csv"
REQUIRED = ("path", "identity")
NO_FIELDS = frozenset({"path", "identity", "camera", "track", "split", ""})
DELIMITERS = ",;\t"
EXCESS = "\0excess"  # csv puts here what stands beyond the last column

Row = Mapping[str, str]


def recognises(path: Path) -> bool:
    """Say whether this is a table, or a folder with one table or a manifest.csv."""
    return find_table(path) is not None


def find_table(path: Path) -> Path | None:
    """Return the table that `path` is or holds, None if there is no telling."""
    if path.is_file():
        return path if path.suffix.lower() in SUFFIXES else None
    if (path / PREFERRED).is_file():
        return path / PREFERRED
    tables = [other for other in list_folder(path).others if other.suffix.lower() in SUFFIXES] if path.is_dir() else []
    return tables[0] if len(tables) == 1 else None


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read a table and check that its images are there.

    Columns: `path` (relative to the table's folder, or absolute) and `identity`; if there, `camera`, `track` and
    `split` (train, validation or val, query, gallery, or test, which is query and gallery). All others become fields.
    Labels are strings, kept as written: 0001 is not 1. Empty cells are unknown. Without a column `split` the identities
    are halved by the seed.

    Raises:
        DatasetError: No table, a table that cannot be read, a column missing, an unknown split, or not one usable row.
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
        raise DatasetError(f"no usable row in {table}" + (f", the first: {skipped[0].reason}" if skipped else ""))

    if "" in records:  # _problem leaves no empty split: the table has no such column.
        records = split_by_identity(records[""], seed)
    elif unknown := sorted(records.keys() - SPLIT_WORDS.keys()):
        raise DatasetError(f"column split of {table} holds {_quoted(unknown)}; it takes {', '.join(SPLIT_WORDS)}")
    return splits_from_words(table.parent.absolute().name, records, skipped)


def _problem(row: Row, image: Path) -> str | None:
    """Return why the row cannot be used."""
    if any(row.get(EXCESS, ())):
        return "more cells than columns"
    for column in ("path", "identity", "split"):
        if not row.get(column, "not there").strip():
            return f"{column} is empty"
    there = os.path.isfile(image)  # noqa: PTH113 - Path.is_file raises where a name is too long
    return None if there else "there is no such file"


def _record(row: Row, image: Path) -> ImageRecord:
    fields = {column: value for column, value in row.items() if column not in NO_FIELDS and column != EXCESS and value}
    return ImageRecord(image, row["identity"], row.get("camera") or None, row.get("track") or None, fields)


def _csv_rows(table: Path) -> Iterator[tuple[int, Row]]:
    """Yield each row with its number as editors and spreadsheets count: the header is row 1."""
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
    except (csv.Error, OSError) as error:
        raise DatasetError(f"cannot read {table}: {error}") from error


def _delimiter(header: str) -> str:
    """Return the delimiter that finds the required columns, or else the one that finds most columns."""

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
        raise DatasetError(f"reading {table} needs pyarrow: pip install msinet[table]") from error
    try:
        with pyarrow.parquet.ParquetFile(table) as file:
            _check_columns(table, file.schema_arrow.names)
            rows = (row for batch in file.iter_batches() for row in batch.to_pylist())
            for number, row in enumerate(rows, start=1):
                yield number, {column: "" if value is None else str(value) for column, value in row.items()}
    except (pyarrow.ArrowException, OSError) as error:
        raise DatasetError(f"cannot read {table}: {error}") from error


def _check_columns(table: Path, columns: Iterable[str]) -> None:
    named = [column for column in columns if column]
    if missing := [column for column in REQUIRED if column not in named]:
        raise DatasetError(f"{table} has no column {_quoted(missing)}; its columns: {_quoted(named)}")
    if len(set(named)) < len(named):
        raise DatasetError(f"{table} has two columns of the same name: {_quoted(named)}")


def _quoted(values: list[str]) -> str:
    more = f" and {len(values) - 10} more" if len(values) > 10 else ""
    return ", ".join(map(repr, values[:10])) + more
