"""A gallery on a Milvus cluster: entries with their vectors in one collection, notes in another."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import numpy as np

from msinet.errors import FileError, ModelError, MSINetError
from msinet.gallery.entries import Labels
from msinet.gallery.filters import ALL, Filter
from msinet.gallery.milvus_entries import COLUMNS, MilvusEntries
from msinet.gallery.milvus_filters import NO_TIME, one_of
from msinet.gallery.milvus_notes import Note, parts
from msinet.gallery.milvus_server import PAGE, STRONG, MilvusServer, Row
from msinet.gallery.milvus_turns import turn
from msinet.gallery.store import New

if TYPE_CHECKING:
    from msinet.gallery.places import Address

VERSION = 1
"""Version of the collections."""

INDEX = "AUTOINDEX"
"""Index of the vectors that whoever runs the cluster chooses (autoIndex in milvus.yaml): by default a graph of the vectors
as they are (HNSW), and none below some thousand entries, which are all compared. A billion needs codes of few bits.
Candidates come back with their vectors and are judged by them, so that codes cost some recall, and similarities stay
exact."""

PARTITIONS = 16
"""Parts of the entries, by camera: a filter by camera reads its part alone."""

BYTES = 16_000_000
"""Vectors that are added at a time."""


class MilvusStore(MilvusEntries):
    """Entries in a collection that has the gallery's name, and notes in NAME_notes; methods as those of `Store`.

    Notes are about the gallery (facts, calibrations), one entry (identity by `link`, thumbnail) or two (verdicts).

    Args:
        server: where the collections are.
        name: of the gallery.
        read_only: nothing is written.
    """

    def __init__(self, server: MilvusServer, name: str, read_only: bool = False) -> None:
        super().__init__(server, name)
        self.read_only = read_only
        self._calibration: tuple[int, tuple[str, str]] | None = None

    @classmethod
    def is_at(cls, address: "Address", token: str = "") -> bool:
        """Return whether a gallery is there. Raises FileError where Milvus cannot be reached."""
        return _server(address, token).has(address.name)

    @classmethod
    def create(cls, address: "Address", dim: int, token: str = "") -> Self:
        """Make a store without facts for vectors of some length. Raises FileError where Milvus refuses."""
        store = cls(_server(address, token), address.name)
        store.server.drop(store.notes.collection)  # Left behind by a creation that was stopped.
        store.notes.create()
        store.notes.put([Note("version", "version", VERSION)])
        more = {"partition_key": "camera", "num_partitions": PARTITIONS}
        store.server.create(address.name, COLUMNS, dim, INDEX, ("content", "identity", "camera", "time"), **more)
        return store

    @classmethod
    def open(cls, address: "Address", read_only: bool = False, token: str = "") -> Self:
        """Open a store.

        Raises:
            FileError: Milvus cannot be reached.
            ModelError: it is of a later version, or of something else.
        """
        store = cls(_server(address, token), address.name, read_only)
        if not store.server.has(store.notes.collection):
            raise ModelError(f"{address} is a collection of something else: name a gallery")
        for collection in (store.name, store.notes.collection):
            store.server.load(collection)
        versions = store.notes.of('key == "version"', level=STRONG)
        if not versions:
            raise FileError(f"{address} was not wholly created: drop the collection {address.name}, and create it again")
        if versions[0].number > VERSION:
            raise ModelError(f"{address} was written by a later version of msinet: install that version to use it")
        return store

    @property
    def facts(self) -> dict[str, str]:
        """What is known of the whole gallery."""
        return self.notes.facts()

    def set_facts(self, **facts: str) -> None:
        """Write facts of the whole gallery."""
        self._require_writable()
        self.notes.put(Note(f"fact {name}", "fact", text=value) for name, value in facts.items())

    def _require_writable(self) -> None:
        if self.read_only:
            raise FileError(f"{self.name} at {self.server.address} cannot be written to: it was opened to be read")

    def add(self, news: Sequence[New], again: bool = False) -> tuple[list[int], int]:
        """Add entries, some megabytes at a time; see `Store`."""
        self._require_writable()
        ids, fresh = list[int](), 0
        for some in parts(news, min(PAGE, max(1, BYTES // (4 * len(news[0].vector)))) if news else 1):
            numbers, new = self._add(some, again)
            ids += numbers
            fresh += new
        if fresh:
            self.server.settle(self.name)
        return ids, fresh

    def _add(self, news: Sequence[New], again: bool) -> tuple[list[int], int]:
        with turn(self.notes) as writer:
            known = {} if again else self._known([new.content.hex() for new in news])
            ids, fresh = list[int](), list[tuple[int, New]]()
            for new in news:
                content = new.content.hex()
                if again or content not in known:
                    known[content] = writer.last + 1 + len(fresh)
                    fresh.append((known[content], new))
                ids.append(known[content])
            if fresh:
                writer.reserve(len(fresh))
                pictures = [_thumbnail(id, new.thumbnail).row for id, new in fresh if new.thumbnail]
                self.server.insert(self.notes.collection, pictures, writer.left())
                self.server.insert(self.name, [_row(id, new, again) for id, new in fresh], writer.left())
        return ids, len(fresh)

    def _known(self, contents: Sequence[str]) -> dict[str, int]:
        """Return the entries of contents that are there."""
        rows = self.server.rows(self.name, one_of("content", dict.fromkeys(contents)), ("id", "content"), level=STRONG)
        return {row["content"]: row["id"] for row in sorted(rows, key=lambda row: -row["id"])}

    def remove(self, which: Filter) -> int:
        """Remove the entries that a filter means, with all that is known of them; return their number."""
        self._require_writable()
        count = 0
        for some in parts(self.ids(which).tolist()):
            with turn(self.notes) as writer:
                there = [row["id"] for row in self.server.rows(self.name, one_of("id", some), ("id",), level=STRONG)]
                self.server.delete(self.name, there, writer.left())
                writer.done += self.notes.keys_about(some)
            count += len(there)
        if count:
            self.server.settle(self.name)
        return count

    def vacuum(self) -> None:
        """Let Milvus merge its files without what was removed, which it does in its time."""
        self._require_writable()
        for collection in (self.name, self.notes.collection):
            self.server.compact(collection)

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the entries, in sentences."""
        try:
            length, dim = self.server.length_of_vectors(self.name), int(self.facts["dim"])
            if length != dim:
                yield f"the vectors have the length {length}, not {dim}"
            contents, last, repeated = set[str](), self.last_id(), 0
            for page in self._pages(ALL, ("id", "content", "again")):
                for row in page:
                    repeated += row["content"] in contents and not row["again"]
                    contents.add(row["content"])
            if repeated:
                yield f"{repeated} entries have the content of another one"
            if beyond := self.server.count(self.name, f"id > {last}"):
                yield f"{beyond} entries have numbers that were not given to them"
        except (MSINetError, KeyError) as error:
            yield str(error)

    def readable(self) -> int:
        """Return the number of entries that Milvus counts."""
        with suppress(MSINetError):
            return self.count()
        return 0

    def contents(self, ids: Iterable[int]) -> dict[int, tuple[bytes, bool, bytes | None]]:
        """Return the content of entries as `add` takes it, whether it was added again, and their thumbnails, by number."""
        ids = list(ids)
        pictures = {note.number: base64.b64decode(note.text) for note in self.notes.about("thumbnail", ids)}
        rows = self._of(ids, ("id", "content", "again"))
        return {row["id"]: (bytes.fromhex(row["content"]), row["again"], pictures.get(row["id"])) for row in rows}

    def thumbnail(self, id: int) -> bytes | None:
        """Return the thumbnail of an entry, WebP; None where none is kept."""
        return next((base64.b64decode(note.text) for note in self.notes.about("thumbnail", [id])), None)

    def link(self, groups: Mapping[int, str | None]) -> None:
        """Write which identity entries have by `link`; None for none."""
        self._require_writable()
        self.notes.put(Note(f"link {id}", "link", id, text=name) for id, name in groups.items() if name)
        self.notes.remove([f"link {id}" for id, name in groups.items() if not name])

    def judge(self, one: int, other: int, same: bool | None) -> None:
        """Keep what somebody says of two entries: whether they show the same object; None takes it back."""
        self._require_writable()
        first, second = sorted((one, other))
        key = f"verdict {first} {second}"
        if same is None:
            self.notes.remove([key])
        else:
            self.notes.put([Note(key, "verdict", first, second, "same" if same else "different")])

    def verdicts(self) -> list[tuple[int, int, bool]]:
        """Return all that was said of two entries, sorted."""
        notes = self.notes.all("verdict", self.last_id())
        return sorted((note.number, note.other, note.text == "same") for note in notes)

    def add_calibration(self, made: str, content: str) -> None:
        """Keep a calibration; the latest one is used."""
        self._require_writable()
        self.notes.add_calibration(made, content)

    def calibration(self) -> tuple[str, str] | None:
        """Return when the latest calibration was made, and its content; None without one."""
        self._calibration = self.notes.calibration(self._calibration)
        return self._calibration and self._calibration[1]


def _server(address: "Address", token: str) -> MilvusServer:
    return MilvusServer(f"{address.host}:{address.port}", token, address.consistency)


def _thumbnail(id: int, picture: bytes) -> Note:
    return Note(f"thumbnail {id}", "thumbnail", id, text=base64.b64encode(picture).decode())


def _row(id: int, new: New, again: bool) -> Row:
    labels: Labels = new.labels
    return {
        "id": id,
        "content": new.content.hex(),
        "again": again,
        "identity": labels.identity or "",
        "camera": labels.camera or "",
        "time": labels.time.timestamp() if labels.time else NO_TIME,
        "track": labels.track or "",
        "path": labels.path or "",
        "fields": dict(labels.fields),
        "vector": np.asarray(new.vector, np.float32),
    }
