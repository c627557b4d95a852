"""What comes into a gallery: images of any source and vectors, with labels, in parts that fit into memory."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from msinet.data.embedder import Embedder
from msinet.data.embedding_files.vectors import scale_to_unit_length
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.data.sources import LeftOut, Source, boxes_of, cut, frame_of, is_one, name_of_box, read
from msinet.errors import DatasetError
from msinet.files.content_hash import content_hash, file_hash
from msinet.files.paths import user_path
from msinet.gallery.entries import Labels
from msinet.gallery.store import New
from msinet.gallery.times import as_time, time_of

PART = 256
"""Images that are embedded and then added at a time."""

VECTORS = 16_384
"""Vectors that are added at a time: a part writes most of the index of contents anew, however small it is."""

SIDE = 128
"""Longest side of a thumbnail in pixels."""

TIME = "time"
"""Name of the field that is an entry's time, where it is one."""


@dataclass(frozen=True)
class _Broken:
    """What is known to be no image."""

    name: str
    reason: str


@dataclass(frozen=True)
class Item:
    """An image that comes in."""

    source: Source | _Broken
    labels: Labels


def items_of(images: Any, boxes: Any, given: Labels, zone: str | None = None) -> Iterator[Item]:
    """Yield images with their labels.

    Args:
        images: a record, a source (path, bytes, array, Pillow image), or several.
        boxes: (N, 4) of one frame, or None.
        given: labels that all have; they go before those of records.
        zone: of times that name none.

    Raises:
        DatasetError: the frame cannot be read, or a record's time names no zone.
    """
    if boxes is not None:
        if not is_one(images):
            raise ValueError("boxes belong to one frame: give one image with them")
        frame = frame_of(images)
        for box in boxes_of(boxes):
            crop = cut(frame, box)
            source = _Broken(name_of_box(box), crop) if isinstance(crop, str) else crop
            yield Item(source, _of_box(given, images, box))
        return
    for image in [images] if is_one(images) or isinstance(images, ImageRecord) else images:
        if isinstance(image, ImageRecord):
            yield Item(image.path, labels_of(image, given, zone))
        elif isinstance(image, str | PathLike):
            path = user_path(image)
            yield Item(path, replace(given, path=str(path.absolute())))
        else:
            yield Item(image, given)


def _of_box(given: Labels, frame: Any, box: np.ndarray) -> Labels:
    path = str(user_path(frame).absolute()) if isinstance(frame, str | PathLike) else given.path
    return replace(given, path=path, fields={**given.fields, "box": " ".join(f"{side:g}" for side in box)})


def labels_of(record: ImageRecord, given: Labels, zone: str | None = None) -> Labels:
    """Return a record's labels, those that are given first. A field `time` that is a time is the entry's time.

    Raises:
        DatasetError: its time names no zone, and none is given.
    """
    fields, time = dict(record.fields), given.time
    if time is None and as_time(fields.get(TIME, "")) is not None:
        try:
            time = time_of(fields.pop(TIME), zone)
        except DatasetError as error:
            raise DatasetError(f"{record.path}: {error}") from error
    return Labels(
        given.identity or record.identity or None,
        given.camera or record.camera or None,
        time,
        given.track or record.track or None,
        str(record.path),
        {**fields, **given.fields},
    )


def embedded_parts(
    items: Iterable[Item], embedder: Embedder, thumbnails: bool
) -> Iterator[tuple[list[New], tuple[LeftOut, ...]]]:
    """Yield images as new entries, some hundred at a time, and those that cannot be read.

    Raises:
        OSError: too many files are open, or memory is short.
    """
    iterator = iter(items)
    first = 0
    while part := list(islice(iterator, PART)):
        whole = [(i, item.source) for i, item in enumerate(part) if not isinstance(item.source, _Broken)]
        found = embedder.embed([source for _, source in whole])
        news = []
        for position, vector in zip(found.positions.tolist(), found.vectors, strict=True):
            at, source = whole[position]
            news.append(New(content_of(source), part[at].labels, vector, thumbnail_of(source) if thumbnails else None))
        left_out = [LeftOut(first + whole[at][0], name, reason) for at, name, reason in found.left_out]
        broken = ((i, item.source) for i, item in enumerate(part) if isinstance(item.source, _Broken))
        left_out += [LeftOut(first + i, one.name, one.reason) for i, one in broken]
        yield news, tuple(sorted(left_out))
        first += len(part)


def vector_parts(
    embeddings: Embeddings, dim: int, given: Labels, zone: str | None = None
) -> Iterator[tuple[list[New], tuple[LeftOut, ...]]]:
    """Yield vectors with their records as new entries, and those that are zero or not finite.

    Raises:
        DatasetError: the vectors have another length, or a record's time names no zone.
    """
    require_length(embeddings.vectors, dim)
    for start in range(0, len(embeddings), VECTORS):
        scaled = scale_to_unit_length(embeddings.vectors[start : start + VECTORS])
        records = embeddings.records[start : start + VECTORS]
        usable = ~np.isnan(scaled[:, 0])
        news = [
            New(content_hash(vector.tobytes()), labels_of(record, given, zone), vector)
            for vector, record, good in zip(scaled, records, usable, strict=True)
            if good
        ]
        reason = "its vector is zero or not finite: embed it again"
        yield news, tuple(LeftOut(start + i, str(records[i].path), reason) for i in np.flatnonzero(~usable).tolist())


def require_length(vectors: np.ndarray, dim: int) -> None:
    """Raise a DatasetError unless vectors (N, D) have a gallery's length."""
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise DatasetError(
            f"the vectors have the shape {vectors.shape}, those of the gallery the length {dim}: embed by its model"
        )


def content_of(source: Source) -> bytes:
    """Return 16 bytes that tell images apart by their content: that of the file, or the pixels."""
    if isinstance(source, str | PathLike):
        return file_hash(source)
    if isinstance(source, np.ndarray | Image.Image):
        pixels = np.asarray(source)
        return content_hash(repr((pixels.shape, getattr(source, "mode", ""))).encode() + pixels.tobytes())
    return content_hash(bytes(source))


def thumbnail_of(source: Source) -> bytes | None:
    """Return an image as WebP of at most 128 pixels a side; None where it cannot be read."""
    image = read(source)
    if isinstance(image, str):
        return None
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "WEBP", quality=80)
    return file.getvalue()


def labels_given(
    identity: str | None,
    camera: str | None,
    time: datetime | str | float | None,
    track: str | None,
    fields: Mapping[str, str] | None,
    zone: str | None,
) -> Labels:
    """Return labels that all images of an addition have."""
    when = None if time is None else time_of(time, zone)
    words = {name: str(value) for name, value in (fields or {}).items()}
    return Labels(identity or None, camera or None, when, track or None, None, words)


def as_vectors(images: Any) -> np.ndarray | None:
    """Return vectors (N, D) where floating-point vectors are given, one or several; None where it is something else."""
    if isinstance(images, list | tuple) and images and all(isinstance(one, np.ndarray) and one.ndim == 1 for one in images):
        images = np.stack(images)
    if isinstance(images, np.ndarray) and images.dtype.kind == "f" and images.ndim <= 2:
        return np.atleast_2d(images)
    return None
