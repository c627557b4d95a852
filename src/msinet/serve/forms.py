"""Forms: multipart bodies, parted while they arrive. Nothing of them touches the disk."""

import logging

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from msinet.serve.problems import CLOSE, Problem
from msinet.serve.settings import IMAGES, MEGABYTE, ServeSettings

FILES = ("image", "images", "frame")
"""Names of the parts that are images."""

TEXTS = 32
"""Most parts that are texts."""

LONGEST = 64_000
"""Bytes of the longest text."""

# Its warnings are about what the answer says, and anybody could fill the log with them.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())


class Form:
    """The parts of a body.

    Args:
        content_type: header of the request, with the boundary between parts.
        settings: sizes.

    Raises:
        Problem: the header names no boundary.
    """

    def __init__(self, content_type: str, settings: ServeSettings) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        self.texts: dict[str, str] = {}
        self.files: list[bytes] = []
        self.largest_file = int(settings.file_mb * MEGABYTE)
        self._content = bytearray()
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._name, self._is_file, self._is_whole = "", False, False
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "headers_finished")
        callbacks = {f"on_{name}": getattr(self, f"_{name}") for name in (*names, "end")}
        try:
            self._parser = MultipartParser(boundary, callbacks)  # pyright: ignore[reportArgumentType]
        except (FormParserError, ValueError) as error:
            raise _broken() from error
        if not boundary:
            raise _broken()

    def write(self, some: bytes) -> None:
        """Take some bytes of the body.

        Raises:
            Problem: it is no form, or a part is too large or one too many.
        """
        try:
            self._parser.write(some)
        except (FormParserError, ValueError, UnicodeDecodeError) as error:
            raise _broken() from error

    def finish(self) -> None:
        """Raise a Problem unless the body is whole."""
        if not self._is_whole:
            raise _broken()

    def _part_begin(self) -> None:
        self._content, self._disposition = bytearray(), b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        options = parse_options_header(self._disposition)[1]
        self._name = options.get(b"name", b"").decode()
        self._is_file = self._name in FILES
        if b"filename" in options and not self._is_file:
            raise Problem(422, f"{self._name[:40]}: files are called {', '.join(FILES)}", CLOSE)
        if len(self.files) + self._is_file > IMAGES:
            raise Problem(413, f"there are more than {IMAGES} images: send several requests", CLOSE)
        if not self._is_file and (self._name in self.texts or len(self.texts) >= TEXTS):
            raise Problem(422, f"{self._name[:40]}: it is given twice, or there are too many: give each once", CLOSE)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        limit = self.largest_file if self._is_file else LONGEST
        if len(self._content) + end - start > limit:
            raise _too_large(limit)
        self._content += data[start:end]

    def _part_end(self) -> None:
        if self._is_file:
            self.files.append(bytes(self._content))
        else:
            self.texts[self._name] = self._content.decode()
        self._content = bytearray()

    def _end(self) -> None:
        self._is_whole = True


def _broken() -> Problem:
    return Problem(400, "the form is broken or cut off: send multipart/form-data, as curl -F does", CLOSE)


def _too_large(limit: int) -> Problem:
    return Problem(413, f"a part of the form is too large: send at most {limit / MEGABYTE:g} MB in each", CLOSE)
