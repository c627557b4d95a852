"""VehicleID's galleries: one image of each identity, drawn; kept in a file, so that others can score the same galleries."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from msinet.data.records import ImageRecord, images_by_identity
from msinet.errors import DatasetError, FileError
from msinet.evaluation.evidence import DrawFacts
from msinet.files.atomic import write_atomically
from msinet.files.os_errors import in_words
from msinet.files.text import json_bytes

COUNT = 10

DrawnGallery = dict[str, str]
"""Gallery image of each identity: its path below the folder that all images share."""


class DrawnGalleries:
    """The draws of datasets, by name and test size: read from a file, or drawn and then written there.

    Args:
        file: read if it is there; without a file, galleries are drawn each time, and are the same each time.

    Raises:
        FileError: the file cannot be read or holds something else.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.known = read_draws(file) if file else {}
        self.new = False

    def of(self, name: str, records: Sequence[ImageRecord]) -> list[DrawnGallery]:
        """Return the draws of this name in the file; without them, draw from these images."""
        if name in self.known:
            return self.known[name]
        drawn = draw_galleries(records)
        if self.file:
            self.known[name], self.new = drawn, True
        return drawn

    def save(self) -> None:
        """Write the file, if galleries were drawn that are not in it."""
        if self.file and self.new:
            write_draws(self.file, self.known)


def draw_galleries(records: Sequence[ImageRecord], seed: int = 0) -> list[DrawnGallery]:
    """Draw an image of each identity, `COUNT` times; the same images for the same files, in any order."""
    names = names_below(records)
    images = {identity: sorted(names[place] for place in places) for identity, places in images_by_identity(records).items()}
    random = np.random.default_rng(seed)
    return [{identity: paths[random.integers(len(paths))] for identity, paths in images.items()} for _ in range(COUNT)]


def names_below(records: Sequence[ImageRecord]) -> list[str]:
    """Return the path of each image below the folder that all of them share."""
    if not records:
        return []
    folder = os.path.commonpath([record.path.parent for record in records])
    return [record.path.relative_to(folder).as_posix() for record in records]


def is_drawn(records: Sequence[ImageRecord], draw: DrawnGallery) -> np.ndarray:
    """Return which images, (N,) bool, are the gallery of a draw.

    Raises:
        DatasetError: the draw is of other images.
    """
    names = names_below(records)
    drawn = np.array([draw.get(record.identity) == name for record, name in zip(records, names, strict=True)])
    identities = {record.identity for record in records}
    if drawn.sum() != len(identities) or set(draw) != identities:
        raise DatasetError(
            f"these draws are of other images: they have {len(draw)} identities, of which {int(drawn.sum())} are found, and "
            f"the data has {len(identities)}. Pass the file of this data, or a new name to draw anew"
        )
    return drawn


def facts_of(draws: Sequence[DrawnGallery]) -> DrawFacts:
    """Return number and fingerprint of draws, which identify them in results."""
    return DrawFacts(len(draws), hashlib.sha256(json.dumps(draws, sort_keys=True).encode()).hexdigest()[:16])


def read_draws(file: Path) -> dict[str, list[DrawnGallery]]:
    """Read the draws by name that `write_draws` wrote; none where there is no file.

    Raises:
        FileError: the file cannot be read or holds something else.
    """
    if not file.is_file():
        return {}
    try:
        draws_by_name = json.loads(file.read_text(encoding="utf-8"))
        if not all(draws and all(isinstance(draw, dict) for draw in draws) for draws in draws_by_name.values()):
            raise ValueError("a draw names an image for each identity")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise FileError(
            f"{file} holds no draws: {in_words(error)}; pass a file that draws wrote, or a new name to draw anew", "draws"
        ) from error
    return draws_by_name


def write_draws(file: Path, draws_by_name: dict[str, list[DrawnGallery]]) -> None:
    """Write the draws of each name."""
    write_atomically(file, json_bytes(json.dumps(draws_by_name, indent=1, ensure_ascii=False) + "\n"))
