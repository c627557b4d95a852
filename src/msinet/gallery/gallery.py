"""The gallery: have we seen this one before, where, and how sure are we?"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from msinet.data.embedder import Embedder, EmbedsPixels, as_embedder
from msinet.data.embedding_files.vectors import scale_to_unit_length
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.data.sources import Source
from msinet.errors import DatasetError, ModelError, SettingsError
from msinet.gallery.calibration.calibration import Calibration
from msinet.gallery.entries import Added, Answer, Entry, Match
from msinet.gallery.filters import ALL, Filter
from msinet.gallery.intake import as_vectors, embedded_parts, items_of, labels_given, require_length, vector_parts
from msinet.gallery.places import Address, Place, create_store, open_store, place_of
from msinet.gallery.store import Store
from msinet.gallery.times import length_of

Model = Embedder | EmbedsPixels
"""A predictor, or a network of PyTorch."""


@dataclass(frozen=True)
class GalleryFacts:
    """What is known of a gallery as a whole."""

    entries: int
    identities: Mapping[str, int]
    """Number of entries of each identity."""
    cameras: Mapping[str, int]
    """Number of entries of each camera."""
    earliest: datetime | None
    latest: datetime | None
    dim: int
    """Length of a vector."""
    model: str
    """Name or file of the model, as it was given; empty where vectors alone are added."""
    weights: str
    """Short hash of its weights."""
    calibration: str | None
    """When the gallery was calibrated, and to which rate."""
    calibration_warning: str | None = None
    """What speaks against the calibration; None where nothing does."""


class Gallery:
    """A collection of images that is searched by image.

    It is a folder with a SQLite database, which is the truth, and an index that is made from it; or, for more than one
    machine holds, two collections of a Milvus cluster. Additions outlive a loss of power once they return. Any number of
    threads and processes may read while one writes; a second writer waits.

    Use `create` and `open`.
    """

    def __init__(self, place: Place, store: Store, model: Model | None) -> None:
        self.place, self.store = place, store
        self.facts = store.facts
        self.dim = int(self.facts["dim"])
        self.embedder: Embedder | None = None
        if model is not None:
            self.use(model)

    @classmethod
    def create(
        cls,
        place: str | Path | Address,
        model: Model | None = None,
        *,
        dim: int | None = None,
        name: str = "",
        thumbnails: bool = False,
    ) -> Self:
        """Create a gallery at a place that has none.

        Args:
            place: folder, created if needed; or milvus://HOST:PORT/NAME.
            model: what embeds its images; without one, vectors alone are added.
            dim: length of the vectors, where there is no model.
            name: name or file of the model, by which the command line opens it.
            thumbnails: keep a picture of at most 128 pixels a side of each image.

        Raises:
            FileError: there is a gallery, nothing can be written there, or Milvus cannot be reached.
            SettingsError: neither a model nor a length is given, or both; or the address cannot be read.
        """
        place = place_of(place)
        if (model is None) == (dim is None):
            raise SettingsError("give a model or, for vectors alone, dim, their length", "model", "dim")
        embedder = None if model is None else as_embedder(model)
        length = embedder.embedding_dim if embedder else int(dim or 0)
        store = create_store(place, length)
        store.set_facts(
            id=secrets.token_hex(8),
            dim=str(length),
            weights=embedder.weights if embedder else "",
            model=name,
            thumbnails=str(int(thumbnails)),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        return cls(place, store, model)

    @classmethod
    def open(cls, place: str | Path | Address, model: Model | None = None, *, read_only: bool = False) -> Self:
        """Open a gallery.

        Args:
            place: folder of the gallery, or milvus://HOST:PORT/NAME.
            model: what embeds its images: the one that it was created with, or an export of that one. Without a model,
                entries and vectors can be asked for.
            read_only: nothing is written, not even an index.

        Raises:
            FileError: there is no gallery, it is damaged, or Milvus cannot be reached.
            ModelError: the model has other weights, or the gallery is of a later version.
        """
        place = place_of(place)
        return cls(place, open_store(place, read_only), model)

    def use(self, model: Model) -> None:
        """Embed images by a model from now on. Raises ModelError where it has other weights than the gallery's vectors."""
        embedder, own = as_embedder(model), self.facts["weights"]
        if own != embedder.weights:
            raise ModelError(
                f"{self.place} has vectors of the weights {own or 'of nobody known'}, and the model has "
                f"{embedder.weights}: open it with {self.name or 'no model'}, or create another gallery"
            )
        self.embedder = embedder

    def __len__(self) -> int:
        return self.store.count()

    @cached_property
    def name(self) -> str:
        """Name or file of the model, as it was given when the gallery was created."""
        return self.facts["model"]

    def add(
        self,
        images: Source | ImageRecord | Embeddings | np.ndarray | Iterable[Any],
        boxes: np.ndarray | Sequence[Sequence[float]] | None = None,
        *,
        identity: str | None = None,
        camera: str | None = None,
        time: datetime | str | float | None = None,
        track: str | None = None,
        fields: Mapping[str, str] | None = None,
        zone: str | None = None,
        again: bool = False,
    ) -> Added:
        """Add images or vectors. What cannot be read is named and left out. The same content twice is one entry.

        Args:
            images: records, paths, contents of files, arrays (H, W, 3) uint8, Pillow images; or embeddings, or vectors
                (N, D) of floating point; one or several. They are added some hundred at a time: stopped and called again,
                what was added is there already.
            boxes: (N, 4), left, top, right and bottom in pixels of the one image, whose crops are added.
            identity: of all of them, as are the next ones; those of records otherwise.
            camera: that saw them.
            time: when; a datetime with a zone, ISO 8601 or seconds since 1970. A field `time` of records is taken if it
                is one of these.
            track: pass through the camera's view.
            fields: other labels.
            zone: of times that name none, such as Europe/Rome.
            again: add what is there already once more.

        Raises:
            DatasetError: a frame or a time cannot be used, or vectors have another length.
            ModelError: images come in, and the gallery was opened without a model.
            FileError: the disk is full, or cannot be written to; nothing of the last part was added.
            BusyError: another process has been writing for a minute.
        """
        given = labels_given(identity, camera, time, track, fields, zone)
        vectors = as_vectors(images)
        if vectors is not None:
            images = Embeddings(vectors, [ImageRecord(Path(f"vector {row}")) for row in range(len(vectors))])
        if isinstance(images, Embeddings):
            parts = vector_parts(images, self.dim, given, zone)
        else:
            kept = self.facts["thumbnails"] == "1"
            parts = embedded_parts(items_of(images, boxes, given, zone), self.require_model(), kept)
        ids, new, left_out = [], 0, []
        for news, broken in parts:
            numbers, fresh = self.store.add(news, again)
            ids += numbers
            new += fresh
            left_out += broken
        return Added(tuple(ids), new, tuple(left_out))

    def query(
        self,
        images: Source | np.ndarray | int | Iterable[Any],
        top_k: int = 10,
        *,
        by_identity: bool = False,
        camera: str | Iterable[str] | None = None,
        not_camera: str | Iterable[str] | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        fields: Mapping[str, str] | None = None,
        without: Iterable[int] = (),
    ) -> Answer:
        """Find the most similar entries.

        Args:
            images: one image; several of one object, which are pooled; a vector or several; or the number of an entry,
                which is not found itself.
            top_k: number of matches.
            by_identity: give the best match of each identity alone.
            camera: of the entries; these and the next ones are filters.
            not_camera: that the entries are not of, such as the query's own one.
            since: earliest time, with a zone. Entries without a time are not found.
            before: time that they were seen before.
            fields: values of fields.
            without: numbers of entries that are not found, such as those of the query's own image.

        Raises:
            DatasetError: an image cannot be read, a vector has another length, or there is no such entry.
            SettingsError: no entry has such a field, or a time names no zone.
            ModelError: an image is given, and the gallery was opened without a model.
        """
        if top_k < 1:
            raise SettingsError(f"top_k is {top_k}: at least 1", "top_k")
        own = ((images,) if isinstance(images, int) else ()) + tuple(without)
        which = Filter.of(not_ids=own, camera=camera, not_camera=not_camera, since=since, before=before, fields=fields or {})
        self.store.require_fields(which.fields)
        group = (lambda entry: entry.identity or entry.id) if by_identity else None
        return self._answer(self.store.nearest(self.vector_of(images), top_k, which, group))

    def _answer(self, found: Sequence[tuple[Entry, float]]) -> Answer:
        calibrated = self.calibration
        if calibrated is None:
            return Answer(tuple(Match(entry, similarity) for entry, similarity in found))
        made, calibration = calibrated
        matches = (
            Match(entry, similarity, bool(calibration.known(similarity)), float(calibration.probability(similarity)))
            for entry, similarity in found
        )
        return Answer(tuple(matches), _words(made, calibration))

    def vector_of(self, images: Source | np.ndarray | int | Iterable[Any]) -> np.ndarray:
        """Return the vector (D,) of a query: of one image, the pooled one of several, or that of an entry; see `query`."""
        if isinstance(images, int):
            vectors = self.store.vectors([images])[1]
            if not len(vectors):
                raise DatasetError(f"there is no entry {images}: msinet gallery list shows which there are")
            return vectors[0]
        vectors = as_vectors(images)
        if vectors is None:
            found = self.require_model().embed(images)  # pyright: ignore[reportArgumentType]
            for one in found.left_out[:1]:
                raise DatasetError(f"cannot read the image {one.name}: {one.reason}")
            vectors = found.vectors
        require_length(vectors, self.dim)
        scaled = scale_to_unit_length(vectors)
        if not len(scaled) or np.isnan(scaled).any():
            raise DatasetError("the query has no image, or a vector that is zero or not finite")
        return scale_to_unit_length(scaled.mean(axis=0, keepdims=True))[0]

    def require_model(self) -> Embedder:
        """Return what embeds images. Raises ModelError where the gallery was opened without a model."""
        if self.embedder is None:
            wanted = f"open it with {self.name}" if self.name else "it has vectors alone, so give vectors"
            raise ModelError(f"{self.place} was opened without a model, which images need: {wanted}")
        return self.embedder

    def remove(
        self,
        ids: int | Iterable[int] | None = None,
        *,
        identity: str | Iterable[str] | None = None,
        camera: str | Iterable[str] | None = None,
        older_than: str | timedelta | None = None,
        before: datetime | None = None,
    ) -> int:
        """Remove the entries for which all holds that is given, and return their number.

        No query finds them any more. Their traces leave the file with `vacuum`.

        Args:
            ids: numbers of entries.
            identity: of the entries, given or linked.
            camera: of the entries.
            older_than: age by their time, such as 30d; entries without a time stay.
            before: time that they were seen before.

        Raises:
            SettingsError: nothing is given, or a length of time cannot be read.
        """
        if older_than is not None:
            before = min(filter(None, [before, datetime.now(UTC) - length_of(older_than, "older_than")]))
        numbers = (ids,) if isinstance(ids, int) else () if ids is None else tuple(ids)
        which = Filter.of(ids=numbers, identity=identity, camera=camera, before=before)
        if which.is_all:
            if ids is None and not any((identity, camera)):
                raise SettingsError("say what to remove: entries, identity, camera, older_than or before")
            return 0  # An empty list of entries.
        return self.store.remove(which)

    def vacuum(self) -> None:
        """Drop the traces of what was removed: a folder's files are written anew, Milvus merges its own in its time."""
        self.store.vacuum()

    def entry(self, id: int) -> Entry:
        """Return an entry by its number. Raises DatasetError where there is none."""
        found = self.store.entries([id])
        if id not in found:
            raise DatasetError(f"there is no entry {id}: msinet gallery list shows which there are")
        return found[id]

    def find(self, which: Filter = ALL, limit: int = -1, after: int = 0) -> list[Entry]:
        """Return the entries that a filter means, by number, from the one behind `after`; -1 is no limit."""
        self.store.require_fields(which.fields)
        return self.store.find(which, limit, after)

    def thumbnail(self, id: int) -> bytes | None:
        """Return the thumbnail of an entry, WebP; None where none is kept."""
        return self.store.thumbnail(id)

    def info(self) -> GalleryFacts:
        """Return what is known of the gallery as a whole."""
        earliest, latest = self.store.times()
        calibrated = self.calibration
        return GalleryFacts(
            len(self),
            self.store.values("identity"),
            self.store.values("camera"),
            earliest,
            latest,
            self.dim,
            self.name,
            self.facts["weights"],
            calibrated and _words(*calibrated),
            calibrated and calibrated[1].warning_for(len(self)),
        )

    @property
    def calibration(self) -> tuple[str, Calibration] | None:
        """When the gallery was last calibrated, and the calibration; None before the first."""
        found = self.store.calibration()
        return None if found is None else (found[0], Calibration.of_plain(json.loads(found[1])))


def _words(made: str, calibration: Calibration) -> str:
    return f"{made}, {calibration.rate:.1%} of unknown ones taken for known"
