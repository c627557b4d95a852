"""Hash of a content, by which an image is known again under any name."""

from hashlib import blake2b
from os import PathLike

HASH = 16
"""Bytes of a hash."""


def content_hash(content: bytes) -> bytes:
    """Return the hash of a content, 16 bytes."""
    return blake2b(content, digest_size=HASH).digest()


def file_hash(path: str | PathLike[str]) -> bytes:
    """Return the hash of a file's content, read piece by piece. Raises OSError where it cannot be read."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - lists of millions of files hold their paths as text
        digest = blake2b(digest_size=HASH)
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.digest()
