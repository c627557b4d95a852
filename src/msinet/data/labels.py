"""Labels as text: what is missing, and what is the same label, in tables, embedding files and folder names."""

import math
import re
import unicodedata
from numbers import Real

MISSING_WORDS = frozenset(
    (
        *("", "nan", "-nan", "none", "null", "na", "n/a", "<na>", "nat", r"\n"),
        *("#n/a", "#na", "#ref!", "#value!", "#name?", "#null!", "#num!", "#div/0!"),
    )
)
"""Words that tables, data frames and spreadsheets write for a missing value, in lower case."""

_INTEGER_READ_AS_FLOAT = re.compile(r"(-?\d+)\.0+")


def label_of(value: object) -> str | None:
    """Return a value of a table or of an array as a label, None where it is missing.

    Missing are None, NaN, and the words of `MISSING_WORDS`. Text is normalised as by `normalise`. An integer that was read
    as a float, 3.0, is the label "3", since a data frame turns a column of integers into floats as soon as one is missing.
    """
    if value is None or (isinstance(value, Real) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="surrogateescape")
    text = normalise(str(value))
    if text.lower() in MISSING_WORDS:
        return None
    integer = _INTEGER_READ_AS_FLOAT.fullmatch(text)
    return integer[1] if integer else text


def normalise(text: str) -> str:
    """Return text without blanks around it, in Unicode's composed form (NFC): Macs write é as e and an accent."""
    return unicodedata.normalize("NFC", text.strip())
