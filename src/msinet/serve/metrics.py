"""Numbers of the service for Prometheus: where the time goes, how full it is, and how much is known."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

Stage = Literal["decode", "queue", "embed", "search", "store"]

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counts of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._stages = Histogram(
            "msinet_stage_seconds", "Seconds of a stage of a request.", ["stage"], registry=self.registry, buckets=SECONDS
        )
        self._batches = Histogram(
            "msinet_batch_images", "Images that were embedded together.", registry=self.registry, buckets=SIZES
        )
        self._answers = Counter("msinet_answers", "Answers by their code.", ["code"], registry=self.registry)
        self._requests = Histogram(
            "msinet_request_seconds", "Seconds from a request to its answer.", registry=self.registry, buckets=SECONDS
        )
        self._queries = Counter(
            "msinet_queries", "Queries by whether the object is known.", ["known"], registry=self.registry
        )
        self._faults = Counter("msinet_audit_faults", "Lines that the audit log lacks.", registry=self.registry)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Count the seconds of what is done inside."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.took(name, time.perf_counter() - started)

    def took(self, name: Stage, seconds: float) -> None:
        """Count the seconds of a stage."""
        self._stages.labels(name).observe(seconds)

    def batch(self, images: int) -> None:
        """Count a batch."""
        self._batches.observe(images)

    def answered(self, code: int, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(str(code)).inc()
        self._requests.observe(seconds)

    def queried(self, known: bool | None) -> None:
        """Count a query by its answer; None without a calibration."""
        self._queries.labels("not calibrated" if known is None else "yes" if known else "no").inc()

    def audit_failed(self) -> None:
        """Count a line that could not be written to the audit log."""
        self._faults.inc()

    def show(self, name: str, words: str, value: Callable[[], float]) -> None:
        """Show a number that is asked for when somebody looks."""
        Gauge(name, words, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """Return all numbers as Prometheus reads them."""
        return generate_latest(self.registry)
