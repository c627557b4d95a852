"""Reading of embeddings, ours or others': vectors of unit length, and labels as text."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from msinet.data.embedding_files.columns import NEEDED
from msinet.data.embedding_files.formats import format_of
from msinet.data.embedding_files.vectors import unit_vectors
from msinet.data.embeddings import Embeddings
from msinet.data.labels import label_of
from msinet.data.readers.checks import check_splits
from msinet.data.readers.own_data import SPLIT_WORDS, split_word, splits_from_words
from msinet.data.records import ImageRecord, ReidSplits, Skipped
from msinet.errors import DatasetError, listed
from msinet.files.paths import user_path

Labels = Mapping[str, Sequence[object] | np.ndarray]


def load_embeddings(path: str | Path) -> tuple[Embeddings, ReidSplits]:
    """Read embeddings, scaled to unit length, and the dataset that their labels make.

    Without split words every image is both query and gallery. With them, an image without a word is in no split, and
    neither is one without an identity.

    Raises:
        FileError: the file is missing, damaged or of another kind.
        DatasetError: a column is missing or too short, a split is unknown, or a vector is zero or not finite.
        MissingExtraError: Parquet needs pyarrow.
    """
    path = user_path(path)
    vectors, labels = _read(path)
    if "identity" not in labels:
        raise DatasetError(f"{path} has no identity. Needed: {NEEDED}; or give the data that has the labels as well")
    records = _records(labels, len(vectors))
    if not any(record.identity for record in records):
        raise DatasetError(f"no image of {path} has an identity: label them, or give the data that has the labels as well")
    return Embeddings(vectors, records), _splits(path, records, [label_of(word) for word in labels.get("split", ())])


def load_vectors(path: str | Path) -> Embeddings:
    """Read embeddings, scaled to unit length, whose labels are those of a dataset: their paths say which image they are of.

    Raises:
        FileError: the file is missing, damaged or of another kind.
        DatasetError: it has no paths, a column is too short, or a vector is zero or not finite.
        MissingExtraError: Parquet needs pyarrow.
    """
    path = user_path(path)
    vectors, labels = _read(path)
    if "path" not in labels:
        raise DatasetError(
            f"{path} has no path: add the column path, which says which vector belongs to which image of the data"
        )
    return Embeddings(vectors, _records(labels, len(vectors)))


def _read(path: Path) -> tuple[np.ndarray, Labels]:
    columns = format_of(path).read(path)
    return unit_vectors(path, columns.vectors, columns.labels), columns.labels


def _records(labels: Labels, count: int) -> list[ImageRecord]:
    unknown = [None] * count
    paths = [_path(row, value) for row, value in enumerate(labels.get("path", unknown))]
    identity, camera, track = ([label_of(v) for v in labels.get(n, unknown)] for n in ("identity", "camera", "track"))
    return [ImageRecord(paths[i], identity[i] or "", camera[i], track[i]) for i in range(count)]


def _path(row: int, value: object) -> Path:
    """Return a path as it is written: it is no label, so nothing in it is normalised."""
    if label_of(value) is None:
        return Path(f"row {row}")
    return Path(value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value))


def _splits(path: Path, records: Sequence[ImageRecord], words: Sequence[str | None]) -> ReidSplits:
    found: dict[str, list[ImageRecord]] = {}
    skipped: list[Skipped] = []
    unknown = {word for word in words if word and split_word(word) is None}
    if unknown:
        raise DatasetError(f"{path} has unknown splits: use {', '.join(SPLIT_WORDS)}{listed(sorted(map(repr, unknown)))}")
    for record, word in zip(records, words if any(words) else ["test"] * len(records), strict=True):
        split = split_word(word) if word else None
        if not record.identity:
            skipped.append(Skipped(record.path, "no identity"))
        elif split is None:
            skipped.append(Skipped(record.path, "no split"))
        else:
            found.setdefault(split, []).append(record)
    splits = splits_from_words(path.stem, found, skipped)
    check_splits(splits)
    return splits
