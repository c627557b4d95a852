"""Addresses of the gallery as a whole, of health and of numbers."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from msinet.errors import MSINetError
from msinet.serve.answers import GalleryPlain, SightingsPlain, Wrong, as_json
from msinet.serve.image_routes import Shared
from msinet.serve.overview import overview, sightings
from msinet.serve.problems import Problem
from msinet.serve.schemas import Word
from msinet.serve.security import Reads

router = APIRouter(tags=["gallery"])


@router.get("/v1/gallery", response_model=GalleryPlain)
async def gallery(service: Shared, access: Reads) -> Response:
    """Return what is known of the gallery as a whole."""
    return as_json(await service.work(overview, service.gallery))


@router.get("/v1/timeline", response_model=SightingsPlain)
async def timeline(service: Shared, access: Reads, identity: Annotated[Word, Query(min_length=1)]) -> Response:
    """Return when and where an identity was seen, at most 1,000 times."""
    return as_json({"sightings": await service.work(sightings, service.gallery, identity)})


@router.get("/healthz")
async def health() -> Response:
    """Say that the service lives."""
    return as_json({"ok": True})


@router.get("/readyz", responses={503: {"model": Wrong}})
async def readiness(service: Shared) -> Response:
    """Say whether the model has embedded once and the gallery answers."""
    if not service.is_ready:
        raise Problem(503, "the model has not embedded yet: try again a second later", {"Retry-After": "1"})
    try:
        await asyncio.to_thread(len, service.gallery)
    except MSINetError as error:
        raise Problem(503, "the gallery does not answer", {"Retry-After": "1"}) from error
    return as_json({"ready": True})


@router.get("/metrics", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
async def metrics(service: Shared, access: Reads) -> Response:
    """Return the numbers of the service, for Prometheus."""
    text = await asyncio.to_thread(service.metrics.text)  # Also where the service is full.
    return Response(text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
