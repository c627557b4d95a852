"""Searching for requests: images and entries become vectors, and vectors answers."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from msinet.data.sources import LeftOut, boxes_of, cut, read
from msinet.gallery.entries import Answer, Match
from msinet.gallery.gallery import Gallery
from msinet.serve.answers import plain_answer
from msinet.serve.pictures import fault_of
from msinet.serve.problems import Problem
from msinet.serve.schemas import Asked, Crops, Query
from msinet.serve.service import Service

MOST = 4_096
"""Entries above which no further ones are looked through for identities that several entries have not."""


def usable(service: Service, images: Sequence[bytes]) -> tuple[list[int], list[LeftOut]]:
    """Return the positions of images that may be decoded, and the others with the reasons.

    Raises:
        Problem: none may be decoded; it is that of the first.
    """
    faults = [fault_of(content, service.settings.megapixels) for content in images]
    for first in faults[:1]:
        if first and all(faults):
            raise first
    positions = [position for position, fault in enumerate(faults) if not fault]
    return positions, [LeftOut(position, "", str(fault)) for position, fault in enumerate(faults) if fault]


def require_usable(service: Service, images: Sequence[bytes]) -> None:
    """Raise a Problem where an image may not be decoded."""
    for content in images:
        if fault := fault_of(content, service.settings.megapixels):
            raise fault


def plain_left_out(left_out: Sequence[LeftOut]) -> list[dict[str, object]]:
    """Return what could not be used as plain values, in its order."""
    return [{"position": one.position, "reason": one.reason} for one in sorted(left_out)]


def require_model(service: Service) -> None:
    """Raise a Problem where the gallery has vectors alone."""
    if service.embedder is None:
        raise Problem(400, "the gallery has vectors alone and no model: give vectors, or search with entries")


def embed(service: Service, images: Sequence[bytes]) -> tuple[np.ndarray, list[LeftOut]]:
    """Return the vectors of images, and those that cannot be read.

    Raises:
        Problem: none can be read.
    """
    require_model(service)
    assert service.embedder is not None
    positions, left_out = usable(service, images)
    with service.room_for(images):
        found = service.embedder.embed([images[position] for position in positions])
    left_out += [LeftOut(positions[one.position], "", one.reason) for one in found.left_out]
    if not len(found):
        raise Problem(400, f"no image can be read: {left_out[0].reason}")
    return found.vectors, left_out


def ask(service: Service, images: Sequence[bytes], query: Query) -> dict[str, object]:
    """Answer a query with images, or with entries.

    Raises:
        Problem: an image cannot be used, or there is no such entry.
    """
    require_top_k(service, query)
    if images:
        require_model(service)
        require_usable(service, images)
        with service.room_for(images):
            vector = service.gallery.vector_of(list(images))
        return answered(service, vector, query)
    ids = list(dict.fromkeys(query.entries))
    for id in ids:
        require_entry(service, id)
    if len(ids) == 1:
        return answered(service, ids[0], query)
    return answered_without(service, ids, query)


def answered(service: Service, what: np.ndarray | int, asked: Asked) -> dict[str, object]:
    """Answer a query with a vector (D,), or with an entry."""
    gallery = service.gallery
    with service.metrics.stage("search"):
        found = gallery.query(what, asked.top_k, by_identity=asked.by_identity, **asked.filters.arguments())
        service.metrics.queried(found.known)
        return plain_answer(gallery, found)


def answered_without(service: Service, ids: Sequence[int], asked: Asked) -> dict[str, object]:
    """Answer a query with several entries, which are pooled, and of which none is found."""
    gallery, filters = service.gallery, asked.filters.arguments()
    with service.metrics.stage("search"):
        vector = gallery.vector_of(list(gallery.store.vectors(ids)[1]))
        wanted = asked.top_k + len(ids)
        while True:
            found = gallery.query(vector, wanted, **filters)
            others = [match for match in found.matches if match.entry.id not in ids]
            first = first_of_each(others) if asked.by_identity else others
            if len(first) >= asked.top_k or len(found.matches) < wanted or wanted >= MOST:
                break
            wanted *= 4
        answer = Answer(tuple(first[: asked.top_k]), found.calibration)
        service.metrics.queried(answer.known)
        return plain_answer(gallery, answer)


def first_of_each(matches: Sequence[Match]) -> list[Match]:
    """Return the first match of each identity; entries without one are all there."""
    first: dict[object, Match] = {}
    for match in matches:
        first.setdefault(match.entry.identity or match.entry.id, match)
    return list(first.values())


def require_top_k(service: Service, asked: Asked) -> None:
    """Raise a Problem where a query asks for too many matches."""
    if asked.top_k > service.settings.largest_top_k:
        raise Problem(400, f"top_k is {asked.top_k}: at most {service.settings.largest_top_k}")


def require_entry(service: Service, id: int) -> None:
    """Raise a Problem where there is no entry of a number."""
    if not service.gallery.store.entries([id]):
        raise Problem(404, f"there is no entry {id}")


def ask_crops(service: Service, frame: bytes, crops: Crops) -> list[dict[str, object]]:
    """Search with what lies in each box of a frame.

    Raises:
        Problem: the frame cannot be used.
    """
    require_top_k(service, crops)
    with service.room_for([frame]):
        image = read_frame(service, frame)
        parts = [cut(image, box) for box in boxes_of(crops.boxes)]
        assert service.embedder is not None
        found = service.embedder.embed([part for part in parts if not isinstance(part, str)])
    vectors = iter(found.vectors)
    answers = []
    for box, part in zip(crops.boxes, parts, strict=True):
        if isinstance(part, str):
            answers.append({"box": box, "reason": part})
        else:
            answers.append({"box": box, "answer": answered(service, next(vectors), crops)})
    return answers


def read_frame(service: Service, frame: bytes) -> Image.Image:
    """Return a frame. Raises a Problem where it cannot be used."""
    require_model(service)
    require_usable(service, [frame])
    image = read(frame)
    if isinstance(image, str):
        raise Problem(400, f"the frame cannot be read: {image}")
    return image


def names_of_fields(gallery: Gallery, newest: int = 1_000) -> list[str]:
    """Return the names of fields that the newest entries have, sorted."""
    entries = gallery.find(after=max(gallery.store.last_id() - newest, 0))
    return sorted({name for entry in entries for name in entry.fields})
