"""What requests give, checked: names, types and limits of all values besides images."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from msinet.gallery.times import time_of
from msinet.serve.settings import IMAGES

LISTED = 100
"""Longest list of a filter."""

VECTORS = 1_000
"""Most vectors of a request."""

LAST_ID = 2**63 - 1

# Control characters would not survive a table of labels.
Word = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Id = Annotated[int, Field(ge=1, le=LAST_ID)]
Number = Annotated[float, Field(allow_inf_nan=False)]


def _checked_time(value: object) -> object:
    """Return a time as it is written, if it is one."""
    if not isinstance(value, str) or not value:
        return value or None
    try:
        time_of(value)
    except OverflowError as error:  # A time of the year 1 is before it in UTC.
        raise ValueError("it is no time that can be kept") from error
    return value


Time = Annotated[
    Annotated[str, StringConstraints(max_length=64)] | None,
    BeforeValidator(_checked_time),
    Field(examples=["2026-05-01T12:00:00+02:00"]),
]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[list[Word], Field(max_length=LISTED), BeforeValidator(_listed)]
Fields = Annotated[dict[Name, Word], Field(max_length=LISTED)]
Box = Annotated[list[Number], Field(min_length=4, max_length=4)]


class Strict(BaseModel):
    """Values of these names alone."""

    model_config = ConfigDict(extra="forbid")


class Filters(Strict):
    """Entries that are meant: those for which all holds."""

    camera: Words = []
    """One of these cameras."""
    not_camera: Words = []
    """None of these cameras."""
    since: Time = None
    """Earliest time, ISO 8601 with a zone."""
    before: Time = None
    """Time that they were seen before."""
    fields: Fields = {}
    """Values of fields."""

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `Gallery.query`."""
        since, before = (time_of(time) if time else None for time in (self.since, self.before))
        return {
            "camera": self.camera or None,
            "not_camera": self.not_camera or None,
            "since": since,
            "before": before,
            "fields": self.fields,
        }


class Labels(Strict):
    """What is known of all images of a request."""

    identity: Word | None = None
    camera: Word | None = None
    time: Time = None
    track: Word | None = None
    fields: Fields = {}
    again: bool = False
    """Add what is there already once more."""

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `Gallery.add`."""
        return {
            "identity": self.identity or None,
            "camera": self.camera or None,
            "time": self.time,
            "track": self.track or None,
            "fields": self.fields,
            "again": self.again,
        }


class Addition(Labels):
    """Images, or vectors, with labels."""

    vectors: Annotated[list[Annotated[list[Number], Field(min_length=1, max_length=65_536)]], Field(max_length=VECTORS)] = []
    """Vectors in place of images."""

    @model_validator(mode="after")
    def _of_one_length(self) -> "Addition":
        if len({len(vector) for vector in self.vectors}) > 1:
            raise ValueError("the vectors have several lengths: embed them by one model")
        return self


class Asked(Strict):
    """How a query searches."""

    top_k: Annotated[int, Field(ge=1)] = 10
    """Number of matches."""
    by_identity: bool = False
    """The best match of each identity alone."""
    filters: Filters = Filters()


class Query(Asked):
    """A query with images or entries."""

    entries: Annotated[list[Id], Field(max_length=IMAGES)] = []
    """Entries to search with in place of images; several are pooled, and none of them is found."""


class Nothing(Strict):
    """A request with images alone."""


class Crops(Labels, Asked):
    """Boxes of a frame, to search with or to add."""

    boxes: Annotated[
        list[Annotated[list[Number], Field(min_length=4, max_length=4)]], Field(min_length=1, max_length=IMAGES)
    ]
    """Left, top, right and bottom of each in pixels."""
    do: Literal["query", "add"] = "query"


class Pair(Strict):
    """Two entries."""

    one: Id
    other: Id


class Verdict(Pair):
    """What somebody says of two entries."""

    same: bool | None
    """Whether they show the same object; null takes back what was said."""


def body_of(model: type[BaseModel], images: str | None, example: Mapping[str, object]) -> dict[str, Any]:
    """Return what OpenAPI says of a body.

    Args:
        model: its values.
        images: name of its images, if it has some: several, but for a frame.
        example: values of a body in JSON.
    """
    schema = _inlined(model.model_json_schema())
    schema["example"] = dict(example)
    content = {"application/json": {"schema": schema}}
    if images:
        many = images != "frame"
        written = {"type": "string", "format": "byte", "description": "Content of an image file in base64."}
        file = {"type": "string", "format": "binary", "description": "PNG, JPEG, WebP or BMP."}
        several = {"type": "array", "items": written, "maxItems": IMAGES}
        parts = {name: _as_text(part) for name, part in schema["properties"].items() if name != "vectors"}
        parts[images] = {"type": "array", "items": file, "maxItems": IMAGES} if many else file
        schema["properties"] = {**schema["properties"], images: several if many else written}
        content["multipart/form-data"] = {"schema": {"type": "object", "properties": parts, "additionalProperties": False}}
    return {"requestBody": {"required": True, "content": content}}


def _as_text(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a form that is a value of JSON: lists and objects are written as JSON."""
    if part.get("type") in ("array", "object"):
        return {"type": "string", "description": f"JSON. {part.get('description', '')}".strip()}
    return dict(part)


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with what it refers to in its place."""
    definitions = schema.pop("$defs", {})

    def follow(value: Any) -> Any:
        if isinstance(value, dict):
            named = value.get("$ref", "").rpartition("/")[2]
            found = {**definitions[named], **value} if named else value
            return {key: follow(inner) for key, inner in found.items() if key != "$ref"}
        return [follow(inner) for inner in value] if isinstance(value, list) else value

    return follow(schema)
