"""Values of the gallery: what goes in, what is kept, and what a query answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msinet.data.sources import LeftOut


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of an image before it becomes an entry."""

    identity: str | None = None
    """Label of the object, None where nobody gave one."""
    camera: str | None = None
    time: datetime | None = None
    """When it was seen, with its zone."""
    track: str | None = None
    """Label of the pass through the camera's view."""
    path: str | None = None
    """File of the image, where it had one."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Other labels, by name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One image in a gallery."""

    id: int
    """Number of the entry, which no other entry will ever have."""
    identity: str | None
    """Label of the object: the one that was given or, without one, that of the group which `link` found."""
    camera: str | None
    time: datetime | None
    """When it was seen, in UTC."""
    track: str | None
    path: str | None
    fields: Mapping[str, str]
    linked: bool
    """Whether the identity was found by `link`."""


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that a query found."""

    entry: Entry
    similarity: float
    """Cosine of the vectors, -1 to 1."""
    known: bool | None = None
    """Whether the similarity reaches the calibrated threshold; None without a calibration."""
    probability: float | None = None
    """Probability that it shows the queried object, if it is the best match; None without a calibration."""

    def to_plain(self) -> dict[str, object]:
        """Return the match as plain values."""
        return {
            **plain_entry(self.entry),
            "similarity": round(self.similarity, 6),
            "known": self.known,
            "probability": None if self.probability is None else round(self.probability, 4),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query answers."""

    matches: tuple[Match, ...]
    """The most similar first."""
    calibration: str | None = None
    """Which calibration `known` and `probability` are from: when it was made, and its rate of false positives."""

    @property
    def known(self) -> bool | None:
        """Whether the queried object is in the gallery, by the calibrated threshold; None without a calibration."""
        if self.calibration is None:
            return None
        return bool(self.matches and self.matches[0].known)


@dataclass(frozen=True, slots=True)
class Added:
    """What an addition did."""

    ids: tuple[int, ...]
    """The entry of each image that could be read, in their order; several of the same content have one."""
    new: int
    """Number of entries that were not there before."""
    left_out: tuple[LeftOut, ...] = ()
    """Images that were not added, with the reasons."""

    @property
    def repeated(self) -> int:
        """Number of images whose content was in the gallery, or among the images before."""
        return len(self.ids) - self.new


def plain_entry(entry: Entry) -> dict[str, object]:
    """Return an entry as plain values; its time in ISO 8601."""
    return {
        "id": entry.id,
        "identity": entry.identity,
        "linked": entry.linked,
        "camera": entry.camera,
        "time": entry.time.isoformat() if entry.time else None,
        "track": entry.track,
        "path": entry.path,
        "fields": dict(entry.fields),
    }
