"""Labels of a gallery as a table, which adapt, train and calibrate read: so use makes the model better."""

import csv
import io
from collections import Counter
from pathlib import Path

from msinet.errors import DatasetError
from msinet.files.atomic import write_atomically
from msinet.gallery.entries import Entry
from msinet.gallery.gallery import Gallery

COLUMNS = ("path", "identity", "camera", "track", "time", "linked", "split")


def export_labels(gallery: Gallery, file: Path) -> int:
    """Write the entries with an identity and a file as CSV, all in the training split; linked ones if they are several.

    Returns:
        The number of rows.

    Raises:
        DatasetError: no entry has an identity and a file.
        FileError: it cannot be written.
    """
    entries = [entry for entry in gallery.find() if entry.identity and entry.path and "box" not in entry.fields]
    counts = Counter(entry.identity for entry in entries)
    labelled = [entry for entry in entries if not entry.linked or counts[entry.identity] > 1]
    if not labelled:
        raise DatasetError(f"no entry of {gallery.place} has an identity and a file: name some, or link them first")
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(_row(entry) for entry in labelled)
    write_atomically(file, text.getvalue().encode("utf-8", "surrogateescape"))
    return len(labelled)


def _row(entry: Entry) -> tuple[str | None, ...]:
    time = entry.time.isoformat() if entry.time else None
    return entry.path, entry.identity, entry.camera, entry.track, time, "yes" if entry.linked else "no", "train"
