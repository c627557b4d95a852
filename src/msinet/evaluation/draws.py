"""VehicleID's galleries: one image of each identity, drawn; saved, so that others can be scored on the same."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from msinet.data.records import ImageRecord, images_by_identity
from msinet.errors import DatasetError
from msinet.whole_files import write_whole

COUNT = 10

Draw = dict[str, str]
"""The image of each identity that is its gallery: its path below the folder that all images share."""


def draw_galleries(records: Sequence[ImageRecord], seed: int = 0) -> list[Draw]:
    """Draw an image of each identity, `COUNT` times; the same for the same files, in any order."""
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


def is_drawn(records: Sequence[ImageRecord], draw: Draw) -> np.ndarray:
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
            f"the data has {len(identities)}. Delete the file of draws to draw anew"
        )
    return drawn


def fingerprint(draws: Sequence[Draw]) -> str:
    """Return a short hash of draws, to tell them apart in results."""
    return hashlib.sha256(json.dumps(draws, sort_keys=True).encode()).hexdigest()[:16]


def read_draws(file: Path) -> dict[str, list[Draw]]:
    """Read the draws of each task that `write_draws` wrote; none where there is no file.

    Raises:
        DatasetError: the file holds something else.
    """
    if not file.is_file():
        return {}
    try:
        tasks = json.loads(file.read_text(encoding="utf-8"))
        if not all(draws and all(isinstance(draw, dict) for draw in draws) for draws in tasks.values()):
            raise ValueError("a draw names an image for each identity")
    except (ValueError, AttributeError, TypeError) as error:
        raise DatasetError(f"{file} holds no draws: {error}; delete it to draw anew") from error
    return tasks


def write_draws(file: Path, tasks: dict[str, list[Draw]]) -> None:
    """Write the draws of each task."""
    write_whole(file, (json.dumps(tasks, indent=1, ensure_ascii=False) + "\n").encode())
