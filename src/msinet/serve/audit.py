"""The audit log: who added, removed and judged what, and when. A line of JSON each, without images, labels or tokens."""

import json
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from msinet.serve.metrics import Metrics
from msinet.serve.security import Access

logger = logging.getLogger(__name__)

NAME = "audit.jsonl"

LARGEST = 10_000_000
"""Bytes above which a new file is begun."""

KEPT = 5
"""Number of older files that are kept: audit.jsonl.1 is the newest of them."""

NAMED = 100
"""Most entries that a line names by number; it gives the count of all."""

Action = Literal["add", "remove", "judge"]


class Audit:
    """A log in a file, rotated by size; used by any number of threads.

    Args:
        file: of the log.
        metrics: where lines are counted that could not be written.
        largest: bytes above which a new file is begun.
    """

    def __init__(self, file: Path, metrics: Metrics, largest: int = LARGEST) -> None:
        self.file, self.metrics, self.largest = file, metrics, largest
        self._lock = threading.Lock()

    def note(self, action: Action, ids: Sequence[int], count: int, remote: str, access: Access) -> None:
        """Write a line. The work that it is about is done: where the line cannot be written, the log of the service says so.

        Args:
            action: what was done.
            ids: entries that it was done to.
            count: number of entries that are new, gone or judged.
            remote: address that asked for it.
            access: class of its token.
        """
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "action": action, "ids": list(ids[:NAMED]), "count": count, "remote": remote, "token": access}
        try:
            with self._lock:
                self._rotate()
                with self.file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
        except OSError as error:
            self.metrics.audit_failed()
            logger.error("cannot write to the audit log %s: %s", self.file, error.strerror)

    def _rotate(self) -> None:
        """Begin a new file where the old one is full, and forget the oldest one."""
        with suppress(FileNotFoundError):
            if self.file.stat().st_size < self.largest:
                return
            for number in range(KEPT, 0, -1):
                with suppress(FileNotFoundError):
                    older = self.file if number == 1 else self._numbered(number - 1)
                    older.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self.file.with_name(f"{self.file.name}.{number}")
