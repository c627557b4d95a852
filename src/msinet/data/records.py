"""Records of images and the splits of a dataset: plain values that every reader returns."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

SPLIT_NAMES = ("train", "validation", "query", "gallery")


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of one object, seen by one camera."""

    path: Path
    """File of the image."""
    identity: str = ""
    """Label of the object, empty where nobody labelled it. The same string means the same object."""
    camera: str | None = None
    """Label of the camera, None where unknown."""
    track: str | None = None
    """Label of the pass through the camera's view, None where unknown."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Other labels: colour, type, time."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that a reader left out, and the reason."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Matches and junk of one query by the dataset's own lists; all other gallery images are wrong."""

    right: frozenset[Path]
    """Gallery images that match the query."""
    junk: frozenset[Path]
    """Gallery images that count neither as right nor as wrong."""


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """Queries, and the gallery that they are searched in."""

    query: tuple[ImageRecord, ...]
    gallery: tuple[ImageRecord, ...]


@dataclass(frozen=True)
class ReidSplits:
    """A re-identification dataset: images to train on, to validate with and to score.

    Query and gallery identities never appear in training: re-identification is an open-set task. `validation` has
    identities of its own, whose images are both query and gallery; settings and weights are chosen by them.
    """

    name: str
    """Name of the dataset, for results and reports."""
    train: tuple[ImageRecord, ...] = ()
    validation: tuple[ImageRecord, ...] = ()
    query: tuple[ImageRecord, ...] = ()
    gallery: tuple[ImageRecord, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    """Files that the reader left out."""
    tasks: Mapping[str, RetrievalTask] = field(default_factory=dict)
    """Retrieval tasks by name, where a dataset has several test sizes; `query` and `gallery` are then the first one's."""
    answers: Mapping[Path, Answers] = field(default_factory=dict)
    """Matches and junk by the path of a query, from the dataset's own index files; empty without such files."""
    protocol: str | None = None
    """Name of the dataset's usual protocol, where it is not the one that its cameras imply."""
    remarks: tuple[str, ...] = ()
    """Oddities of the whole dataset, in sentences: sizes that differ from the published ones."""
    understood: str = ""
    """How the dataset was read, in words: which folders or columns are identity, camera and split, and how many of each."""
    unlabelled: tuple[ImageRecord, ...] = ()
    """Images without an identity, which can only be embedded."""

    def scored(self) -> Mapping[str, RetrievalTask]:
        """Return the retrieval tasks by name; a single one, without a name, where there is one test size."""
        return self.tasks or {"": RetrievalTask(self.query, self.gallery)}

    def parts(self) -> dict[str, tuple[ImageRecord, ...]]:
        """Return all records by part: the splits, and "query of NAME" and "gallery of NAME" of each task.

        A file may be in several parts.
        """
        parts = {split: getattr(self, split) for split in SPLIT_NAMES}
        for name, task in self.tasks.items():
            parts |= {f"query of {name}": task.query, f"gallery of {name}": task.gallery}
        return parts

    def records(self) -> list[ImageRecord]:
        """Return the records of all parts, one part after the other."""
        return [record for records in self.parts().values() for record in records]

    def with_parts(self, parts: Mapping[str, tuple[ImageRecord, ...]], skipped: Iterable[Skipped] = ()) -> "ReidSplits":
        """Return the dataset with other records, by part as in `parts`, and more files left out."""
        return replace(
            self,
            **{split: parts[split] for split in SPLIT_NAMES},
            tasks={name: RetrievalTask(parts[f"query of {name}"], parts[f"gallery of {name}"]) for name in self.tasks},
            skipped=(*self.skipped, *skipped),
        )

    def fingerprint(self) -> str:
        """Return a short hash of every record's file name, labels and part, by which results name their data."""
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
    """Return the positions of each identity's images, by identity in sorted order."""
    positions: dict[str, list[int]] = {}
    for position, record in enumerate(records):
        positions.setdefault(record.identity, []).append(position)
    return dict(sorted(positions.items()))
