"""The data of a run as its folder knows it: a mark of the labels, a mark of the pictures, and what changed since."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msinet.data.picture_list import PictureList
from msinet.data.records import ImageRecord, ReidSplits
from msinet.engine.alone import Alone

if TYPE_CHECKING:
    from msinet.engine.machine import Machine

MARKS = ("data", "pictures")
"""Names of the marks of labels and pictures in what a run was made from; old checkpoints have no mark of the pictures."""


@dataclass(frozen=True)
class RunData:
    """The data that a run is made from."""

    file: Path
    """Where the list of the pictures is kept, beside the checkpoint."""
    labels: str
    """Short hash of file names, labels and splits."""
    pictures: str
    """Short hash of the pictures' content."""
    listed: PictureList | None
    """The pictures; None in all processes but the first."""

    @classmethod
    def of(cls, splits: ReidSplits, out: Path, name: str, machine: "Machine") -> "RunData":
        """Return the data of a run, in every process.

        Pictures are read where their sizes and times are not those in a list that is kept in the folder.

        Args:
            splits: the data.
            out: folder of the run.
            name: search or train.
            machine: the processes, of which the first reads.

        Raises:
            FileError: an image cannot be read.
        """
        listed = PictureList.of(splits, _kept_in(out)) if machine.is_first else None
        pictures = machine.gather_objects([listed.digest] if listed else [])
        return cls(out / f"{name}.data.npz", splits.fingerprint(), pictures[0], listed)

    def marks(self) -> dict[str, str]:
        """Return the marks by name."""
        return dict(zip(MARKS, (self.labels, self.pictures), strict=True))

    def hashes_of(self, records: Iterable[ImageRecord], splits: ReidSplits) -> list[bytes]:
        """Return the hash of each record's file, which is not read again; without those that are not there.

        Args:
            records: some of the data.
            splits: the data.
        """
        if self.listed is None:
            return []
        found = dict(zip((record.path for record in splits.records()), self.listed.hashes, strict=True))
        return [hash.tobytes() for record in records if (hash := found[record.path]).any()]

    def keep(self) -> None:
        """Write the list beside the checkpoint, where it has changed."""
        if self.listed and not self.listed.same_as(PictureList.load(self.file)):
            self.listed.save(self.file)

    def changes_since(self, before: Mapping[str, Any]) -> list[str]:
        """Return what changed since a checkpoint, in sentences; none where its marks are those of this data.

        Args:
            before: what the checkpoint was made from.
        """
        changed = [name for name, mark in self.marks().items() if before.get(name, mark) != mark]
        kept = PictureList.load(self.file) if changed and self.listed else None
        if self.listed and kept and kept.digest == before.get("pictures") and (words := self.listed.changes_since(kept)):
            return words
        words = {"data": "other images, labels or splits", "pictures": "the content of images changed, under the same names"}
        return [words[name] for name in changed]


def pictures_of(splits: ReidSplits, machine: "Machine | Alone") -> str:
    """Return the mark of the pictures of a dataset, in every process. Raises FileError where an image cannot be read."""
    return machine.gather_objects([PictureList.of(splits).digest] if machine.is_first else [])[0]


def _kept_in(out: Path) -> list[PictureList]:
    return [kept for file in sorted(out.glob("*.data.npz")) if (kept := PictureList.load(file))]
