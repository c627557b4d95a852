"""A model that requests share: its images are decoded by a few threads, and embedded in batches across requests."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, TimeoutError
from typing import Any, TypeVar, cast

import numpy as np

from msinet.data.embedder import Embedded, Embedder
from msinet.data.pixels import resized
from msinet.data.sources import LeftOut, Source, is_one, name_of, read
from msinet.serve.batching import Batcher
from msinet.serve.metrics import Metrics
from msinet.serve.problems import RETRY, Problem
from msinet.serve.settings import ServeSettings

T = TypeVar("T")

DECODING = os.cpu_count() or 1
"""Number of images that are decoded at a time."""


class SharedEmbedder(Embedder):
    """An embedder for many threads, of one that is used by a single thread.

    Args:
        own: the model.
        settings: batch size and waiting times.
        metrics: counts stages.
    """

    def __init__(self, own: Embedder, settings: ServeSettings, metrics: Metrics) -> None:
        self.own, self.metrics, self.seconds = own, metrics, settings.seconds
        self.image_size, self.embedding_dim = own.image_size, own.embedding_dim
        company = settings.company_ms / 1000
        self.batcher = Batcher(own.vectors, settings.batch_size, company, settings.images_waiting, metrics)
        self._decoding = threading.Semaphore(DECODING)
        self._spent = threading.local()
        self.is_warm = False

    @property
    def kind(self) -> str:
        """Kind of the model."""
        return self.own.kind

    def arguments(self) -> dict[str, Any]:
        """Return what is known of the model."""
        return self.own.arguments()

    def fingerprint(self) -> str:
        """Return a short hash of it."""
        return self.own.fingerprint()

    @property
    def weights(self) -> str:
        """Short hash of its weights."""
        return self.own.weights

    def warm_up(self) -> None:
        """Embed a black image once; runtimes compile at their first image. `is_warm` tells when it is done."""

        def done(future: "Future[np.ndarray]") -> None:
            self.is_warm = not future.cancelled() and future.exception() is None

        self.batcher.put([np.zeros((*self.image_size, 3), np.uint8)])[0].add_done_callback(done)

    def vectors(self, pixels: np.ndarray, flip: bool = False) -> np.ndarray:
        """Map images of the model's size to vectors, together with those of others; see `Embedder`.

        Raises:
            Problem: there is no place for them, or it takes too long.
        """
        if flip:
            return self.call(lambda: self.own.vectors(pixels, flip))
        futures = self.batcher.put(list(pixels))
        until = time.monotonic() + self.seconds
        try:
            return np.stack([_result(future, until) for future in futures])
        finally:
            for future in futures:
                future.cancel()  # Those that nobody waits for any more.

    def embed(
        self, images: Source | Iterable[Source], boxes: np.ndarray | Sequence[Sequence[float]] | None = None
    ) -> Embedded:
        """Embed images; see `Embedder`. Raises a Problem where there is no place for them, or it takes too long."""
        if boxes is not None:
            return super().embed(images, boxes)
        started = time.perf_counter()
        sources = [cast(Source, images)] if is_one(images) else list(cast(Iterable[Source], images))
        found = [self._decoded(source) for source in sources]
        positions = [position for position, pixels in enumerate(found) if not isinstance(pixels, str)]
        left_out = [
            LeftOut(position, name_of(sources[position]), pixels)
            for position, pixels in enumerate(found)
            if isinstance(pixels, str)
        ]
        vectors = np.empty((0, self.embedding_dim), np.float32)
        if positions:
            vectors = self.vectors(np.stack([found[position] for position in positions]))
        self._spent.seconds = self.spent + time.perf_counter() - started
        return Embedded(vectors, np.array(positions, np.int64), tuple(left_out))

    @property
    def spent(self) -> float:
        """Seconds that this thread has spent in `embed`."""
        return getattr(self._spent, "seconds", 0.0)

    def call(self, function: Callable[[], T]) -> T:
        """Do something else with the model, in the thread that owns it.

        Raises:
            Problem: there is no place for it, or it takes too long.
        """
        return _result(self.batcher.call(function), time.monotonic() + self.seconds)

    def _decoded(self, source: Source) -> np.ndarray | str:
        """Return an image at the model's size, (H, W, 3) uint8, or the reason why there is none."""
        with self._decoding, self.metrics.stage("decode"):
            image = read(source)
            return image if isinstance(image, str) else resized(image, self.image_size)


def _result(future: "Future[T]", until: float) -> T:
    try:
        return future.result(max(until - time.monotonic(), 0))
    except TimeoutError as error:
        future.cancel()
        raise Problem(504, "the model was too busy for this request: try again a second later", RETRY) from error
