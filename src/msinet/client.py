"""The client of `msinet serve`: its calls from Python, with the values that a gallery has."""

import io
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import quote

import httpx
import numpy as np
from PIL import Image

from msinet.data.embedder import Embedded
from msinet.data.sources import LeftOut, Source, is_one
from msinet.errors import BusyError, DatasetError, MSINetError
from msinet.files.atomic import write_atomically
from msinet.files.paths import user_path
from msinet.gallery.entries import Added, Answer, Entry, Match

CODES_OF_DATA = (400, 404, 413, 415, 422)


class ServiceError(MSINetError):
    """The service could not be reached, or it failed."""


class TokenError(ServiceError):
    """The token is missing, unknown, or may only read."""


class ServiceBusyError(ServiceError, BusyError):
    """The service is full, stopping, or its gallery is locked: later it may answer."""


class RequestError(ServiceError, DatasetError):
    """What was sent cannot be used."""


class Client:
    """A gallery behind `msinet serve`.

    Images are paths, contents of files, arrays (H, W, 3) uint8 or Pillow images, one or several. All methods raise
    RequestError where something cannot be used, TokenError where the token does not do, ServiceBusyError where the service
    stays full, and ServiceError where it cannot be reached.

    Args:
        url: address of the service, such as http://127.0.0.1:8000.
        token: MSINET_TOKEN, or MSINET_READ_TOKEN, of the service; empty where it has none.
        seconds: time limit of a request.
        patience: seconds to try again while the service is full.
    """

    def __init__(self, url: str, token: str = "", seconds: float = 60.0, patience: float = 10.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url, self.patience = url.rstrip("/"), patience
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def embed(self, images: Source | Iterable[Source]) -> Embedded:
        """Return the vectors of at most 64 images, as `Predictor.embed` does."""
        sources = _sources(images)
        answer = self._send("POST", "/v1/embed", files=_files(sources))
        left_out = _left_out(answer, sources)
        missing = {one.position for one in left_out}
        positions = np.array([place for place in range(len(sources)) if place not in missing], np.int64)
        return Embedded(np.array(answer["vectors"], np.float32), positions, left_out)

    def add(
        self,
        images: Source | Iterable[Source] | np.ndarray,
        *,
        identity: str | None = None,
        camera: str | None = None,
        time: datetime | str | float | None = None,
        track: str | None = None,
        fields: Mapping[str, str] | None = None,
        again: bool = False,
    ) -> Added:
        """Add at most 64 images, or 1,000 vectors (N, D) of floating point; see `Gallery.add`."""
        labels = _labels(identity, camera, time, track, fields) | ({"again": True} if again else {})
        if isinstance(images, np.ndarray) and images.dtype.kind == "f":
            answer = self._send("POST", "/v1/entries", json={"vectors": np.atleast_2d(images).tolist(), **labels})
            return Added(tuple(answer["ids"]), answer["new"], _left_out(answer, []))
        sources = _sources(images)
        answer = self._send("POST", "/v1/entries", files=_files(sources), data=_texts(labels))
        return Added(tuple(answer["ids"]), answer["new"], _left_out(answer, sources))

    def query(
        self,
        images: Source | Iterable[Source] | int | Sequence[int],
        top_k: int = 10,
        *,
        by_identity: bool = False,
        camera: str | Iterable[str] | None = None,
        not_camera: str | Iterable[str] | None = None,
        since: datetime | str | None = None,
        before: datetime | str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Answer:
        """Find the most similar entries of an image, of several of one object, or of entries; see `Gallery.query`."""
        filters = _filters(camera, not_camera, since, before, fields)
        asked = {"top_k": top_k, "by_identity": by_identity, "filters": filters}
        if isinstance(images, int | np.integer):
            images = [images]
        if isinstance(images, list | tuple) and images and all(isinstance(one, int | np.integer) for one in images):
            return _answer(
                self._send("POST", "/v1/query", json={"entries": list(map(int, cast(Sequence[int], images))), **asked})
            )
        sources = _sources(cast(Source, images))
        return _answer(self._send("POST", "/v1/query", files=_files(sources), data=_texts(asked)))

    def query_crops(
        self, frame: Source, boxes: np.ndarray | Sequence[Sequence[float]], top_k: int = 10, **filters: Any
    ) -> list[Answer | str]:
        """Search with what lies in each box of a frame; the reason where nothing does. Filters as those of `query`."""
        asked = {"top_k": top_k, "filters": _filters(**filters), "do": "query"}
        crops = self._crops(frame, boxes, asked)
        return [_answer(crop["answer"]) if "answer" in crop else crop["reason"] for crop in crops]

    def add_crops(self, frame: Source, boxes: np.ndarray | Sequence[Sequence[float]], **labels: Any) -> list[int | str]:
        """Add what lies in each box of a frame; the reason where nothing does. Labels as those of `add`."""
        crops = self._crops(frame, boxes, {"do": "add", **_labels(**labels)})
        return [crop["id"] if "id" in crop else crop["reason"] for crop in crops]

    def _crops(self, frame: Source, boxes: Any, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        written = {"boxes": np.asarray(boxes, np.float64).tolist(), **asked}
        return self._send("POST", "/v1/crops", files=_files([frame], "frame"), data=_texts(written))["crops"]

    def entry(self, id: int) -> Entry:
        """Return an entry by its number."""
        return _entry(self._send("GET", f"/v1/entries/{int(id)}"))

    def remove(self, id: int | None = None, *, identity: str | None = None) -> int:
        """Remove an entry, or all of an identity; return how many there were."""
        if (id is None) == (identity is None):
            raise RequestError("say what to remove: the number of an entry, or an identity")
        what = f"entries/{int(id)}" if id is not None else f"identities/{quote(identity or '', safe='')}"
        return self._send("DELETE", f"/v1/{what}")["removed"]

    def judge(self, one: int, other: int, same: bool | None) -> None:
        """Say of two entries whether they show the same object; None takes it back."""
        self._send("POST", "/v1/verdicts", json={"one": int(one), "other": int(other), "same": same})

    def gallery(self) -> dict[str, Any]:
        """Return what is known of the gallery as a whole, as plain values."""
        return self._send("GET", "/v1/gallery")

    def save_labels(self, file: str | PathLike[str]) -> int:
        """Save the labels that adapt, train and calibrate read; return how many groups of marks contradict each other.

        Args:
            file: labels.csv, the table alone; or labels.zip, the table with the pictures of images that have no file.
        """
        path = user_path(file)
        if path.suffix not in (".csv", ".zip"):
            raise RequestError(f"{path}: name a file .csv, the table alone, or .zip, the table with pictures")
        response = self._response("GET", f"/v1/labels{path.suffix}")
        write_atomically(path, response.content)
        return int(response.headers.get("msinet-contradictions", 0))

    def _send(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        response = self._response(method, path, **body)
        try:
            return response.json()
        except ValueError as error:
            raise ServiceError(f"it answers in no JSON ({response.status_code} of {response.request.url.path})") from error

    def _response(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Return an answer. Raises a ServiceError where it is an error."""
        until = time.monotonic() + self.patience
        while True:
            try:
                response = self._http.request(method, path, **body)
            except httpx.HTTPError as error:
                raise ServiceError(
                    f"{self.url} does not answer ({error or type(error).__name__}): is it running?"
                ) from error
            wait = float(response.headers.get("retry-after", "1")) if response.status_code in (429, 503) else None
            if wait is None or time.monotonic() + wait > until:
                return _checked(response)
            time.sleep(wait)


def _checked(response: httpx.Response) -> httpx.Response:
    """Return an answer. Raises a ServiceError where it is an error."""
    if response.is_success:
        return response
    try:
        message = response.json()["error"]
    except (ValueError, LookupError, TypeError):
        message = "it answers in no JSON"
    words = f"{message or 'no reason given'} ({response.status_code} of {response.request.url.path})"
    if response.status_code in CODES_OF_DATA:
        raise RequestError(words)
    if response.status_code in (401, 403):
        raise TokenError(words)
    raise (ServiceBusyError if response.status_code in (429, 503, 504) else ServiceError)(words)


def _sources(images: Source | Iterable[Source]) -> list[Source]:
    return [cast(Source, images)] if is_one(images) else list(cast(Iterable[Source], images))


def _files(sources: Sequence[Source], name: str = "images") -> list[tuple[str, tuple[str, bytes]]]:
    return [(name, (f"{place}", _bytes_of(source))) for place, source in enumerate(sources)]


def _bytes_of(source: Source) -> bytes:
    """Return the content of an image file; arrays and Pillow images become PNG."""
    if isinstance(source, str | PathLike):
        path = user_path(source)
        try:
            return Path(path).read_bytes()
        except OSError as error:
            raise RequestError(f"cannot read the image {path}: {error.strerror}") from error
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    written = io.BytesIO()
    (Image.fromarray(source) if isinstance(source, np.ndarray) else source).save(written, "PNG")
    return written.getvalue()


def _labels(
    identity: str | None = None,
    camera: str | None = None,
    time: datetime | str | float | None = None,
    track: str | None = None,
    fields: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    given = {"identity": identity, "camera": camera, "time": _time(time), "track": track, "fields": fields}
    return {name: value for name, value in given.items() if value}


def _filters(
    camera: str | Iterable[str] | None = None,
    not_camera: str | Iterable[str] | None = None,
    since: datetime | str | None = None,
    before: datetime | str | None = None,
    fields: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    several = {name: _several(value) for name, value in (("camera", camera), ("not_camera", not_camera))}
    given = {**several, "since": _time(since), "before": _time(before), "fields": dict(fields or {})}
    return {name: value for name, value in given.items() if value}


def _several(value: str | Iterable[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _time(value: datetime | str | float | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else None if value is None else str(value)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as the texts of a form."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _left_out(answer: Mapping[str, Any], sources: Sequence[Source]) -> tuple[LeftOut, ...]:
    named = {place: str(one) for place, one in enumerate(sources) if isinstance(one, str | PathLike)}
    return tuple(
        LeftOut(one["position"], named.get(one["position"], "an image"), one["reason"]) for one in answer["left_out"]
    )


def _entry(plain: Mapping[str, Any]) -> Entry:
    time = datetime.fromisoformat(plain["time"]) if plain["time"] else None
    labels = (plain["identity"], plain["camera"], time, plain["track"], plain["path"], plain["fields"])
    return Entry(plain["id"], *labels, linked=plain["linked"])


def _answer(plain: Mapping[str, Any]) -> Answer:
    matches = (Match(_entry(one), one["similarity"], one["known"], one["probability"]) for one in plain["matches"])
    return Answer(tuple(matches), plain["calibration"])
