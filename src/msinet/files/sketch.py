"""Sketch of a set of contents, small enough for a model's card: what share of other contents is in the set.

It is the bottom-k sketch of Broder, "On the resemblance and containment of documents", 1997. The smallest hashes of a set
are a random sample of it. A content whose hash is not above the largest of them is in the set exactly where its hash is
among them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SIZE = 1024
"""Number of hashes in a sketch."""

BYTES = 8
"""Bytes of a hash that are kept."""

MANY = 0.05
"""Share of a set of images above which what a model that learned them does with the set says little of other images."""


@dataclass(frozen=True)
class Overlap:
    """How many of some contents are in a set, of those that its sketch can tell."""

    found: int
    """Number of contents in the set."""
    compared: int
    """Number of contents that the sketch can tell: all of them, where it has the whole set; at least 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.found <= self.compared or not self.compared:
            raise ValueError(f"{self.found} of {self.compared} is no share")

    @property
    def share(self) -> float:
        """Share of the contents that are in the set, 0 to 1; an estimate, unless the sketch has the whole set."""
        return self.found / self.compared

    @property
    def is_large(self) -> bool:
        """Whether the share is above `MANY`."""
        return self.share > MANY


@dataclass(frozen=True)
class Sketch:
    """What is kept of a set of contents.

    Raises:
        ValueError: the hashes are not those of a sketch.
    """

    images: int
    """Number of distinct contents; an estimate for a union of two sets, unless both are small."""
    hashes: tuple[str, ...]
    """The smallest hashes, `SIZE` of them, as 16 hexadecimal digits each, rising; all, where there are fewer."""

    def __post_init__(self) -> None:
        sound = all(len(one) == 2 * BYTES and set(one) <= set("0123456789abcdef") for one in self.hashes)
        if not sound or list(self.hashes) != sorted(set(self.hashes)) or len(self.hashes) != min(self.images, SIZE):
            raise ValueError("learned is no sketch of images")

    @classmethod
    def of(cls, hashes: Iterable[bytes]) -> "Sketch":
        """Return the sketch of contents by their hashes, of `content_hash`."""
        distinct = _distinct(hashes)
        return cls(len(distinct), tuple(sorted(distinct)[:SIZE]))

    @classmethod
    def of_plain(cls, values: Any) -> "Sketch":
        """Return the sketch of plain values, as `asdict` makes them. Raises KeyError, TypeError or ValueError."""
        return cls(values["images"], tuple(values["hashes"]))

    @property
    def is_whole(self) -> bool:
        """Whether every content of the set is in it."""
        return self.images <= SIZE

    def union(self, other: "Sketch | None") -> "Sketch":
        """Return the sketch of the union of both sets, which is that of the union's contents; None is an empty set."""
        if other is None:
            return self
        together = {*self.hashes, *other.hashes}
        kept = tuple(sorted(together)[:SIZE])
        if self.is_whole and other.is_whole:
            return Sketch(len(together), kept)
        # What both sets share, estimated by the smallest hashes of the union, counts once.
        resemblance = len({*self.hashes} & {*other.hashes} & {*kept}) / len(kept)
        return Sketch(max(self.images, other.images, round((self.images + other.images) / (1 + resemblance))), kept)

    def overlap(self, hashes: Iterable[bytes]) -> Overlap | None:
        """Return how many of some contents are in the set; None where the sketch can tell none of them.

        Args:
            hashes: of the contents, of `content_hash`; the same content twice counts once.
        """
        asked = _distinct(hashes)
        if not self.is_whole:
            asked = {one for one in asked if one <= self.hashes[-1]}
        return Overlap(len(asked & {*self.hashes}), len(asked)) if asked else None


def _distinct(hashes: Iterable[bytes]) -> set[str]:
    return {one[:BYTES].hex() for one in hashes}
