"""Reader of tables of your own images: one row per image, one column per label."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from msinet.data.labels import label_of
from msinet.data.readers.folder_listing import list_folder
from msinet.data.readers.own_data import (
    SPLIT_WORDS,
    gallery_if_queries_are_apart,
    split_by_identity,
    split_word,
    splits_from_words,
)
from msinet.data.readers.table_paths import TablePaths
from msinet.data.readers.table_rows import COLUMNS, EXCESS, SUFFIXES, Row, columns_of, rows_of
from msinet.data.records import ImageRecord, ReidSplits, Skipped
from msinet.errors import DatasetError, listed

LAYOUT = (
    "a CSV or Parquet file, or a folder that holds one (of several, manifest.csv, or one a split: train.csv, test.csv), "
    "with columns path and identity, optionally camera, track and split"
)

PREFERRED = "manifest.csv"
REQUIRED = ("path", "identity")


def recognises(path: Path) -> bool:
    """Return whether this is a table, or a folder that holds a table of images or any table but folders of images."""
    if path.is_file():
        return path.suffix.lower() in SUFFIXES
    return path.is_dir() and bool(tables_in(path))


def find_tables(path: Path) -> list[Path]:
    """Return the tables of a dataset: the one that `path` is or holds, or one for each split; none if it holds no table.

    Raises:
        DatasetError: none of the tables has columns path and identity, or several have, whose names are not splits.
        FileError: a table cannot be read.
    """
    if path.is_file():
        return [path]
    tables = tables_in(path)
    if not tables or tables[0].name == PREFERRED:
        return tables
    columns = {table: columns_of(table) for table in tables}
    usable = [table for table in tables if set(REQUIRED) <= set(columns[table])]
    if not usable:
        shown = [f"{table.name} has {', '.join(columns[table][:8]) or 'no columns'}" for table in tables]
        raise DatasetError(
            f"no table in {path} has columns path and identity. Rename its columns, or, if folders alone are the data, set "
            f"format to folders:{listed(shown)}",
            "format",
        )
    words = [split_word(table.stem) for table in usable]
    if len(usable) > 1 and (None in words or len(set(words)) < len(words)):
        raise DatasetError(
            f"{path} holds several tables of images: pass one of them, or name them after splits, such as train.csv and "
            f"test.csv:{listed([table.name for table in usable])}"
        )
    return usable


def read(path: Path, seed: int = 0) -> ReidSplits:
    """Read a table, or one a split, and check that its images exist.

    Columns: `path` and `identity`; optionally `camera`, `track` and `split` (train, validation, query, gallery, or test,
    which is query and gallery). All others become fields. A path is relative to the table's folder or to the current one.
    Labels are text: 0001 is not 1; blanks around them go, and NaN, None and the like are missing. Without splits the seed
    halves the identities.

    Raises:
        DatasetError: there is no table, a column is missing, a split is unknown, or no row is usable.
        FileError: the table cannot be read.
        MissingExtraError: Parquet needs pyarrow.
    """
    tables = find_tables(path)
    if not tables:
        raise DatasetError(f"no table in {path}. Needed: {LAYOUT}")
    records: dict[str, list[ImageRecord]] = {}
    skipped: list[Skipped] = []
    said: list[str] = []
    for table in tables:
        columns = columns_of(table)
        if missing := [column for column in REQUIRED if column not in columns]:
            has = listed([repr(column) for column in columns if column])
            raise DatasetError(f"{table} has no column {' and no column '.join(missing)}. It has:{has}")
        paths = TablePaths(table.parent)
        split = split_word(table.stem) if len(tables) > 1 and "split" not in columns else None
        for word, record in _records(table, paths, skipped):
            records.setdefault(split or word, []).append(record)
        said.append(f"{table.name} ({paths.in_words()})")
    if not records:
        raise DatasetError(f"no usable row in {path}{listed([f'{row.path}: {row.reason}' for row in skipped], limit=3)}")
    understood = _in_words(said, records)
    if "" in records:  # No row has an empty split: the table has no such column.
        records = split_by_identity(records[""], seed)
    else:
        records = gallery_if_queries_are_apart(_by_known_words(path, records))
    folder = path.parent if path.is_file() else path
    return splits_from_words(folder.absolute().name, records, skipped, understood)


def read_without_labels(table: Path) -> tuple[list[ImageRecord], list[Skipped]]:
    """Return a record for each row whose image exists, with the labels that it has, and the rows that are left out.

    Raises:
        DatasetError: there is no column path.
        FileError: the table cannot be read.
        MissingExtraError: Parquet needs pyarrow.
    """
    if "path" not in columns_of(table):
        raise DatasetError(f"{table} has no column path")
    skipped: list[Skipped] = []
    rows = _records(table, TablePaths(table.parent), skipped, needed=("path",))
    return [record for _, record in rows], skipped


def tables_in(folder: Path) -> list[Path]:
    """Return the tables in a folder, or its manifest.csv alone."""
    if (folder / PREFERRED).is_file():
        return [folder / PREFERRED]
    return [other for other in list_folder(folder).others if other.suffix.lower() in SUFFIXES]


def _records(
    table: Path, paths: TablePaths, skipped: list[Skipped], needed: Sequence[str] = ("path", "identity", "split")
) -> Iterator[tuple[str, ImageRecord]]:
    """Yield the split's word, empty without one, and the record of each row that can be used."""
    for number, row in rows_of(table):
        labels = {column: label_of(row[column]) for column in COLUMNS if column in row}
        cell = _path_in(row["path"]) if labels["path"] else ""
        image = paths.find(cell) if cell else None
        if (problem := _problem(row, labels, image, needed)) or not image:
            skipped.append(Skipped(image or (paths.expected(cell) if cell else table), f"row {number}: {problem}"))
            continue
        fields = {c: str(v) for c, v in row.items() if c and c not in COLUMNS and c != EXCESS and label_of(v) is not None}
        record = ImageRecord(image, labels.get("identity") or "", labels.get("camera"), labels.get("track"), fields)
        yield labels.get("split") or "", record


def _path_in(cell: object) -> str:
    return os.fsdecode(cell) if isinstance(cell, bytes) else str(cell).strip()


def _problem(row: Row, labels: dict[str, str | None], image: Path | None, needed: Sequence[str]) -> str | None:
    """Return why the row cannot be used."""
    excess = row.get(EXCESS)
    if isinstance(excess, list) and any(excess):
        return "more cells than columns"
    for column in needed:
        if column in labels and labels[column] is None:
            return f"{column} is empty"
    return None if image else "there is no such file"


def _by_known_words(path: Path, records: dict[str, list[ImageRecord]]) -> dict[str, list[ImageRecord]]:
    """Return records by the words of `SPLIT_WORDS`."""
    words = {word: split_word(word) for word in records}
    if unknown := sorted(word for word in words if not words[word]):
        shown = listed([repr(word) for word in unknown])
        raise DatasetError(f"unknown splits in {path}: use {', '.join(SPLIT_WORDS)}{shown}")
    known: dict[str, list[ImageRecord]] = {}
    for word, members in records.items():
        known.setdefault(words[word] or "", []).extend(members)
    return known


def _in_words(tables: Sequence[str], records: dict[str, list[ImageRecord]]) -> str:
    """Return how the tables were understood."""
    together = [record for members in records.values() for record in members]
    counts = {name: len({getattr(record, name) for record in together} - {None}) for name in ("identity", "camera", "track")}
    labels = [f"{name} = column {name}, {count}" for name, count in counts.items() if count]
    return "; ".join([", ".join(tables), *labels, *([] if counts["camera"] else ["no cameras"])])
