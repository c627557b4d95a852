"""The service: a gallery, its model, and the threads that work for requests."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request

from msinet.gallery.gallery import Gallery
from msinet.gallery.places import Place
from msinet.gallery.sqlite_store import SQLiteStore
from msinet.serve.audit import NAME, Action, Audit
from msinet.serve.bodies import Given, Memory, received
from msinet.serve.metrics import Metrics
from msinet.serve.pictures import Decoding
from msinet.serve.problems import RETRY, Problem, too_many
from msinet.serve.security import Access, Tokens, require_safe
from msinet.serve.settings import MEGABYTE, ServeSettings
from msinet.serve.shared_embedder import SharedEmbedder

LARGE_IMAGES = 4
"""Number of images of the largest size that are decoded at a time; there is room for hundreds of crops."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Service:
    """What all requests share.

    Args:
        gallery: opened for writing; with its model, unless it has vectors alone.
        settings: where it listens, and its limits.
        tokens: that let in.

    Raises:
        SettingsError: others than this machine could reach it without a token, or there is no folder for the audit log.
    """

    def __init__(self, gallery: Gallery, settings: ServeSettings, tokens: Tokens) -> None:
        require_safe(settings, tokens)
        self.gallery, self.settings, self.tokens = gallery, settings, tokens
        self.metrics = Metrics()
        self.decoding = Decoding(LARGE_IMAGES * settings.megapixels)
        self.memory = Memory(int(settings.memory_mb * MEGABYTE))
        self.embedder: SharedEmbedder | None = None
        if gallery.embedder is not None:
            self.embedder = SharedEmbedder(gallery.embedder, settings, self.metrics)
            gallery.use(self.embedder)
        if isinstance(gallery.store, SQLiteStore):
            gallery.store.finder.in_background = True  # No request waits until a large index is made.
        self.place = gallery.place
        self.audit = Audit(settings.audit or _audit_file(gallery.place), self.metrics)
        self.is_stopping = False
        self._in_work = 0
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="request")
        self._show_numbers()

    def _show_numbers(self) -> None:
        show, embedder = self.metrics.show, self.embedder
        show("msinet_requests_in_work", "Requests in work, and that wait for a thread.", lambda: self._in_work)
        show("msinet_images_waiting", "Images that wait to be embedded.", lambda: len(embedder.batcher) if embedder else 0)
        show("msinet_request_bytes", "Bytes of requests that are held.", lambda: self.memory.taken)
        show("msinet_gallery_entries", "Entries of the gallery.", lambda: len(self.gallery))

    def start(self) -> None:
        """Begin to embed."""
        if self.embedder:
            self.embedder.batcher.start()
            self.embedder.warm_up()

    def stop(self) -> None:
        """Finish what is in work, and end the threads."""
        self.is_stopping = True
        self._pool.shutdown(wait=True)
        if self.embedder:
            self.embedder.batcher.stop()

    def room_for(self, images: Sequence[bytes]) -> AbstractContextManager[None]:
        """Wait until there is memory for the pixels of images."""
        return self.decoding.room_for(images, self.settings.megapixels)

    def reading(self, request: Request) -> AbstractAsyncContextManager[Given]:
        """Read the body of a request.

        Raises:
            Problem: the service is full or stopping, or the body cannot be used.
        """
        self._require_place()
        return received(request, self.settings, self.memory)

    def _require_place(self) -> None:
        if self.is_stopping:
            raise Problem(503, "the service is stopping: try again when it runs", RETRY)
        if self._in_work >= self.settings.places:
            raise too_many(f"{self._in_work} requests are in work")

    async def work(self, function: Callable[..., T], *arguments: Any) -> T:
        """Do something in a thread, within the time limit.

        Raises:
            Problem: there is no place, or it takes too long. What was begun is finished, and nobody hears of it.
        """
        self._require_place()
        loop = asyncio.get_running_loop()
        self._in_work += 1
        future = self._pool.submit(function, *arguments)
        future.add_done_callback(lambda _: _tell(loop, self._leave))
        try:
            async with asyncio.timeout(self.settings.seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            words = f"the answer took longer than {self.settings.seconds:g} s: ask for less, or try again later"
            raise Problem(504, words, RETRY) from error

    def _leave(self) -> None:
        self._in_work -= 1

    def note(self, request: Request, access: Access, action: Action, ids: list[int], count: int) -> None:
        """Write to the audit log who did what."""
        self.audit.note(action, ids, count, request.client.host if request.client else "", access)

    @property
    def is_ready(self) -> bool:
        """Whether the model has embedded once; the gallery is asked by the caller."""
        return not self.is_stopping and (self.embedder is None or self.embedder.is_warm)


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # The loop has ended, as at a second Ctrl-C.
        loop.call_soon_threadsafe(function)


def _audit_file(place: Place) -> Path:
    """Return the audit log in a gallery's folder; in the working folder where the gallery is on a server."""
    return place / NAME if isinstance(place, Path) else Path(NAME)


def service_of(request: Request) -> Service:
    """Return the service that a request is for."""
    return request.app.state.service
