"""Keeping for requests: images, vectors and crops become entries."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from msinet.data.sources import LeftOut
from msinet.gallery.entries import Added
from msinet.serve.problems import Problem
from msinet.serve.schemas import Addition, Crops, Labels
from msinet.serve.searching import read_frame, require_model, usable
from msinet.serve.service import Service


class Kept(NamedTuple):
    """What an addition did."""

    ids: list[int]
    new: int
    left_out: list[LeftOut]


def add(service: Service, images: Sequence[bytes], addition: Addition) -> Kept:
    """Add images or vectors.

    Raises:
        Problem: none of them can be used.
    """
    if images:
        require_model(service)
        positions, left_out = usable(service, images)
        with service.room_for(images):
            added = _added(service, [images[position] for position in positions], addition)
        left_out += [LeftOut(positions[one.position], "", one.reason) for one in added.left_out]
    else:
        added = _added(service, np.asarray(addition.vectors, np.float32), addition)
        left_out = list(added.left_out)
    if not added.ids:
        raise Problem(400, f"nothing of this can be added: {left_out[0].reason}")
    return Kept(list(added.ids), added.new, left_out)


def add_crops(service: Service, frame: bytes, crops: Crops) -> tuple[list[dict[str, object]], Kept]:
    """Add what lies in each box of a frame.

    Raises:
        Problem: the frame cannot be used.
    """
    with service.room_for([frame]):
        added = _added(service, read_frame(service, frame), crops, np.asarray(crops.boxes))
    reasons = {one.position: one.reason for one in added.left_out}
    ids = iter(added.ids)
    boxes = [
        {"box": box, "reason": reasons[place]} if place in reasons else {"box": box, "id": next(ids)}
        for place, box in enumerate(crops.boxes)
    ]
    return boxes, Kept(list(added.ids), added.new, list(added.left_out))


def _added(service: Service, what: object, labels: Labels, boxes: np.ndarray | None = None) -> Added:
    """Add to the gallery; what the model does not take of the time is that of the store."""
    embedder, started = service.embedder, time.perf_counter()
    before = embedder.spent if embedder else 0.0
    added = service.gallery.add(what, boxes, **labels.arguments())  # pyright: ignore[reportArgumentType]
    embedding = embedder.spent - before if embedder else 0.0
    service.metrics.took("store", time.perf_counter() - started - embedding)
    return added
