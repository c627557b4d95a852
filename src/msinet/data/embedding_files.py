"""Files of embeddings, ours or others': .npz or Parquet, with a vector and labels for each image."""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.readers.checks import check_splits
from msinet.data.readers.own_data import SPLIT_WORDS, splits_from_words
from msinet.data.records import ImageRecord, ReidSplits, Skipped
from msinet.errors import DatasetError, FileError, MissingExtraError, listed
from msinet.files.atomic import write_atomically

COLUMNS = "vectors (N, D) and identity; optional: path, camera, track and split (train, validation, query, gallery or test)"


def split_words(splits: ReidSplits) -> dict[Path, str]:
    """Return the split of each image as one word; an image that is both query and gallery is a test image."""
    parts: dict[Path, set[str]] = {}
    for part, records in splits.parts().items():
        for record in records:
            parts.setdefault(record.path, set()).add(part.split()[0])
    return {path: next(iter(found)) if len(found) == 1 else "test" for path, found in parts.items()}


def save_embeddings(embeddings: Embeddings, path: str | Path, words: Mapping[Path, str] | None = None) -> None:
    """Write embeddings with paths, labels and split words as one .npz file that loads without pickles.

    Raises:
        FileError: the file cannot be written.
    """
    records = embeddings.records
    columns = {name: [str(getattr(r, name) or "") for r in records] for name in ("path", "identity", "camera", "track")}
    columns["split"] = [(words or {}).get(record.path, "") for record in records]
    arrays = {name: np.array(values, dtype=np.str_) for name, values in columns.items()}
    arrays["vectors"] = embeddings.vectors
    write_atomically(Path(path), lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))


def load_embeddings(path: str | Path) -> tuple[Embeddings, ReidSplits]:
    """Read embeddings, scaled to unit length, and the dataset that their labels make.

    Without split words every image is both query and gallery. With them, an image without a word is in no split, and
    neither is one without an identity.

    Raises:
        FileError: the file is missing, damaged or of another kind.
        DatasetError: a column is missing or too short, a split is unknown, or a vector is zero or not finite.
        MissingExtraError: Parquet needs pyarrow.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError(f"there is no {path}")
    columns = _parquet_columns(path) if path.suffix.lower() == ".parquet" else _npz_columns(path)
    vectors = _unit_vectors(path, columns.pop("vectors"))
    labels = {name: [str(value) for value in values] for name, values in columns.items()}
    for name, values in labels.items():
        if len(values) != len(vectors):
            raise DatasetError(f"{path} has {len(vectors)} vectors and {len(values)} of {name}")
    records = [_record(row, labels) for row in range(len(vectors))]
    return Embeddings(vectors, records), _splits(path, records, labels.get("split", ()))


def _record(row: int, labels: Mapping[str, Sequence[str]]) -> ImageRecord:
    def label(name: str) -> str | None:
        return labels[name][row] or None if name in labels else None

    return ImageRecord(Path(label("path") or f"row {row}"), labels["identity"][row], label("camera"), label("track"))


def _splits(path: Path, records: Sequence[ImageRecord], words: Sequence[str]) -> ReidSplits:
    found: dict[str, list[ImageRecord]] = {}
    skipped: list[Skipped] = []
    for record, word in zip(records, words if any(words) else ["test"] * len(records), strict=True):
        word = word.strip().lower()
        if not record.identity.strip():
            skipped.append(Skipped(record.path, "no identity"))
        elif not word:
            skipped.append(Skipped(record.path, "no split"))
        elif word not in SPLIT_WORDS:
            raise DatasetError(f"{path} has the split {word!r}: use {', '.join(SPLIT_WORDS)}")
        else:
            found.setdefault(word, []).append(record)
    splits = splits_from_words(path.stem, found, skipped)
    check_splits(splits)
    return splits


def _unit_vectors(path: Path, vectors: np.ndarray) -> np.ndarray:
    if vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.number) or np.iscomplexobj(vectors):
        raise DatasetError(f"the vectors of {path} must be numbers of shape (N, D), not {vectors.dtype} of {vectors.shape}")
    vectors = np.ascontiguousarray(vectors, np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None]
    broken = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
    if len(broken):
        rows = [f"vector {row}" for row in broken.tolist()]
        raise DatasetError(f"{path} has vectors that are zero or not finite: embed these images again{listed(rows)}")
    return vectors / lengths


def _npz_columns(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            _check_columns(path, file.files)
            return {name: np.atleast_1d(file[name]) for name in ("vectors", *_labels_in(file.files))}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise FileError(f"cannot read {path}: {error}. Needed: an .npz or Parquet file with {COLUMNS}") from error


def _parquet_columns(path: Path) -> dict[str, Any]:
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "table") from error
    try:
        table = pyarrow.parquet.read_table(path)
        _check_columns(path, table.column_names)
        rows = table.column("vectors").combine_chunks()
        lengths = pyarrow.compute.call_function("list_value_length", [rows])
        if rows.null_count or len(lengths.unique()) > 1:
            raise DatasetError(f"the vectors of {path} have several lengths: all need the same")
        flat = rows.flatten().to_numpy(zero_copy_only=False)
        labels = {
            name: ["" if v is None else v for v in table.column(name).to_pylist()] for name in _labels_in(table.column_names)
        }
        return {"vectors": flat.reshape(len(table), -1), **labels}
    except (pyarrow.ArrowException, OSError, ValueError, AttributeError) as error:
        raise FileError(f"cannot read {path}: {error}. Needed: {COLUMNS}; vectors as lists of one length") from error


def _labels_in(columns: Iterable[str]) -> list[str]:
    return [name for name in ("identity", "path", "camera", "track", "split") if name in columns]


def _check_columns(path: Path, columns: Iterable[str]) -> None:
    if missing := {"vectors", "identity"} - set(columns):
        raise DatasetError(f"{path} has no {' and no '.join(sorted(missing))}. Needed: {COLUMNS}")


def of_dataset(embeddings: Embeddings, splits: ReidSplits) -> Embeddings:
    """Return the embeddings of all query and gallery images of a dataset, under the dataset's own records.

    Files are matched by their whole path, otherwise by its last three, two or one parts.

    Raises:
        DatasetError: an image has no embedding, or several images match one path.
    """
    wanted = list({r.path: r for task in splits.scored().values() for r in (*task.query, *task.gallery)}.values())
    found: list[list[int]] = []
    for parts in (None, 3, 2, 1):
        rows: dict[tuple[str, ...], list[int]] = {}
        for row, record in enumerate(embeddings.records):
            rows.setdefault(_end(record.path, parts), []).append(row)
        found = [rows.get(_end(record.path, parts), []) for record in wanted]
        if any(found):
            break
    missing = [record.path for record, places in zip(wanted, found, strict=True) if not places]
    if missing:
        raise DatasetError(f"{len(missing)} images of {splits.name} have no embedding:{listed(missing)}")
    chosen = [places[0] for places in found]
    if any(len(places) > 1 for places in found) or len(set(chosen)) < len(chosen):
        raise DatasetError(f"the paths of the embeddings match several images of {splits.name}: write whole paths")
    return Embeddings(embeddings.vectors[chosen], wanted)


def _end(path: Path, parts: int | None) -> tuple[str, ...]:
    return path.parts if parts is None else path.parts[-parts:]
