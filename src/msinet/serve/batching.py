"""Batches across requests: one thread embeds what any number of requests wait for."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np

from msinet.serve.metrics import Metrics
from msinet.serve.problems import too_many


class _Waiting(NamedTuple):
    """An image in the queue."""

    pixels: np.ndarray
    since: float
    vector: "Future[np.ndarray]"


class Batcher:
    """A queue of images and the thread that embeds them. The model is used by this thread alone.

    Args:
        vectors: maps images (B, H, W, 3) uint8 to vectors (B, D).
        size: largest number of images of a batch.
        company: seconds that an image waits for others, if the batch is not full.
        places: number of images that may wait.
        metrics: counts batches and times.
    """

    def __init__(
        self, vectors: Callable[[np.ndarray], np.ndarray], size: int, company: float, places: int, metrics: Metrics
    ) -> None:
        self.vectors, self.size, self.company, self.places, self.metrics = vectors, size, company, places, metrics
        self._images: deque[_Waiting] = deque()
        self._calls: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="embeds", daemon=True)

    def start(self) -> None:
        """Begin to embed."""
        self._thread.start()

    def stop(self) -> None:
        """Embed what waits, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def __len__(self) -> int:
        """Return the number of images that wait."""
        return len(self._images)

    def put(self, images: Sequence[np.ndarray]) -> "list[Future[np.ndarray]]":
        """Queue images (H, W, 3) uint8 of one size, all or none; return their vectors to be.

        Raises:
            Problem: there is no place for them.
        """
        now = time.monotonic()
        waiting = [_Waiting(pixels, now, Future()) for pixels in images]
        with self._changed:
            if len(self._images) + len(waiting) > self.places or self._stopping:
                raise too_many(f"{len(self._images)} images wait to be embedded")
            self._images.extend(waiting)
            self._changed.notify()
        return [one.vector for one in waiting]

    def call(self, function: Callable[[], Any]) -> "Future[Any]":
        """Let the thread that owns the model do something else with it, before the next batch.

        Raises:
            Problem: there is no place for it.
        """
        future: Future[Any] = Future()
        with self._changed:
            if len(self._calls) >= self.places or self._stopping:
                raise too_many(f"{len(self._calls)} requests wait for the model")
            self._calls.append((function, future))
            self._changed.notify()
        return future

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._images or self._calls or self._stopping)
                call = self._calls.popleft() if self._calls else None
                batch = [] if call else self._next_batch()
            if call:
                _settle(call[1], call[0])
            elif batch:
                self._embed(batch)
            else:
                return

    def _next_batch(self) -> list[_Waiting]:
        """Return the first images of the queue, after the first of them has waited for company."""
        while self._images and len(self._images) < self.size and not self._stopping:
            left = self._images[0].since + self.company - time.monotonic()
            if left <= 0:
                break
            self._changed.wait(left)
        return [self._images.popleft() for _ in range(min(self.size, len(self._images)))]

    def _embed(self, batch: Sequence[_Waiting]) -> None:
        wanted = [one for one in batch if one.vector.set_running_or_notify_cancel()]
        if not wanted:
            return
        started = time.monotonic()
        for one in wanted:
            self.metrics.took("queue", started - one.since)
        self.metrics.batch(len(wanted))
        try:
            with self.metrics.stage("embed"):
                vectors = self.vectors(np.stack([one.pixels for one in wanted]))
        except BaseException as error:  # The thread goes on; the requests hear of it.
            for one in wanted:
                one.vector.set_exception(error)
            return
        for one, vector in zip(wanted, vectors, strict=True):
            one.vector.set_result(vector)


def _settle(future: "Future[Any]", function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except BaseException as error:  # as in `_embed`
        future.set_exception(error)
