"""Addresses that take images: embed, query, crops and compare."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from msinet.serve.answers import (
    AnswerPlain,
    ComparedPlain,
    CropsPlain,
    EmbeddedPlain,
    as_json,
    plain_model,
)
from msinet.serve.bodies import Given
from msinet.serve.comparing import compare
from msinet.serve.keeping import add_crops
from msinet.serve.problems import Problem
from msinet.serve.schemas import Crops, Nothing, Pair, Query, body_of
from msinet.serve.searching import ask, ask_crops, embed, plain_left_out, require_entry
from msinet.serve.security import Reads, require_write
from msinet.serve.service import Service, service_of

router = APIRouter(prefix="/v1", tags=["images"])
Shared = Annotated[Service, Depends(service_of)]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGM4kSYAAAL3AT2VgYqhAAAAAElFTkSuQmCC"
"""A PNG of one pixel, for examples."""


def require_images(given: Given) -> Sequence[bytes]:
    """Return the images of a request. Raises a Problem where there is none."""
    if not given.images:
        raise Problem(422, "images: send one image or several, as files of a form or in base64")
    return given.images


@router.post("/embed", response_model=EmbeddedPlain, openapi_extra=body_of(Nothing, "images", {"images": [PIXEL]}))
async def embed_images(request: Request, service: Shared, access: Reads) -> Response:
    """Return the vectors of images, of unit length."""
    async with service.reading(request) as given:
        given.as_(Nothing)
        vectors, left_out = await service.work(embed, service, require_images(given))
    found = {"vectors": vectors.tolist(), "left_out": plain_left_out(left_out), "model": plain_model(service.gallery)}
    return as_json(found)


@router.post("/query", response_model=AnswerPlain, openapi_extra=body_of(Query, "images", {"images": [PIXEL], "top_k": 5}))
async def query(request: Request, service: Shared, access: Reads) -> Response:
    """Find the most similar entries of an image, of several images of one object, or of entries."""
    async with service.reading(request) as given:
        asked = given.as_(Query)
        if bool(given.images) == bool(asked.entries):
            raise Problem(422, "give images or entries, one of the two")
        return as_json(await service.work(ask, service, given.images, asked))


@router.post(
    "/crops",
    response_model=CropsPlain,
    response_model_exclude_none=True,
    openapi_extra=body_of(Crops, "frame", {"frame": PIXEL, "boxes": [[0, 0, 1, 1]], "do": "query"}),
)
async def crops(request: Request, service: Shared, access: Reads) -> Response:
    """Search with what lies in the boxes of a frame, or add it."""
    async with service.reading(request) as given:
        wanted = given.as_(Crops)
        if len(given.images) != 1:
            raise Problem(422, "frame: send one image, of which the boxes are")
        if wanted.do == "query":
            return as_json({"crops": await service.work(ask_crops, service, given.images[0], wanted)})
        require_write(access)

        def keep() -> list[dict[str, object]]:
            boxes, kept = add_crops(service, given.images[0], wanted)
            service.note(request, access, "add", kept.ids, kept.new)
            return boxes

        return as_json({"crops": await service.work(keep)})


@router.post("/compare", response_model=ComparedPlain, openapi_extra=body_of(Pair, None, {"one": 1, "other": 2}))
async def compare_entries(request: Request, service: Shared, access: Reads) -> Response:
    """Show where two entries activate the last map of the model, and which positions match."""
    async with service.reading(request) as given:
        pair = given.as_(Pair)
        for id in (pair.one, pair.other):
            await service.work(require_entry, service, id)
        return as_json(await service.work(compare, service, pair.one, pair.other))
