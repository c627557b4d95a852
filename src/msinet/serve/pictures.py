"""Images of requests: which formats and sizes are let through to the decoders."""

import io
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from PIL import Image

from msinet.data.image_kinds import kind_of
from msinet.data.pixels import what_is_wrong
from msinet.serve.problems import Problem
from msinet.serve.settings import MEGABYTE

LISTED = ("JPEG", "PNG", "WebP", "BMP")
"""Formats that are decoded, by the first bytes of a file."""

DECODERS = ("JPEG", "PNG", "BMP", "WEBP")
"""Pillow's decoders of these. The gallery has more, and tries them in an order in which these come first for such files."""


class Decoding:
    """Room for the pixels of all images that are decoded at a time; used by any number of threads.

    Args:
        megapixels: of all of them.
    """

    def __init__(self, megapixels: float) -> None:
        self.free = self.all = megapixels
        self._changed = threading.Condition()

    @contextmanager
    def room_for(self, images: Iterable[bytes], megapixels: float) -> Iterator[None]:
        """Wait for room for the largest of some images, which are decoded one after the other.

        Args:
            images: contents of files; those that will not be decoded need none.
            megapixels: largest image that is decoded.
        """
        needed = 0.0
        for content in images:
            with suppress(Problem):
                needed = max(needed, pixels_of(content, megapixels) / MEGABYTE)
        needed = min(needed, self.all)
        with self._changed:
            self._changed.wait_for(lambda: self.free >= needed)
            self.free -= needed
        try:
            yield
        finally:
            with self._changed:
                self.free += needed
                self._changed.notify_all()


def fault_of(content: bytes, megapixels: float) -> Problem | None:
    """Return why an image is not decoded, None where it is; see `pixels_of`."""
    try:
        pixels_of(content, megapixels)
    except Problem as problem:
        return problem
    return None


def pixels_of(content: bytes, megapixels: float) -> int:
    """Return the number of pixels of an image of a request, from its header alone.

    Args:
        content: of the file.
        megapixels: largest image.

    Raises:
        Problem: it is not decoded.
    """
    if not content:
        raise Problem(400, "the image is empty (0 bytes): send the content of the file")
    kind = kind_of(content)
    if kind not in LISTED:
        what = f"it is {kind}" if kind else "it is no image, or of an unknown format"
        raise Problem(415, f"{what}: send {', '.join(LISTED[:-1])} or {LISTED[-1]}")
    try:
        # The decoder of WebP makes room for all pixels when it opens a file.
        pixels = _pixels_of_webp(content) if kind == "WebP" else 0
        if pixels <= megapixels * MEGABYTE:
            with Image.open(io.BytesIO(content), formats=DECODERS) as image:
                pixels = image.width * image.height
    except Image.DecompressionBombError:
        raise Problem(413, f"the image has too many million pixels: send at most {megapixels:g}") from None
    except Exception as error:  # Pillow's decoders raise nearly anything when a file is broken.
        raise Problem(400, f"the image cannot be read: {what_is_wrong(content, error)}") from error
    if pixels > megapixels * MEGABYTE:
        raise Problem(413, f"the image has {pixels / MEGABYTE:.1f} million pixels: send at most {megapixels:g}")
    return pixels


def _pixels_of_webp(content: bytes) -> int:
    """Return the number of pixels that the header of a WebP file states; 0 where it is none that is known.

    Raises:
        struct.error: the file ends within its header.
    """
    if content[12:16] == b"VP8X":
        width, height = (int.from_bytes(content[start : start + 3], "little") + 1 for start in (24, 27))
    elif content[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif content[12:16] == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", content, 26))
    else:
        return 0
    return width * height
