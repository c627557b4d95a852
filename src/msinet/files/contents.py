"""What a file is, by its first bytes, in words for a message: people pass photos, web pages and halves of downloads."""

import zipfile
from pathlib import Path

from msinet.files.os_errors import in_words

HEAD = 4096
"""Bytes that are looked at."""

MAGIC = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a single array of numpy (.npy)"),
    (b"PAR1", "a Parquet table"),
    (b"\x89HDF", "an HDF5 file, as Keras writes"),
    (b"\x1f\x8b", "a compressed archive (gzip): unpack it"),
    (b"BZh", "a compressed archive (bzip2): unpack it"),
    (b"\xfd7zXZ", "a compressed archive (xz): unpack it"),
    (b"7z\xbc\xaf", "a compressed archive (7z): unpack it"),
    (b"Rar!", "a compressed archive (rar): unpack it"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (b"\0\0\x01\xba", "a video (MPEG)"),
    (b"\0\5\x16\7", "a side file of macOS, without content"),
)
"""Beginnings of files, and what begins so. What follows a colon is what to do."""

AGAIN = "download or copy it again"


def what_is(path: Path) -> str:
    """Return what a file is, in words that end a sentence: "a JPEG image", "an empty file: download or copy it again".

    The words have a colon where the file itself says what to do, whatever it was meant to be.
    """
    if path.is_dir():
        return "a folder"
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        return f"a file that cannot be read: {in_words(error)}"
    if not head:
        return f"an empty file: {AGAIN}"
    if head.startswith(b"PK"):
        return _zip(path)
    if known := next((words for magic, words in MAGIC if head.startswith(magic)), None) or _container(head):
        return known
    if _is_safetensors(head):
        return "a file of safetensors"
    if head.startswith(b"\x80") and head[1:2] in b"\x02\x03\x04\x05":
        return "a pickle of Python or an old checkpoint of PyTorch"
    return _text(head) or "a file of unknown content"


def not_usable(path: Path, needed: str) -> str:
    """Return a message: what the file is and what to do, which is `needed` unless the file itself says it."""
    words = what_is(path)
    return f"{path} is {words}" if ":" in words else f"{path} is {words}: {needed}"


def is_safetensors(path: Path) -> bool:
    """Return whether a file begins as safetensors do."""
    with path.open("rb") as file:
        return _is_safetensors(file.read(HEAD))


def _container(head: bytes) -> str | None:
    """Return what a file is by the second word of its beginning, None for others."""
    if head[:4] == b"RIFF":
        return {b"WEBP": "a WebP image", b"AVI ": "a video (AVI)"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        brands = {b"avif": "an AVIF image", b"heic": "a HEIC image", b"heix": "a HEIC image", b"mif1": "a HEIC image"}
        return brands.get(head[8:12], "a video (MP4 or QuickTime)")
    return None if head.strip(b"\0") else f"a file whose beginning holds zeros alone: {AGAIN}"


def _is_safetensors(head: bytes) -> bool:
    length = int.from_bytes(head[:8], "little")
    return head[8:10] == b'{"' and 2 <= length < 1 << 30


def _zip(path: Path) -> str:
    if not zipfile.is_zipfile(path):
        return f"the first part of a file, the end of which is missing: {AGAIN}"
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.rpartition("/")[2] for name in archive.namelist()]
            in_folders = any("/code/" in name for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return f"a damaged file: {AGAIN}"
    if "data.pkl" in names:
        return "a TorchScript archive" if in_folders and "constants.pkl" in names else "a checkpoint of PyTorch"
    if names and all(name.endswith(".npy") for name in names):
        return "a file of numpy arrays (.npz)"
    return "a zip archive: unpack it"


def _text(head: bytes) -> str | None:
    """Return what a text is, None where the bytes are no text."""
    if head.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS that stands for the file: fetch the file itself by git lfs pull"
    if b"\0" in head:
        return None
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if text.count("\ufffd") > len(text) // 20 + 1:
        return None
    if text[:200].lower().startswith(("<!doctype html", "<html")):
        return "a web page (HTML): the download asks for a login or a click, so open its address in a browser"
    return "a JSON file" if text.startswith("{") else "a text file"
