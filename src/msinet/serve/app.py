"""The application: addresses, errors and the page, around a service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from msinet.errors import MSINetError
from msinet.serve import entry_routes, gallery_routes, image_routes, label_routes
from msinet.serve.answers import Wrong
from msinet.serve.guard import Guard
from msinet.serve.problems import answer_error
from msinet.serve.service import Service

PAGE = Path(__file__).with_name("page")
"""Files of the page."""

WORDS = {
    400: "It cannot be used.",
    401: "No token, or an unknown one.",
    403: "A token that only reads, or a page of another address.",
    404: "There is no such thing.",
    408: "It did not arrive in time.",
    413: "It is too large.",
    415: "An image of a format that is not listed, or a body of another type.",
    422: "A value is missing, or cannot be right.",
    429: "The service is full: try again after Retry-After.",
    503: "The service is stopping, or the gallery is locked.",
    504: "It takes too long.",
}


def make_app(service: Service) -> FastAPI:
    """Return the application of a service, which starts and ends with it."""

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await anyio.to_thread.run_sync(service.stop)

    responses: dict[int | str, dict[str, Any]] = {
        code: {"model": Wrong, "description": words} for code, words in WORDS.items()
    }
    app = FastAPI(
        title="msinet",
        summary="Have we seen this one before, where, and how sure are we?",
        version=version("msinet"),
        lifespan=alive,
        docs_url=None,
        redoc_url=None,
        responses=responses,
    )
    app.state.service = service
    for kind in (MSINetError, RequestValidationError, ValidationError, HTTPException):
        app.add_exception_handler(kind, answer_error)
    app.add_middleware(Guard, service=service)
    for routes in (image_routes, entry_routes, label_routes, gallery_routes):
        app.include_router(routes.router)
    if PAGE.is_dir():
        app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    return app
