"""Turns of writers: Milvus has no transactions, so that writers of one gallery wait for each other by notes."""

import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from msinet.errors import BusyError
from msinet.gallery.milvus_notes import Note, Notes
from msinet.gallery.milvus_server import STRONG

PATIENCE = 60.0
"""Seconds that a writer waits for another one."""

LEASE = 30.0
"""Seconds after which a claim that stays is that of a writer that died."""

_OWN_WRITERS: dict[str, threading.Lock] = {}
"""Locks by gallery: the threads of a process need no notes to wait for each other."""


@dataclass
class Turn:
    """What one writer knows while no other writes."""

    notes: Notes
    key: str
    """Of its claim."""
    since: float
    """When it wrote its claim."""
    last: int
    """Highest number that an entry ever had."""
    done: list[str] = field(default_factory=list)
    """Keys of notes that are removed when it ends."""

    def reserve(self, count: int) -> int:
        """Take numbers for new entries, which nobody takes again, and return the first."""
        first = self.last + 1
        self.last += count
        self.notes.server.insert(self.notes.collection, [Note(f"last {self.last}", "last", self.last).row], self.left())
        return first

    def left(self) -> float:
        """Return the seconds that are left to write. Raises BusyError where the claim may soon be taken for a dead one."""
        left = self.since + LEASE / 2 - time.monotonic()
        if left <= 0:
            raise BusyError(f"Milvus at {self.notes.server.address} is too slow to add safely: try again later")
        return left + LEASE / 4


@contextmanager
def turn(notes: Notes) -> Iterator[Turn]:
    """Write while no other writer of the gallery does.

    A writer notes a claim and then looks: it writes only if its claim is the only one. Strongly consistent reads see every
    claim that was noted before, so of two writers the later one sees the other. The one with the later clock withdraws,
    the other one waits. A claim that stays for half a minute is that of a process that died, and is removed: a living
    one ends its turn before.

    Raises:
        BusyError: others have been writing for a minute.
    """
    own = _OWN_WRITERS.setdefault(f"{notes.server.address}/{notes.collection}", threading.Lock())
    busy = BusyError(f"another process has been writing to {notes.collection.removesuffix('_notes')} for {PATIENCE:.0f} s")
    if not own.acquire(timeout=PATIENCE):
        raise busy
    try:
        taken = _taken(notes, time.monotonic() + PATIENCE)
        if taken is None:
            raise busy
        try:
            yield taken
        finally:
            notes.server.delete(notes.collection, [taken.key, *taken.done])
    finally:
        own.release()


def _taken(notes: Notes, end: float) -> Turn | None:
    """Return the writer's turn; None where it does not come."""
    age, seen = f"claim {time.time_ns():020d}", dict[str, float]()
    while time.monotonic() < end:
        since, key = time.monotonic(), f"{age} {secrets.token_hex(8)}"
        notes.server.insert(notes.collection, [Note(key, "claim").row])
        try:
            while time.monotonic() < min(end, since + LEASE / 4):
                there = notes.of('kind in ["claim", "last"]', ("key", "kind", "number"), STRONG)
                others = [note.key for note in there if note.kind == "claim" and note.key != key]
                if not others:
                    lasts = sorted(note.number for note in there if note.kind == "last")
                    taken = Turn(notes, key, since, max(lasts, default=0), [f"last {number}" for number in lasts[:-1]])
                    key = ""
                    return taken
                _remove_dead(notes, others, seen)
                if min(others) < key:
                    break
                time.sleep(0.01)
        finally:
            if key:
                notes.server.delete(notes.collection, [key])
        time.sleep(random.uniform(0.01, 0.1))
    return None


def _remove_dead(notes: Notes, others: list[str], seen: dict[str, float]) -> None:
    """Remove the claims that this writer has seen for too long."""
    now = time.monotonic()
    dead = [key for key in others if now - seen.setdefault(key, now) > LEASE]
    notes.server.delete(notes.collection, dead)
