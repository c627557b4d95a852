"""What the service answers, in the form that OpenAPI describes."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.responses import Response

from msinet.gallery.entries import Answer, Entry, plain_entry
from msinet.gallery.gallery import Gallery


class Wrong(BaseModel):
    """Why a request was not answered as it wanted."""

    error: str


class EntryPlain(BaseModel):
    """An entry."""

    id: int
    identity: str | None
    linked: bool
    camera: str | None
    time: str | None
    track: str | None
    path: str | None
    """Name of the file, without its folder."""
    fields: dict[str, str]
    thumbnail: str | None
    """Address of a small picture."""


class MatchPlain(EntryPlain):
    """An entry that a query found."""

    similarity: float
    known: bool | None
    probability: float | None


class AnswerPlain(BaseModel):
    """What a query found."""

    known: bool | None
    calibration: str | None
    matches: list[MatchPlain]


class LeftOutPlain(BaseModel):
    """An image that cannot be used."""

    position: int
    reason: str


class ModelPlain(BaseModel):
    """The model of the gallery."""

    name: str
    weights: str
    dim: int


class EmbeddedPlain(BaseModel):
    """Vectors of images."""

    vectors: list[list[float]]
    left_out: list[LeftOutPlain]
    model: ModelPlain


class AddedPlain(BaseModel):
    """What an addition did."""

    ids: list[int]
    new: int
    left_out: list[LeftOutPlain]


class CropPlain(BaseModel):
    """A box, and its answer, its entry, or why it has neither."""

    box: list[float]
    answer: AnswerPlain | None = None
    id: int | None = None
    reason: str | None = None


class CropsPlain(BaseModel):
    """All boxes of a frame."""

    crops: list[CropPlain]


class EntriesPlain(BaseModel):
    """Some entries, and the number behind which the next ones begin."""

    entries: list[EntryPlain]
    next: int | None


class RemovedPlain(BaseModel):
    """How many entries were removed."""

    removed: int


class VerdictPlain(BaseModel):
    """What was said of two entries."""

    one: int
    other: int
    same: bool | None


class VerdictsPlain(BaseModel):
    """All that was said."""

    verdicts: list[VerdictPlain]


class MapPlain(BaseModel):
    """Activation of an image, 0 to 1, at each position of the last map."""

    activation: list[list[float]]


class RegionsPlain(BaseModel):
    """Positions of both images that match, row and column each, and how strongly, 0 to 1."""

    from_: list[int] = Field(alias="from")
    to: list[int]
    weight: float


class ComparedPlain(BaseModel):
    """Two entries, compared."""

    available: bool
    reason: str | None = None
    one: MapPlain | None = None
    other: MapPlain | None = None
    matches: list[RegionsPlain] | None = None


class SightingPlain(BaseModel):
    """When and where an entry was seen."""

    id: int
    camera: str | None
    time: str | None


class SightingsPlain(BaseModel):
    """Where an identity was seen."""

    sightings: list[SightingPlain]


class DayPlain(BaseModel):
    """Entries of a day, in UTC."""

    day: str
    entries: int


class GalleryPlain(BaseModel):
    """The gallery as a whole."""

    entries: int
    identities: int
    cameras: dict[str, int]
    earliest: str | None
    latest: str | None
    fields: list[str]
    model: ModelPlain
    thumbnails: bool
    calibration: dict[str, Any] | None
    growth: list[DayPlain]


def as_json(value: object, status: int = 200) -> Response:
    """Return plain values as an answer."""
    return Response(to_json(value, inf_nan_mode="null"), status, media_type="application/json")


def plain_entries(gallery: Gallery, entries: Iterable[Entry]) -> list[dict[str, object]]:
    """Return entries as plain values, without the folders of their files."""
    entries = list(entries)
    pictured: set[int] = set()
    if gallery.facts["thumbnails"] == "1":
        contents = gallery.store.contents(entry.id for entry in entries)
        pictured = {id for id, (_, _, image) in contents.items() if image}
    return [
        {
            **plain_entry(entry),
            "path": file_name(entry.path) if entry.path else None,
            "thumbnail": f"/v1/entries/{entry.id}/thumbnail" if entry.id in pictured else None,
        }
        for entry in entries
    ]


def plain_answer(gallery: Gallery, answer: Answer) -> dict[str, object]:
    """Return an answer as plain values."""
    entries = plain_entries(gallery, (match.entry for match in answer.matches))
    matches = [{**match.to_plain(), **entry} for match, entry in zip(answer.matches, entries, strict=True)]
    return {"known": answer.known, "calibration": answer.calibration, "matches": matches}


def plain_model(gallery: Gallery) -> dict[str, object]:
    """Return what is known of the model, without the folder of its file."""
    return {"name": file_name(gallery.name), "weights": gallery.facts["weights"], "dim": gallery.dim}


def file_name(path: str) -> str:
    """Return the last part of a path of any system."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
