"""Writing of embeddings, in the format that the file's suffix names."""

from collections.abc import Mapping
from pathlib import Path

from msinet.data.embedding_files import parquet
from msinet.data.embedding_files.columns import LABELS, Columns
from msinet.data.embedding_files.formats import FORMATS, NO_LABELS
from msinet.data.embeddings import Embeddings
from msinet.data.records import ReidSplits
from msinet.errors import DatasetError, SettingsError
from msinet.files.atomic import write_atomically
from msinet.files.paths import user_path


def split_words(splits: ReidSplits) -> dict[Path, str]:
    """Return the split of each image as one word; an image that is both query and gallery is a test image."""
    parts: dict[Path, set[str]] = {}
    for part, records in splits.parts().items():
        for record in records:
            parts.setdefault(record.path, set()).add(part.split()[0])
    return {path: next(iter(found)) if len(found) == 1 else "test" for path, found in parts.items()}


def require_writable(out: str | Path) -> None:
    """Make sure that embeddings can be written to such a file, before any are made.

    Raises:
        SettingsError: the suffix names no format, or there is a folder of that name.
        MissingExtraError: Parquet needs pyarrow.
    """
    out = user_path(out)
    suffix = out.suffix.lower()
    if suffix not in FORMATS:
        reason = f"{NO_LABELS}, so " if suffix == ".npy" else ""
        raise SettingsError(f"out is {out}: {reason}choose a name that ends in {', '.join(FORMATS)}", "out")
    if user_path(out).is_dir():
        raise SettingsError(f"out is {out}, which is a folder: choose the name of a file", "out")
    if FORMATS[suffix] is parquet:
        parquet.require()


def save_embeddings(embeddings: Embeddings, path: str | Path, words: Mapping[Path, str] | None = None) -> None:
    """Write embeddings with paths, labels and split words, as .npz, Parquet or CSV by the suffix of the file.

    Images without an identity, camera, track or split have an empty one.

    Raises:
        SettingsError: the suffix names no format.
        DatasetError: a name holds a character that the format has no bytes for.
        FileError: the file cannot be written.
        MissingExtraError: Parquet needs pyarrow.
    """
    require_writable(path)
    path, records = user_path(path), embeddings.records
    labels = {name: [str(getattr(r, name) or "") for r in records] for name in LABELS if name != "split"}
    labels["split"] = [(words or {}).get(record.path, "") for record in records]
    columns, form = Columns(embeddings.vectors, labels), FORMATS[path.suffix.lower()]
    try:
        write_atomically(path, lambda file: form.write(file, columns))
    except UnicodeEncodeError as error:
        raise DatasetError(f"cannot write {error.object!r} as {path.suffix}: rename the file, or write .npz") from error
