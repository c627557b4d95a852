"""Finding: the nearest entries of a vector, by an index that is kept in step with the store and judged by it."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from msinet.gallery.entries import Entry
from msinet.gallery.filters import ALL, Filter
from msinet.gallery.index import (
    SAMPLE,
    TRIED,
    CodedIndex,
    ExactIndex,
    Index,
    NearestOfSome,
    choose_effort,
    lists_for,
    train_lists,
)
from msinet.gallery.index_files import load_index, save_index
from msinet.gallery.store import Store
from msinet.progress import begin

EXACT_UP_TO = 20_000
"""Entries up to which each vector is compared with the query."""

GROWTH = 4
"""Factor by which a gallery grows until the lists of its index are learned anew."""

SAVED_EVERY = 50_000
"""New entries after which the index is written again; the next process adds what is missing."""

MEANT = 200
"""Entries meant by a filter up to which each vector is read from the store."""

LISTED = 2_000
"""Entries meant by a filter up to which they are listed at once, without an estimate of their share of all."""

JUDGED = 10
"""Least number of candidates for each wanted match."""

WIDER = 4
"""Factor of the lists that are visited where a filter means a part of the entries: its nearest ones lie further away. Of
1,000,000 entries, 2,000 to 10,000 meant by chance were found with a recall of 1 so, and of 0.9975 with a factor of 2."""

BROAD = 0.05
"""Share of the entries that a filter has to mean for candidates to be looked through, in place of all that it means."""

SAMPLED = 400
"""Entries by which that share is estimated."""

SPARE = 1.3
"""Factor of the number of candidates that are looked through: by chance, fewer of them are meant."""


class Found(NamedTuple):
    """An entry, and how similar it is to the query."""

    entry: Entry
    similarity: float


class Finder:
    """The nearest entries of vectors in a gallery; used by any number of threads.

    Args:
        store: the truth.
        folder: where the index is kept.
        dim: length of a vector.
        keeps: whether the index is written to the folder.

    Attributes:
        in_background: whether an index that is outgrown goes on until a new one was made; otherwise queries wait for that.
    """

    in_background = False

    def __init__(self, store: Store, folder: Path, dim: int, keeps: bool = True) -> None:
        self.store, self.folder, self.dim, self.keeps = store, folder, dim, keeps
        self._index: Index | None = None
        self._saved = self._seen = 0
        self._maker: threading.Thread | None = None
        self._lock = threading.RLock()

    @property
    def index(self) -> Index:
        """The index, with all entries of the store."""
        with self._lock:
            last = self.store.last_id()
            if self._index is None:
                self._index = self._open(last)
            if self._seen < last:
                self._catch_up(self._index)
                self._seen = last
            if self._is_outgrown(self._index):
                self._replace()
            self._save_now_and_then(self._index)
            return self._index

    def _catch_up(self, index: Index) -> None:
        """Add the entries that are newer than an index."""
        for ids, vectors in self.store.blocks(index.last):
            index.add(ids, vectors)

    def _replace(self) -> None:
        """Make an index of the present size, at once or, where queries must not wait, beside them."""
        if not self.in_background:
            self._index, self._saved = self._made(), 0
        elif self._maker is None or not self._maker.is_alive():
            self._maker = threading.Thread(target=self._replace_beside, name="index", daemon=True)
            self._maker.start()

    def _replace_beside(self) -> None:
        made = self._made()
        with self._lock:
            self._catch_up(made)
            self._index, self._saved = made, 0

    def _open(self, last: int) -> Index:
        """Return the index of the folder or, where there is none that fits, a new one."""
        found = load_index(self.folder, self.store.facts["id"])
        if found is None or found.last > last or found.coded.d != self.dim:
            return self._made()
        self._saved = found.last
        return found

    def _is_outgrown(self, index: Index) -> bool:
        if isinstance(index, CodedIndex):
            return index.count > GROWTH * index.trained_on
        return isinstance(index, ExactIndex) and index.count > EXACT_UP_TO

    def _made(self) -> Index:
        """Return a new index of all entries, with its recall measured."""
        ids = self.store.ids()
        if len(ids) <= EXACT_UP_TO:
            exact = ExactIndex(self.dim)
            self._catch_up(exact)
            return exact
        rng, lists = np.random.default_rng(0), lists_for(len(ids))
        bar = begin("index", len(ids))
        sample = self.store.vectors(rng.choice(ids, min(len(ids), SAMPLE * lists), replace=False))[1]
        nearest = NearestOfSome(*self.store.vectors(rng.choice(ids, TRIED, replace=False)))
        index = CodedIndex(train_lists(sample, lists), 0, len(ids))
        for numbers, vectors in self.store.blocks():
            index.add(numbers, vectors)
            nearest.look_at(numbers, vectors)
            bar.advance(len(numbers))
        choose_effort(index, nearest)
        return index

    def _save_now_and_then(self, index: Index) -> None:
        if isinstance(index, CodedIndex) and self.keeps and (not self._saved or index.last >= self._saved + SAVED_EVERY):
            save_index(index, self.folder, self.store.facts["id"])
            self._saved = index.last

    def rebuild(self) -> None:
        """Make the index anew."""
        with self._lock:
            self._index, self._saved = self._made(), 0
            self._save_now_and_then(self._index)

    def recall(self) -> float:
        """Return the share of the nearest entries that the index finds, of entries that are drawn by chance."""
        with self._lock:
            ids = self.store.ids()
            drawn = np.random.default_rng(1).choice(ids, min(TRIED, len(ids)), replace=False)
            nearest = NearestOfSome(*self.store.vectors(drawn))
            for block in self.store.blocks():
                nearest.look_at(*block)
            return nearest.recall(self.index)

    def nearest(
        self, query: np.ndarray, top_k: int, which: Filter = ALL, group: Callable[[Entry], object] | None = None
    ) -> list[Found]:
        """Return the nearest entries of a vector (D,), the most similar first, judged by the vectors of the store.

        Args:
            query: unit length.
            top_k: number of entries or, with groups, of groups.
            which: entries that are meant.
            group: what entries have in common of which the nearest alone is returned.
        """
        best: list[Found] = []
        for candidates in self._rounds(query, top_k, which):
            best = self._first(self._ranked(query, candidates), top_k, group)
            if len(best) >= top_k:
                break
        return best

    def _rounds(self, query: np.ndarray, top_k: int, which: Filter) -> Iterator[np.ndarray]:
        """Yield more and more candidates, all of them meant, until all that are meant were yielded."""
        needed, among, effort = max(self.index.judged, JUDGED * top_k), None, 1
        if not which.is_all:
            among = self.store.ids(which, LISTED + 1)
            if len(among) <= MEANT:
                yield among
                return
            effort = None
            if len(among) > LISTED:
                if len(found := self._meant(query, needed, which)) == needed:
                    yield found
                among, effort = self.store.ids(which), WIDER
        while True:
            found = self._candidates(query, needed, among, effort)
            yield found
            if len(found) < needed:
                return
            needed *= 4

    def _candidates(
        self, query: np.ndarray, count: int, among: np.ndarray | None = None, effort: int | None = 1
    ) -> np.ndarray:
        with self._lock:
            return self.index.candidates(query, count, among, effort)

    def _meant(self, query: np.ndarray, needed: int, which: Filter) -> np.ndarray:
        """Return the first candidates that a filter means: as many as are needed, or fewer where it means few entries."""
        share = self._share(which)
        if share < BROAD:
            return np.empty(0, np.int64)
        # Entries that are meant lie in lists that are further away, if they are few.
        found = self._candidates(query, int(SPARE * needed / share), effort=1 if share > 0.5 else WIDER)
        return found[self._passing(found, which)][:needed]

    def _share(self, which: Filter) -> float:
        """Return the share of the entries that a filter means, estimated by some; too low where many were removed."""
        drawn = np.unique(np.random.default_rng(0).integers(1, self.store.last_id() + 1, SAMPLED))
        return len(self.store.ids(replace(which, ids=tuple(drawn.tolist())))) / len(drawn)

    def _passing(self, candidates: np.ndarray, which: Filter) -> np.ndarray:
        """Return which candidates a filter means, (N,) bool."""
        return np.isin(candidates, self.store.ids(replace(which, ids=tuple(candidates.tolist()))))

    def _ranked(self, query: np.ndarray, candidates: np.ndarray) -> list[tuple[int, float]]:
        """Return those candidates that are in the store, the most similar first; then the lower number first."""
        ids, vectors = self.store.vectors(candidates)
        if not len(ids):
            return []
        similarities = vectors @ query
        order = np.lexsort((ids, -similarities))
        return list(zip(ids[order].tolist(), similarities[order].tolist(), strict=True))

    def _first(self, ranked: list[tuple[int, float]], top_k: int, group: Callable[[Entry], object] | None) -> list[Found]:
        """Return the first entries or, with groups, the first of each group."""
        first: dict[object, Found] = {}
        for start in range(0, len(ranked), top_k):
            some = ranked[start : start + top_k]
            entries = self.store.entries(id for id, _ in some)
            for id, similarity in some:
                if id in entries:
                    first.setdefault(group(entries[id]) if group else id, Found(entries[id], similarity))
            if len(first) >= top_k:
                break
        return list(first.values())[:top_k]
