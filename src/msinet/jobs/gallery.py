"""Galleries: opened with the model of their name, filled from folders, tables and files of embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from msinet.data.embedding_files.columns import known
from msinet.data.embedding_files.numbered import numbered_names
from msinet.data.embedding_files.reading import load_vectors
from msinet.data.embeddings import Embeddings
from msinet.data.readers.table_rows import columns_of
from msinet.data.readers.unlabelled import load_for_embedding
from msinet.data.records import ImageRecord, Skipped
from msinet.data.settings import DataSettings
from msinet.deploy.predictor import Predictor
from msinet.errors import DatasetError, MissingExtraError, ModelError, SettingsError
from msinet.files.paths import user_path
from msinet.files.sketch import Sketch
from msinet.gallery.entries import Answer
from msinet.gallery.exchange import facts_of, import_store
from msinet.gallery.gallery import Gallery
from msinet.gallery.places import Address, is_gallery, place_of
from msinet.gallery.rescue import facts_left, save_what_is_left
from msinet.jobs.embed_shard import images_of
from msinet.jobs.open_model import open_model
from msinet.model.cards import Card
from msinet.model.runtime_file import RuntimeFile
from msinet.model.zoo import find_model
from msinet.progress import track

OF_A_RECORD = ("identity", "camera", "track")
"""Labels that a record has besides its fields."""


@dataclass(frozen=True)
class Incoming:
    """Images or vectors from a folder, a table or a file of embeddings."""

    what: Embeddings | Sequence[ImageRecord]
    understood: str = ""
    """How the data was read."""
    skipped: tuple[Skipped, ...] = ()

    @property
    def records(self) -> Sequence[ImageRecord]:
        """The records of all."""
        return self.what.records if isinstance(self.what, Embeddings) else self.what


def name_of_model(model: str | Path) -> str:
    """Return what a gallery remembers of its model: its absolute path, or the name of one that ships."""
    if found := RuntimeFile.named(model):
        return str(found.absolute())
    path = user_path(model)
    return str(path.absolute()) if path.is_dir() else str(model)


def create_gallery(place: str | Path, model: str | Path | None, dim: int | None, thumbnails: bool) -> Gallery:
    """Create a gallery. Arguments and errors as `Gallery.create`, with the model by its name."""
    opened = None if model is None else open_model(model, streams=1)
    return Gallery.create(place, opened, dim=dim, name=name_of_model(model) if model else "", thumbnails=thumbnails)


def open_gallery(
    place: str | Path, model: str | Path | None = None, embeds: bool = False, read_only: bool = False
) -> Gallery:
    """Open a gallery.

    Args:
        place: folder of the gallery, or milvus://HOST:PORT/NAME.
        model: in place of the one that it remembers, such as an export of that one.
        embeds: whether images will be embedded; the model that it remembers is then opened.
        read_only: nothing is written.

    Raises:
        FileError: there is no gallery, or it is damaged.
        ModelError: there is no such model, or it has other weights.
    """
    gallery = Gallery.open(place, read_only=read_only)
    name = model or gallery.name
    if embeds and name:
        gallery.use(open_model(name, streams=1))
    return gallery


def learned_by(gallery: Gallery) -> Sketch | None:
    """Return the images that the model of a gallery learned, without embedding; None where they are not known."""
    if gallery.embedder or not gallery.name:
        return gallery.embedder and gallery.embedder.learned
    try:
        if RuntimeFile.named(gallery.name):
            model = Predictor(gallery.name)
            weights, learned = model.weights, model.learned
        else:
            card = Card.load(find_model(gallery.name))
            weights, learned = card.fingerprint, card.learned
    except (ModelError, MissingExtraError):
        return None  # The vectors are as good without the model.
    return learned if weights == gallery.facts["weights"] else None


def incoming(data: Path, reading: DataSettings, split: str = "all", only: Sequence[str] = ()) -> Incoming:
    """Read what comes in.

    Args:
        data: an image, a folder, a table, or a file of embeddings.
        reading: how a dataset is read.
        split: the split that is taken, or all.
        only: NAME=VALUE each: the labels that images have to have.

    Raises:
        DatasetError: there is no image, or none has these labels.
        FileError: the data cannot be read.
    """
    wanted = labels_of(only, "only")
    if holds_vectors(data):
        embeddings = load_vectors(data)
        kept = np.array([has(record, wanted) for record in embeddings.records])
        found = Incoming(embeddings.select(kept))
    else:
        splits = load_for_embedding(data, reading)
        records = [record for record in images_of(splits, split) if has(record, wanted)]
        found = Incoming(records, splits.understood, splits.skipped)
    if not len(found.what):
        raise DatasetError(f"no image of {data} is meant by {' '.join(only) or split}: look at its labels")
    return found


def holds_vectors(data: Path) -> bool:
    """Return whether a file has embeddings."""
    data = user_path(data)
    if data.suffix.lower() in (".parquet", ".csv") and data.is_file():
        names = columns_of(data)
        return "vectors" in known(names) or bool(numbered_names(data, names))
    return data.suffix.lower() == ".npz"


def labels_of(written: Sequence[str], setting: str) -> dict[str, str]:
    """Return labels from NAME=VALUE. Raises SettingsError where one is written in another way."""
    for one in written:
        if not all(one.partition("=")[::2]):
            raise SettingsError(f"{setting} is {one!r}: write NAME=VALUE, such as camera=7", setting)
    return {name: value for name, _, value in (one.partition("=") for one in written)}


def has(record: ImageRecord, labels: Mapping[str, str]) -> bool:
    """Return whether a record has all of some labels."""
    own = {**record.fields, **{name: getattr(record, name) for name in OF_A_RECORD}}
    return all(own.get(name) == value for name, value in labels.items())


@dataclass(frozen=True)
class Asked:
    """Answers to many queries, and how good they were."""

    answers: Sequence[tuple[ImageRecord, Answer]]
    themselves: int = 0
    """Number of queries that are entries of the gallery, which were left out of their own answers."""

    @property
    def labelled(self) -> int:
        """Number of queries with an identity."""
        return sum(bool(record.identity) for record, _ in self.answers)

    @property
    def right_first(self) -> int:
        """Number of those whose best match has their identity."""
        return sum(_is_right(record, answer) for record, answer in self.answers)

    @property
    def known(self) -> int | None:
        """Number of queries that were taken for known; None without a calibration."""
        if any(answer.calibration is None for _, answer in self.answers):
            return None
        return sum(bool(answer.known) for _, answer in self.answers)

    @property
    def known_labelled(self) -> tuple[int, int, float]:
        """Number of queries with an identity that were taken for known, of those whose best match is right, and the number
        that the probabilities of their best matches add up to: what the calibration promised.
        """
        those = [(record, answer) for record, answer in self.answers if record.identity and answer.known]
        promised = sum(answer.matches[0].probability or 0 for _, answer in those)
        return len(those), sum(_is_right(record, answer) for record, answer in those), promised


def _is_right(record: ImageRecord, answer: Answer) -> bool:
    """Return whether the best match has the identity of the query."""
    return bool(record.identity and answer.matches) and answer.matches[0].entry.identity == record.identity


def vectors_of(gallery: Gallery, found: Incoming) -> tuple[Embeddings, tuple[Skipped, ...]]:
    """Return the vectors of what comes in, and the images that cannot be read."""
    if isinstance(found.what, Embeddings):
        return found.what, ()
    return gallery.require_model().embed_readable(found.what)


def ask_each(gallery: Gallery, found: Incoming, given: Mapping[str, Any]) -> Asked:
    """Ask a gallery for each of many images; those that cannot be read are left out, and no image finds itself.

    Args:
        gallery: what is asked.
        found: the queries.
        given: arguments of `Gallery.query`.
    """
    queries, _ = vectors_of(gallery, found)
    own: dict[str, list[int]] = {}
    for entry in gallery.find():
        own.setdefault(entry.path or "", []).append(entry.id)
    pairs = zip(queries.records, queries.vectors, strict=True)
    answers = [
        (record, gallery.query(vector, **given, without=own.get(str(record.path), ())))
        for record, vector in track(pairs, "query", len(queries))
    ]
    return Asked(answers, sum(str(record.path) in own for record, _ in answers))


def rescue_gallery(damaged: str | Path, into: str | Path) -> int:
    """Make a new gallery of what can be read of a damaged one; return the number of its entries.

    Raises:
        FileError: nothing can be read, or there is a gallery at the new place.
        SettingsError: the damaged one is in Milvus.
    """
    folder = place_of(damaged)
    if isinstance(folder, Address):
        raise SettingsError(f"{folder} is no folder: msinet gallery export writes what Milvus can read", "rescue")
    facts = facts_left(folder)
    saved = Gallery.create(into, dim=int(facts["dim"]), name=facts.get("model", ""))
    saved.store.set_facts(**{name: value for name, value in facts.items() if name in ("weights", "thumbnails")})
    return save_what_is_left(folder, saved.store, saved.dim)


def import_gallery(place: str | Path, file: Path) -> tuple[int, int]:
    """Add the entries of an exported file to a gallery, which is created where there is none.

    Returns:
        The number of entries in the file, and how many of them are new.

    Raises:
        FileError: it is no such file, or damaged.
        ModelError: its vectors are of another model.
    """
    facts = facts_of(file)
    if is_gallery(place):
        gallery = Gallery.open(place)
    else:
        gallery = Gallery.create(place, dim=int(facts["dim"]), name=facts["model"])
        gallery.store.set_facts(weights=facts["weights"], thumbnails=facts["thumbnails"])
    return import_store(gallery.store, file)
