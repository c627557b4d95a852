r"""Text of users where it is shown or written: names that are not UTF-8, terminals that lack a sign, JSON.

Python holds a byte of a file's name that is not UTF-8 as half of a surrogate pair, "\udcb3", which no encoding can write.
"""

import codecs
import re

LEGIBLE = "legible"
"""Error handler for `encode` and `open`: writes what an encoding lacks as people can read it."""

_LOOKALIKES = {"±": "+/-", "…": "...", "–": "-", "—": "-", "━": "-", "•": "*", "→": "->", "‘": "'", "’": "'"}
"""Signs of our own texts and of the help's, and what stands for them in ASCII."""

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""Characters that steer a terminal instead of being shown; only the end of a line is wanted."""


def legible(text: str, encoding: str = "utf-8") -> str:
    r"""Return text as a terminal or a page can show it: a byte that is not UTF-8 as \xb3, a control character as \x1b.

    Args:
        text: any text; names and labels may hold anything.
        encoding: encoding of the terminal; what it lacks is written in ASCII.
    """
    return _CONTROL.sub(lambda found: _escape(found[0]), text).encode(encoding, LEGIBLE).decode(encoding)


def json_bytes(text: str) -> bytes:
    r"""Return JSON as UTF-8. A byte that is not UTF-8 becomes the escape \udcb3, which reads back as the same name.

    `json.dumps` writes the same escape by itself where it is left to write ASCII.
    """
    return text.encode(errors="backslashreplace")


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return character.encode("unicode_escape").decode()
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_LOOKALIKES.get(character) or _escape(character) for character in missing), error.end


codecs.register_error(LEGIBLE, _replace)
