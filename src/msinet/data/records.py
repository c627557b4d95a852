"""What a dataset is: records of images, in splits. Plain values that every reader returns."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True)
class Answers:
    """What a dataset's own lists say of one query. All other gallery images are wrong answers to it."""

    right: frozenset[Path]
    junk: frozenset[Path]


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """What is scored together: queries, and the gallery that they are looked for in."""

    query: tuple[ImageRecord, ...]
    gallery: tuple[ImageRecord, ...]


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
    tasks: Mapping[str, RetrievalTask] = field(default_factory=dict)
    """Where a dataset is scored at several sizes, each by its name; `query` and `gallery` are then the first of them."""
    answers: Mapping[Path, Answers] = field(default_factory=dict)
    """By the path of a query, what the dataset's own index files say is right and what is junk; empty without such files."""
    protocol: str | None = None
    """Name of the protocol that the dataset is usually scored by, where it is not the one that its cameras ask for."""
    remarks: tuple[str, ...] = ()
    """What is odd about the whole, in sentences: sizes that are not the published ones."""

    def scored(self) -> Mapping[str, RetrievalTask]:
        """Return all that is scored, by name; where there is one size only, `query` and `gallery`, without a name."""
        return self.tasks or {"": RetrievalTask(self.query, self.gallery)}

    def parts(self) -> dict[str, tuple[ImageRecord, ...]]:
        """Return all records by the part they are in: the splits, and "query of NAME" and "gallery of NAME" of each task.

        A file may be in several parts.
        """
        parts = {split: getattr(self, split) for split in SPLIT_NAMES}
        for name, task in self.tasks.items():
            parts |= {f"query of {name}": task.query, f"gallery of {name}": task.gallery}
        return parts

    def with_parts(self, parts: Mapping[str, tuple[ImageRecord, ...]], skipped: Iterable[Skipped] = ()) -> "ReidSplits":
        """Return the dataset with other records, named as `parts` names them, and with more left out."""
        return replace(
            self,
            **{split: parts[split] for split in SPLIT_NAMES},
            tasks={name: RetrievalTask(parts[f"query of {name}"], parts[f"gallery of {name}"]) for name in self.tasks},
            skipped=(*self.skipped, *skipped),
        )

    def fingerprint(self) -> str:
        """Return a short hash of every record's file name, labels and part, to tell datasets apart in results."""
        digest = hashlib.sha256()
        for part, records in self.parts().items():
            for record in records:
                line = (part, record.path.name, record.identity, record.camera, record.track)
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
