"""Files of an index: lists of FAISS, and a description that names them. They are derived, and damage costs time alone."""

import hashlib
import json
import secrets
from contextlib import suppress
from pathlib import Path

import faiss

from msinet.errors import FileError
from msinet.files.atomic import write_atomically
from msinet.gallery.index import CodedIndex

DESCRIPTION = "index.json"

FORMAT = 1

BLOCK = 1 << 20


def save_index(index: CodedIndex, folder: Path, gallery: str) -> None:
    """Write an index beside its database. A folder that cannot be written to has none, and the next process makes it.

    Args:
        index: what is written.
        folder: of the gallery.
        gallery: the gallery's own id, by which it knows its index.
    """
    with suppress(OSError, RuntimeError, FileError):
        before = _described(folder)
        file = folder / f"index-{secrets.token_hex(4)}.faiss"
        faiss.write_index(index.coded, str(file))
        facts = {
            "format": FORMAT,
            "gallery": gallery,
            "file": file.name,
            "checksum": _checksum(file),
            "last": index.last,
            "trained_on": index.trained_on,
            "visited": index.visited,
            "judged": index.judged,
            "recall": index.recall,
        }
        write_atomically(folder / DESCRIPTION, f"{json.dumps(facts, indent=2)}\n".encode())
        if before:
            (folder / Path(before["file"]).name).unlink(missing_ok=True)


def load_index(folder: Path, gallery: str) -> CodedIndex | None:
    """Return the index of a gallery; None where there is none, or it is damaged, of another version or another gallery."""
    with suppress(OSError, RuntimeError, KeyError, TypeError, ValueError):
        facts = _described(folder)
        file = folder / Path(facts["file"]).name
        # FAISS trusts what it reads, and may crash on a damaged file.
        if facts["format"] == FORMAT and facts["gallery"] == gallery and facts["checksum"] == _checksum(file):
            coded = faiss.read_index(str(file))
            return CodedIndex(coded, *(facts[name] for name in ("last", "trained_on", "visited", "judged", "recall")))
    return None


def remove_index(folder: Path) -> None:
    """Remove the files of an index."""
    for file in (folder / DESCRIPTION, *folder.glob("index-*.faiss")):
        file.unlink(missing_ok=True)


def _described(folder: Path) -> dict:
    with suppress(OSError, ValueError):
        return json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    return {}


def _checksum(file: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
