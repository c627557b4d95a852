"""Kinds of image files, by suffix and by their first bytes."""

import re
from pathlib import Path

IMAGE_SUFFIXES = frozenset(
    (
        *(".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg"),
        *(".jpf", ".jpg", ".jpx", ".jxl", ".mpo", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
    )
)
"""Suffixes of image files, in lower case, also of those for which a decoder may be missing: the message then says so."""

KINDS = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "GIF": rb"GIF8[79]a",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "BMP": rb"BM.{4}\0{4}",
    "WebP": rb"RIFF.{4}WEBP",
    "AVIF": rb".{4}ftypavi[fs]",
    "HEIC": rb".{4}ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)",
    "JPEG 2000": rb"\0{3}\x0cjP {2}|\xff\x4f\xff\x51",
    "JPEG XL": rb"\xff\x0a|\0{3}\x0cJXL ",
    "PNM": rb"P[1-6]\s",
}
"""First bytes of image files by kind, as regular expressions."""

LONGEST = 12
"""Bytes that tell a kind."""

NUMBER = re.compile(r"\.\d*")
"""A suffix that names no format: `frame.0012`."""

_PATTERNS = {kind: re.compile(pattern, re.DOTALL) for kind, pattern in KINDS.items()}


def kind_of(source: Path | bytes) -> str | None:
    """Return the kind of an image file by its first bytes, a key of `KINDS`; None for others and for what cannot be read.

    Args:
        source: the file, or its content.
    """
    head = source[:LONGEST] if isinstance(source, bytes) else _head(source)
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.match(head)), None)


def _head(path: Path) -> bytes:
    if not path.is_file():  # Opening a pipe or a device would wait for ever.
        return b""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(LONGEST)
    except OSError:
        return b""


def is_image_file(path: Path) -> bool:
    """Return whether a file is an image by its suffix, or without a suffix by its first bytes.

    Only files without one are opened: a folder of hundreds of thousands of .jpg costs nothing.
    """
    suffix = path.suffix.lower()
    return suffix in IMAGE_SUFFIXES or ((not suffix or bool(NUMBER.fullmatch(suffix))) and kind_of(path) is not None)
