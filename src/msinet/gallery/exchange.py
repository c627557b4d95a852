"""A gallery as one Parquet file: how it moves to another store, and what other programs read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from msinet.data.embedding_files.parquet import require
from msinet.errors import FileError, ModelError
from msinet.files.atomic import write_atomically
from msinet.gallery.entries import Entry, Labels
from msinet.gallery.store import BLOCK, New, Store
from msinet.progress import begin

FORMAT = 1

METADATA = b"msinet.gallery"
"""Key of the file's metadata under which the gallery's facts stand, as JSON."""

LABELS = ("identity", "linked", "camera", "track", "path")


def export_store(store: Store, file: Path) -> int:
    """Write all entries to a Parquet file, atomically: id, labels, time, fields (JSON), content, thumbnail, vectors.

    Verdicts, the latest calibration and the facts of the gallery stand in the file's metadata.

    Returns:
        The number of entries.

    Raises:
        FileError: it cannot be written.
        MissingExtraError: pyarrow is missing.
    """
    pyarrow, facts, count = require(), store.facts, 0
    about = {"format": FORMAT, "facts": facts, "verdicts": store.verdicts(), "calibration": store.calibration()}
    dim = int(facts["dim"])
    columns = {name: pyarrow.string() for name in LABELS}
    schema = pyarrow.schema(
        {
            "id": pyarrow.int64(),
            **columns,
            "time": pyarrow.timestamp("us", "UTC"),
            "fields": pyarrow.string(),
            "content": pyarrow.binary(),
            "again": pyarrow.bool_(),
            "thumbnail": pyarrow.binary(),
            "vectors": pyarrow.list_(pyarrow.float32(), dim),
        },
        {METADATA: json.dumps(about).encode()},
    )

    def write(opened: BinaryIO) -> None:
        nonlocal count
        bar = begin("export", store.count())
        with pyarrow.parquet.ParquetWriter(opened, schema) as writer:
            for entries, contents, vectors in _blocks(store):
                writer.write_table(_table(pyarrow, schema, entries, contents, vectors))
                count += len(entries)
                bar.advance(len(entries))

    write_atomically(file, write)
    return count


def _blocks(store: Store) -> Iterator[tuple[list[Entry], dict[int, tuple[bytes, bool, bytes | None]], np.ndarray]]:
    """Yield entries, what their content is, and their vectors."""
    for ids, vectors in store.blocks():
        entries, contents = store.entries(ids.tolist()), store.contents(ids.tolist())
        there = np.array([id in entries and id in contents for id in ids.tolist()])
        yield [entries[id] for id in ids[there].tolist()], contents, vectors[there]


def _table(pyarrow: Any, schema: Any, entries: list[Entry], contents: dict, vectors: np.ndarray) -> Any:
    columns = {
        "id": [entry.id for entry in entries],
        "identity": [None if entry.linked else entry.identity for entry in entries],
        "linked": [entry.identity if entry.linked else None for entry in entries],
        "camera": [entry.camera for entry in entries],
        "track": [entry.track for entry in entries],
        "path": [entry.path for entry in entries],
        "time": [entry.time for entry in entries],
        "fields": [json.dumps(dict(entry.fields)) for entry in entries],
        "content": [contents[entry.id][0] for entry in entries],
        "again": [contents[entry.id][1] for entry in entries],
        "thumbnail": [contents[entry.id][2] for entry in entries],
    }
    arrays = [pyarrow.array(columns[name], schema.field(name).type) for name in columns]
    flat = pyarrow.array(np.ascontiguousarray(vectors).ravel(), pyarrow.float32())
    lists = pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    return pyarrow.Table.from_arrays([*arrays, lists], schema=schema)


def facts_of(file: Path) -> dict[str, str]:
    """Return the facts of the gallery that an exported file was written from.

    Raises:
        FileError: it is no such file.
        ModelError: it is of a later version.
    """
    return _about(require(), file)["facts"]


def _about(pyarrow: Any, file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FileError(f"there is no {file}")
    try:
        metadata = pyarrow.parquet.read_schema(file).metadata or {}
        about = json.loads(metadata[METADATA])
    except (pyarrow.ArrowException, OSError, KeyError, ValueError) as error:
        raise FileError(
            f"{file} is no gallery that msinet gallery export wrote as .parquet; gallery add reads tables and embeddings"
        ) from error
    if about["format"] > FORMAT:
        raise ModelError(f"{file} was written by a later version of msinet: install that version to read it")
    return about


def import_store(store: Store, file: Path) -> tuple[int, int]:
    """Add the entries of a Parquet file that `export_store` wrote. What is there already stays as it is.

    Returns:
        The number of entries in the file, and how many of them are new.

    Raises:
        FileError: it is no such file, or damaged.
        ModelError: its vectors are of other weights, or have another length.
    """
    pyarrow = require()
    about = _about(pyarrow, file)
    for fact, meaning in (("dim", "vectors of the length"), ("weights", "vectors of the weights")):
        ours, theirs = store.facts[fact], about["facts"][fact]
        if ours != theirs:
            raise ModelError(f"{file} has {meaning} {theirs or 'of nobody known'}, the gallery {ours or 'of nobody known'}")
    numbers: dict[int, int] = {}
    count = fresh = 0
    try:
        opened = pyarrow.parquet.ParquetFile(file)
        bar = begin("import", opened.metadata.num_rows)
        for batch in opened.iter_batches(BLOCK):
            rows = batch.to_pylist()
            for again in (False, True):
                some = [row for row in rows if row["again"] is again]
                ids, new = store.add([_new(row) for row in some], again)
                numbers.update(zip((row["id"] for row in some), ids, strict=True))
                store.link({id: row["linked"] for id, row in zip(ids, some, strict=True) if row["linked"]})
                fresh += new
            count += len(rows)
            bar.advance(len(rows))
    except pyarrow.ArrowException as error:
        raise FileError(f"{file} is damaged ({error}): export it again; the {count} entries before are there") from error
    for one, other, same in about["verdicts"]:
        if one in numbers and other in numbers and numbers[one] != numbers[other]:
            store.judge(numbers[one], numbers[other], same)
    if about["calibration"] and not store.calibration():
        store.add_calibration(*about["calibration"])
    return count, fresh


def _new(row: dict[str, Any]) -> New:
    fields = json.loads(row["fields"])
    labels = Labels(row["identity"], row["camera"], row["time"], row["track"], row["path"], fields)
    return New(row["content"], labels, np.asarray(row["vectors"], np.float32), row["thumbnail"])
