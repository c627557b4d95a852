"""Columns of a vector in a table without lists: v0, v1, v2, ..."""

import re
from collections.abc import Sequence
from pathlib import Path

from msinet.errors import DatasetError

NUMBERED = ", or the vectors as columns v0, v1, v2, ..."

_NAME = re.compile(r"\s*[vV](\d+)\s*")


def numbered_names(path: Path, names: Sequence[str]) -> list[str]:
    """Return the names of the columns v0, v1, v2, ..., in the order of their numbers.

    Raises:
        DatasetError: a number is missing, or is there twice.
    """
    found = sorted((int(match[1]), name) for name in names if (match := _NAME.fullmatch(name)))
    for place, (number, _) in enumerate(found):
        if number != place:
            fault = f"v{place} is missing" if number > place else f"v{number} is there twice"
            raise DatasetError(f"{path} has {len(found)} columns of vectors, and {fault}: write v0 to v{len(found) - 1}")
    return [name for _, name in found]
