"""Hashes of image files, by which a model's images are known again."""

from collections.abc import Iterable
from pathlib import Path

from msinet.data.pixels import in_threads
from msinet.files.content_hash import file_hash
from msinet.progress import track


def image_hashes(paths: Iterable[Path]) -> list[bytes]:
    """Return the hash of each distinct file's content, in their order; what is no file or cannot be read is left out."""
    distinct = list(dict.fromkeys(paths))
    return [found for found in track(in_threads(_hash, distinct), "hash images", len(distinct)) if found]


def _hash(path: Path) -> bytes | None:
    try:
        return file_hash(path) if path.is_file() else None  # Opening a pipe would wait for ever.
    except OSError:
        return None
