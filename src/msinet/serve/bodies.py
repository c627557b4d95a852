"""Bodies of requests: forms and JSON, read within limits, as values and the contents of images."""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel

from msinet.serve.forms import FILES, Form
from msinet.serve.problems import CLOSE, Problem, too_many
from msinet.serve.settings import IMAGES, MEGABYTE, ServeSettings

M = TypeVar("M", bound=BaseModel)

AS_JSON = ("filters", "fields", "boxes", "entries")
"""Names of the texts of a form that are JSON."""

DEEPEST = 8
"""Levels of lists and objects in each other."""

SHORT = 100_000
"""Bytes of JSON up to which reading it holds up nobody."""

_STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.S)


@dataclass
class Given:
    """What a request gives."""

    values: dict[str, Any] = field(default_factory=dict)
    """Values by their names."""
    images: list[bytes] = field(default_factory=list)
    """Contents of image files."""

    def as_(self, model: type[M]) -> M:
        """Return the values, checked. Raises a ValidationError of pydantic."""
        return model.model_validate(self.values)


@dataclass
class Memory:
    """Bytes of all requests that are held at a time."""

    limit: int
    taken: int = 0

    def take(self, count: int) -> None:
        """Hold some bytes more. Raises a Problem where there is no room for them."""
        if self.taken + count > self.limit:
            raise too_many("the service holds as many requests as its memory has room for")
        self.taken += count


@asynccontextmanager
async def received(request: Request, settings: ServeSettings, memory: Memory) -> AsyncIterator[Given]:
    """Read a body, and hold it while it is worked on.

    Raises:
        Problem: it is too large, too slow, or neither a form nor JSON.
    """
    held, largest = 0, int(settings.request_mb * MEGABYTE)

    def count(size: int) -> None:
        nonlocal held
        if held + size > largest:
            raise Problem(413, f"the request is too large: send at most {settings.request_mb:g} MB", CLOSE)
        memory.take(size)
        held += size

    try:
        given = await _in_time(_read(request, settings, count), settings.seconds)
        yield given
    finally:
        memory.taken -= held


async def _in_time(reading: Coroutine[Any, Any, Given], seconds: float) -> Given:
    try:
        async with asyncio.timeout(seconds):
            return await reading
    except TimeoutError as error:
        raise Problem(408, f"the request did not arrive within {seconds:g} s: send it faster", CLOSE) from error


async def _read(request: Request, settings: ServeSettings, count: Callable[[int], None]) -> Given:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > settings.request_mb * MEGABYTE:
        raise Problem(413, f"the request is too large: send at most {settings.request_mb:g} MB", CLOSE)
    kind = request.headers.get("content-type", "")
    name = kind.partition(";")[0].strip().lower()
    if name == "multipart/form-data":
        form = Form(kind, settings)
        async for some in request.stream():
            count(len(some))
            if some:
                form.write(some)
        form.finish()
        values = {key: parsed(text, key) if key in AS_JSON else text for key, text in form.texts.items()}
        return Given(values, form.files)
    if name == "application/json":
        content = bytearray()
        async for some in request.stream():
            count(len(some))
            content += some
        reading = partial(_of_json, bytes(content), settings)
        return reading() if len(content) < SHORT else await asyncio.to_thread(reading)
    raise Problem(415, "the body is neither multipart/form-data nor application/json: send one of these", CLOSE)


def parsed(text: str | bytes, name: str = "body") -> Any:
    """Return the value of JSON.

    Raises:
        Problem: it is none, it has numbers that are no numbers, or it is too deep.
    """
    content = text.encode() if isinstance(text, str) else text
    depth = 0
    for found in _STRUCTURE.finditer(content):
        sign = found[0][:1]
        depth += (sign in b"[{") - (sign in b"]}")
        if depth > DEEPEST:
            raise Problem(400, f"{name}: its JSON has more than {DEEPEST} levels: send fewer")
    try:
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"{name}: it is no JSON: write it by a library") from error


def _no_number(word: str) -> float:
    raise ValueError(word)


def _of_json(content: bytes, settings: ServeSettings) -> Given:
    values = parsed(content)
    if not isinstance(values, Mapping):
        raise Problem(422, "the body is no JSON object: send {...}")
    rest = {name: value for name, value in values.items() if name not in FILES}
    images: list[bytes] = []
    for name in FILES:
        value = values.get(name, [])
        for one in value if isinstance(value, list) else [value]:
            if len(images) == IMAGES:
                raise Problem(413, f"there are more than {IMAGES} images: send several requests")
            images.append(_of_base64(one, int(settings.file_mb * MEGABYTE)))
    return Given(rest, images)


def _of_base64(text: Any, limit: int) -> bytes:
    """Return the content of a file. A path or an address is none, and is never looked at."""
    words = "an image in JSON is the content of its file in base64, not a path or an address"
    if not isinstance(text, str):
        raise Problem(422, words)
    if len(text) > 4 * (limit + 2) // 3 + 4:
        raise Problem(413, f"an image is too large: send at most {limit / MEGABYTE:g} MB in each")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(400, words) from error
