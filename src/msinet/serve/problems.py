"""What a request can meet: a code of HTTP and a sentence that says what to do. Paths and stack traces stay here."""

import logging

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from msinet.errors import BusyError, DatasetError, FileError, ModelError, MSINetError, ResultError, SettingsError

logger = logging.getLogger(__name__)

RETRY = {"Retry-After": "1"}
"""Header of answers to what may go well a second later."""

CLOSE = {"Connection": "close"}
"""Header of answers to what is not read to its end."""

UNKNOWN = "the service failed at this request: its log says why"


class Problem(MSINetError):
    """What a request is answered with in place of what it asked for.

    Args:
        status: code of HTTP.
        message: what is wrong and what to do.
        headers: of the answer.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}


def too_many(what: str) -> Problem:
    """Return the answer to a request for which there is no place."""
    return Problem(429, f"{what}: try again a second later", RETRY)


def problem_of(error: Exception, place: object = None) -> Problem:
    """Return what a request is answered with after an error.

    Args:
        error: any error. What nobody foresaw goes to the log.
        place: of the gallery, which no answer names.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError | RequestValidationError):
        return Problem(422, _words_of(error))
    if isinstance(error, HTTPException):
        return Problem(error.status_code, _HTTP.get(error.status_code, str(error.detail)), dict(error.headers or {}))
    if isinstance(error, SettingsError | DatasetError):
        return Problem(400, str(error).replace(str(place), "the gallery") if place else str(error))
    if isinstance(error, BusyError):
        return Problem(503, "the gallery is being written to by another process: try again a second later", RETRY)
    logger.error("a request failed", exc_info=error)
    if isinstance(error, FileError | ResultError):
        return Problem(503, "the gallery cannot be read or written: the service's log says why")
    if isinstance(error, ModelError):
        return Problem(503, "the model does not embed: the service's log says why")
    return Problem(500, UNKNOWN)


_HTTP = {
    404: "there is nothing at this address: /openapi.json says what there is",
    405: "this address does not take this method: /openapi.json says which it takes",
}


def _words_of(error: ValidationError | RequestValidationError) -> str:
    """Return the first complaint of a validation, without the value that it is about."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def answer_to(problem: Problem) -> Response:
    """Return a problem as JSON."""
    return JSONResponse({"error": str(problem)}, problem.status, problem.headers)


async def answer_error(request: Request, error: Exception) -> Response:
    """Answer an error of a request."""
    service = getattr(request.app.state, "service", None)
    return answer_to(problem_of(error, service.place if service else None))
