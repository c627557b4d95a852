"""Notes of a gallery in Milvus: what is known of it besides its entries, in a collection of its own."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from msinet.gallery.milvus_filters import one_of, text
from msinet.gallery.milvus_server import PAGE, STRONG, MilvusServer, Row

COLUMNS = {"key": ("text", 256), "kind": ("text", 16), "number": ("int", 0), "other": ("int", 0), "text": ("text", 65_535)}

PART = 60_000
"""Letters of a calibration in one note: a text in Milvus has at most 65,535 bytes."""


class Note(NamedTuple):
    """A row beside the entries."""

    key: str
    """What no other note has."""
    kind: str
    """fact, link, verdict, calibration, thumbnail, last (highest number given) or claim (of a writer)."""
    number: int = 0
    """Entry that it is about, or another number."""
    other: int = 0
    text: str = ""

    @property
    def row(self) -> Row:
        """The note as Milvus takes it: each collection needs a vector."""
        return {**self._asdict(), "vector": [1.0, 0.0]}


class Notes:
    """The notes of a gallery."""

    def __init__(self, server: MilvusServer, collection: str) -> None:
        self.server, self.collection = server, collection

    def create(self) -> None:
        """Make the collection."""
        self.server.create(self.collection, COLUMNS, 2, "FLAT", ("kind", "number"))

    def put(self, notes: Iterable[Note]) -> None:
        """Write notes in place of those with their keys, and wait until they are seen."""
        rows = [note.row for note in notes]
        if rows:
            self.server.upsert(self.collection, rows)
            self.server.settle(self.collection)

    def of(self, where: str, columns: Sequence[str] = tuple(COLUMNS), level: str = "") -> list[Note]:
        """Return the notes for which an expression holds: some thousands at most."""
        return [_note(row) for row in self.server.rows(self.collection, where, columns, level=level)]

    def about(self, kind: str, ids: Iterable[int]) -> Iterator[Note]:
        """Yield the notes of a kind about some entries."""
        for some in parts(list(ids)):
            yield from self.of(one_of("key", [f"{kind} {id}" for id in some]))

    def all(self, kind: str, last: int, where: str = "") -> Iterator[Note]:
        """Yield all notes of a kind whose number is 1 to the last, sorted by it."""
        meant = f"kind == {text(kind)}{f' and {where}' if where else ''}"
        for page in self.server.pages(self.collection, "number", last, meant, tuple(COLUMNS)):
            yield from map(_note, page)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove notes, and wait until they are gone."""
        if keys:
            self.server.delete(self.collection, keys)
            self.server.settle(self.collection)

    def facts(self) -> dict[str, str]:
        """Return what is known of the whole gallery."""
        return {note.key.partition(" ")[2]: note.text for note in self.of('kind == "fact"', level=STRONG)}

    def keys_about(self, ids: Sequence[int]) -> list[str]:
        """Return the keys of all notes about some entries."""
        single = one_of("key", [f"{kind} {id}" for kind in ("link", "thumbnail") for id in ids])
        verdict = f'(kind == "verdict" and ({one_of("number", ids)} or {one_of("other", ids)}))'
        return [note.key for where in (single, verdict) for note in self.of(where, ("key",), STRONG)]

    def add_calibration(self, made: str, content: str) -> None:
        """Keep a calibration in as many notes as it needs."""
        written = json.dumps([made, content])  # ASCII: a letter is a byte.
        number = 1 + max(self._calibrations(), default=0)
        starts = range(0, len(written), PART)
        self.put(
            Note(f"calibration {number} {part}", "calibration", number, part, written[start : start + PART])
            for part, start in enumerate(starts)
        )

    def calibration(self, known: tuple[int, tuple[str, str]] | None) -> tuple[int, tuple[str, str]] | None:
        """Return the number of the latest calibration, when it was made, and its content.

        Args:
            known: what was returned before, which is returned again where it is still the latest.
        """
        number = max(self._calibrations(), default=0)
        if not number or (known and known[0] == number):
            return known if number else None
        parts = sorted(self.of(f'kind == "calibration" and number == {number}'), key=lambda note: note.other)
        made, content = json.loads("".join(note.text for note in parts))
        return number, (made, content)

    def _calibrations(self) -> list[int]:
        return [note.number for note in self.of('kind == "calibration"', ("key", "number"))]


def parts(ids: Sequence[Any], size: int = PAGE) -> Iterator[Sequence[Any]]:
    """Yield parts of a sequence that one expression can name."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _note(row: Row) -> Note:
    return Note(*(row.get(name, default) for name, default in zip(COLUMNS, ("", "", 0, 0, ""), strict=True)))
