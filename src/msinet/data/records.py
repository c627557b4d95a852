"""What a dataset is: records of images, in splits. Plain values that every reader returns."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SPLIT_NAMES = ("train", "validation", "query", "gallery")


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of one object, as a camera saw it."""

    path: Path
    """File of the image."""
    identity: str
    """Label of the object. The same string means the same object."""
    camera: str | None = None
    """Label of the camera, None where unknown."""
    track: str | None = None
    """Label of the pass through the camera's view, None where unknown."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Whatever else is known: colour, type, time."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class ReidSplits:
    """A re-identification dataset: what is learned from, and what is scored.

    The identities of `query` and `gallery` are never seen in training: re-identification is an open-set task. `validation`
    holds identities of its own, both asked for and searched among, to choose settings and weights by.
    """

    name: str
    """Name of the dataset, for results and reports."""
    train: tuple[ImageRecord, ...] = ()
    validation: tuple[ImageRecord, ...] = ()
    query: tuple[ImageRecord, ...] = ()
    gallery: tuple[ImageRecord, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    """What the reader found and left out."""

    def fingerprint(self) -> str:
        """Return a short hash of every record's file name, labels and split, to tell datasets apart in results."""
        digest = hashlib.sha256()
        for split in SPLIT_NAMES:
            for record in getattr(self, split):
                line = (split, record.path.name, record.identity, record.camera, record.track)
                digest.update(repr(line).encode())
        return digest.hexdigest()[:16]


def identities(records: Iterable[ImageRecord]) -> list[str]:
    """Return the distinct identities, sorted."""
    return sorted({record.identity for record in records})


def images_by_identity(records: Iterable[ImageRecord]) -> dict[str, list[int]]:
    """Return for each identity, in sorted order, the positions of its images."""
    positions: dict[str, list[int]] = {}
    for position, record in enumerate(records):
        positions.setdefault(record.identity, []).append(position)
    return dict(sorted(positions.items()))
