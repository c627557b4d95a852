"""Travel times between cameras: the least and the greatest, from a CSV file; what they make impossible.

    from,to,least,greatest
    north,south,40,600
    south,north,55,
    north,bridge,-5,90

A row is about objects that the first camera sees before the second: the seconds from the last time in one to the first time
in the other. An empty cell sets no limit. A negative least time is for cameras whose views overlap. Both ways need a row
each. A pair of cameras without a row is not limited.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msinet.errors import FileError, SettingsError
from msinet.files.os_errors import in_words

COLUMNS = ("from", "to", "least", "greatest")


@dataclass(frozen=True)
class Travel:
    """Seconds that an object needs from one camera to another.

    Raises:
        SettingsError: a least time is above the greatest one, or is no number.
    """

    seconds: Mapping[tuple[str, str], tuple[float, float]]
    """Least and greatest by camera that sees it first and camera that sees it next; infinite where there is no limit."""

    def __post_init__(self) -> None:
        for (first, second), (least, greatest) in self.seconds.items():
            if not least <= greatest:
                raise SettingsError(
                    f"travel from {first} to {second} takes at least {least:g} and at most {greatest:g} seconds: "
                    "give the least first",
                    "travel",
                )

    @classmethod
    def read(cls, file: Path) -> "Travel":
        """Read travel times from a CSV file with the columns from, to, least and greatest.

        Raises:
            FileError: the file cannot be read or holds something else.
        """
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                return cls(_rows(csv.DictReader(lines)))
        except (OSError, csv.Error, ValueError) as error:
            raise FileError(f"{file} holds no travel times: {in_words(error)}", "travel") from error

    def limits(self, cameras: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the greatest seconds, (K, K) float64 each, from a row's camera to a column's."""
        place = {camera: number for number, camera in enumerate(cameras)}
        least = np.full((len(place), len(place)), -np.inf)
        greatest = np.full((len(place), len(place)), np.inf)
        for (first, second), bounds in self.seconds.items():
            if first in place and second in place:
                least[place[first], place[second]], greatest[place[first], place[second]] = bounds
        return least, greatest

    def unlisted(self, cameras: Sequence[str]) -> list[tuple[str, str]]:
        """Return the pairs of different cameras, first and next, that no row limits: worth a warning."""
        names = sorted(set(cameras))
        return [(one, other) for one in names for other in names if one != other and (one, other) not in self.seconds]


def _rows(reader: csv.DictReader) -> dict[tuple[str, str], tuple[float, float]]:
    if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
        raise ValueError(f"the column {missing[0]} is missing; its first line is {','.join(COLUMNS)}")
    seconds: dict[tuple[str, str], tuple[float, float]] = {}
    for row in reader:
        first, second, *bounds = ((row[column] or "").strip() for column in COLUMNS)
        if not first or not second:
            raise ValueError(f"line {reader.line_num} lacks a camera")
        if (first, second) in seconds:
            raise ValueError(f"line {reader.line_num} has {first},{second} a second time")
        try:
            least, greatest = (float(bound or limit) for bound, limit in zip(bounds, (-math.inf, math.inf), strict=True))
        except ValueError:
            raise ValueError(f"line {reader.line_num} has {', '.join(bounds)} for seconds: write numbers") from None
        seconds[first, second] = least, greatest
    return seconds
