"""Labels of a gallery as a table, which adapt, train and calibrate read: so use makes the model better."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

from msinet.errors import DatasetError, FileError
from msinet.files.atomic import write_atomically
from msinet.files.os_errors import in_words
from msinet.gallery.entries import Entry
from msinet.gallery.entry_labels import Label, labels_of
from msinet.gallery.gallery import Gallery

COLUMNS = ("path", "identity", "camera", "track", "time", "label_from", "split")

TABLE = "labels.csv"
"""Name of the table in a ZIP file."""

PICTURES = "{}-pictures"
"""Name of the folder of pictures beside a table."""

BLOCK = 1_000
"""Pictures that are read at a time."""


@dataclass(frozen=True)
class LabelTable:
    """Labels of a gallery, all in the training split."""

    rows: Sequence[tuple[str | None, ...]]
    """Values of `COLUMNS`."""
    pictures: Sequence[int]
    """Entries whose thumbnail is the image of their row."""
    contradictions: Sequence[tuple[int, ...]]
    """Numbers of the entries, group by group, whose marks contradict each other and were not used."""

    @property
    def content(self) -> bytes:
        """The table as CSV."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(self.rows)
        return text.getvalue().encode("utf-8", "surrogateescape")


def label_table(gallery: Gallery, folder: str | None = None) -> LabelTable:
    """Return the labelled entries; those without a given identity if there are several of their identity.

    Args:
        gallery: its labels are those of `labels_of`.
        folder: where thumbnails of entries without a file, or whose file is gone, will lie beside the table. Without it
            entries without a file have no row.

    Raises:
        DatasetError: no entry has an identity and an image.
    """
    entries = gallery.find()
    labels = labels_of(entries, gallery.store.verdicts())
    labelled = [(entry, labels.by_entry[entry.id]) for entry in entries if entry.id in labels.by_entry]
    pictured: set[int] = set()
    if folder:
        pictured = {id for id, _ in _thumbnails(gallery, (entry.id for entry, _ in labelled if not _has_file(entry)))}
    usable = [(entry, label) for entry, label in labelled if entry.id in pictured or _own_path(entry)]
    counts = Counter(label.identity for _, label in usable)
    taken = [(entry, label) for entry, label in usable if label.source == "given" or counts[label.identity] > 1]
    if not taken:
        image = "a file or a picture" if folder else "a file"
        raise DatasetError(
            f"no entry of {gallery.place} has an identity and {image}: name some, mark matches, or link them first"
        )
    rows = [
        _row(entry, label, _picture(folder, entry.id) if folder and entry.id in pictured else _own_path(entry))
        for entry, label in taken
    ]
    return LabelTable(rows, [entry.id for entry, _ in taken if entry.id in pictured], labels.contradictions)


def export_labels(gallery: Gallery, file: Path, pictures: bool = False) -> LabelTable:
    """Write the table of labels as CSV, and return it.

    Args:
        gallery: whose labels are written.
        file: the table.
        pictures: write thumbnails of entries without a file, or whose file is gone, into a folder beside the table:
            `labels-pictures/NUMBER.webp` beside labels.csv. Without it entries without a file have no row.

    Raises:
        DatasetError: no entry has an identity and an image.
        FileError: it cannot be written.
    """
    folder = PICTURES.format(file.stem)
    table = label_table(gallery, folder if pictures else None)
    for id, picture in _thumbnails(gallery, table.pictures):
        write_atomically(file.parent / _picture(folder, id), picture, synced=False)
    write_atomically(file, table.content)
    return table


def zip_labels(gallery: Gallery, file: BinaryIO) -> LabelTable:
    """Write the table of labels with its pictures as a ZIP file, and return the table.

    Raises:
        DatasetError: no entry has an identity and an image.
        FileError: it cannot be written.
    """
    folder = PICTURES.format(Path(TABLE).stem)
    table = label_table(gallery, folder)
    try:
        with ZipFile(file, "w") as archive:
            archive.writestr(TABLE, table.content, ZIP_DEFLATED)
            for id, picture in _thumbnails(gallery, table.pictures):
                archive.writestr(_picture(folder, id), picture)
    except OSError as error:
        raise FileError(f"cannot write the labels: {in_words(error, writing=True)}") from error
    return table


def _row(entry: Entry, label: Label, path: str | None) -> tuple[str | None, ...]:
    time = entry.time.isoformat() if entry.time else None
    return path, label.identity, entry.camera, entry.track, time, label.source, "train"


def _own_path(entry: Entry) -> str | None:
    """Return the path of the entry's image; that of a crop is the frame's."""
    return None if "box" in entry.fields else entry.path


def _has_file(entry: Entry) -> bool:
    path = _own_path(entry)
    return path is not None and os.path.isfile(os.path.expanduser(path))  # noqa: PTH111, PTH113 - those of Path raise


def _picture(folder: str, id: int) -> str:
    """Return the path of an entry's picture: its name is a number, so that no label becomes part of a path."""
    return f"{folder}/{id}.webp"


def _thumbnails(gallery: Gallery, ids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the thumbnails that are kept of entries."""
    ids = iter(ids)
    while some := tuple(islice(ids, BLOCK)):
        for id, (_, _, picture) in gallery.store.contents(some).items():
            if picture:
                yield id, picture
