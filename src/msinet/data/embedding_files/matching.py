"""Matching of embeddings and the images of a dataset by their paths."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord, ReidSplits
from msinet.errors import DatasetError, listed

ENDS = (None, 3, 2, 1)
"""Numbers of parts by which paths are matched, from the end; None is the whole path."""


def of_dataset(embeddings: Embeddings, splits: ReidSplits) -> Embeddings:
    """Return the embeddings of all query and gallery images of a dataset, under the dataset's own records.

    Files are matched by their whole path, otherwise by its last three, two or one parts. Paths of Windows and both forms of
    Unicode are understood.

    Raises:
        DatasetError: an image has no embedding, or several images match one path.
    """
    wanted = list({r.path: r for task in splits.scored().values() for r in (*task.query, *task.gallery)}.values())
    return Embeddings(embeddings.vectors[find_rows(embeddings, wanted, splits.name)], wanted)


def find_rows(embeddings: Embeddings, wanted: Sequence[ImageRecord], name: str) -> list[int]:
    """Return the row of each wanted image, as `of_dataset` finds it; `name` is of the data that the images are of.

    Raises:
        DatasetError: an image has no embedding, or several images match one path.
    """
    found: list[list[int]] = []
    for parts in ENDS:
        rows: dict[tuple[str, ...], list[int]] = {}
        for row, record in enumerate(embeddings.records):
            rows.setdefault(_end(record.path, parts), []).append(row)
        found = [rows.get(_end(record.path, parts), []) for record in wanted]
        if any(found):
            break
    missing = [record.path for record, places in zip(wanted, found, strict=True) if not places]
    if missing:
        raise DatasetError(_without(missing, len(wanted), embeddings.records, name))
    vectors, chosen = embeddings.vectors, [places[0] for places in found]
    several = [
        record.path
        for record, places in zip(wanted, found, strict=True)
        if len(places) > 1 and (vectors[places] != vectors[places[0]]).any()
    ]
    if several:
        raise DatasetError(
            f"the paths of the embeddings fit several images: {len(several)} of {name} have several vectors. "
            f"Write whole paths{listed(several)}"
        )
    shared = [row for row, count in Counter(chosen).items() if count > 1]
    if shared:
        paths = [embeddings.records[row].path for row in shared]
        raise DatasetError(f"the paths of the embeddings fit several images of {name}: write whole paths{listed(paths)}")
    return chosen


def _end(path: Path, parts: int | None) -> tuple[str, ...]:
    every = re.split(r"[\\/]+", unicodedata.normalize("NFC", str(path)))
    return tuple(every if parts is None else every[-parts:])


def _without(missing: Sequence[Path], wanted: int, there: Sequence[ImageRecord], name: str) -> str:
    if len(missing) == wanted and there:
        return (
            f"none of the {wanted} images of {name} has an embedding: the paths of the embeddings are of other files. "
            f"The first of the data is {missing[0]}, the first of the embeddings {there[0].path}"
        )
    return f"{len(missing)} images of {name} have no embedding, embed these as well:{listed(missing)}"
