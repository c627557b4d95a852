"""Indexes: which entries may be nearest to a query. The store has the vectors, by which candidates are judged."""

from collections.abc import Iterator
from typing import Any, Protocol

import faiss as typed_faiss
import numpy as np

faiss: Any = typed_faiss  # Its types know neither its keywords nor what an index really is.

SAMPLE = 64
"""Vectors for each list that the centres of lists are learned from."""

ITERATIONS = 10
"""Iterations of k-means that learn them."""

TRIED = 100
"""Entries whose nearest ones are looked for to measure the recall."""

NEAREST = 10
"""Number of nearest ones that the recall is of."""

RECALL = 0.995
"""Recall that the number of visited lists is chosen for."""

CANDIDATES = (100, 200, 400, 800)
"""Numbers of candidates that are judged by their vectors; the first that reaches the wanted recall is taken."""


class Index(Protocol):
    """Candidates for a query."""

    last: int
    """Highest number of an entry that the index has."""
    judged: int
    """Least number of candidates that are judged by their vectors."""

    def add(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Add entries (N,) with vectors (N, D), whose numbers are higher than all before."""
        ...

    def candidates(
        self, query: np.ndarray, count: int, among: np.ndarray | None = None, effort: int | None = 1
    ) -> np.ndarray:
        """Return the numbers of at most `count` entries, the likely nearest ones of a query (D,), the likeliest first.

        Args:
            query: unit length.
            count: fewer are returned only where there are no more.
            among: (N,) entries to choose from, sorted; by default all.
            effort: how many times the usual part of the index is looked at; None for the whole index.
        """
        ...


class ExactIndex:
    """All vectors in memory, each compared with the query."""

    judged = CANDIDATES[0]

    def __init__(self, dim: int) -> None:
        self.last, self.count = 0, 0
        self._ids, self._vectors = np.empty(0, np.int64), np.empty((0, dim), np.float32)

    def add(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Add entries; see `Index`."""
        end = self.count + len(ids)
        if end > len(self._ids):
            room = max(end, 2 * len(self._ids))
            self._ids = np.concatenate([self._ids[: self.count], np.zeros(room - self.count, np.int64)])
            empty = np.empty((room - self.count, self._vectors.shape[1]), np.float32)
            self._vectors = np.concatenate([self._vectors[: self.count], empty])
        self._ids[self.count : end], self._vectors[self.count : end] = ids, vectors
        self.count = end
        self.last = int(ids[-1]) if len(ids) else self.last

    def candidates(
        self, query: np.ndarray, count: int, among: np.ndarray | None = None, effort: int | None = 1
    ) -> np.ndarray:
        """Return the nearest entries; see `Index`."""
        ids, vectors = self._ids[: self.count], self._vectors[: self.count]
        if among is not None:
            meant = np.isin(ids, among, assume_unique=True)
            ids, vectors = ids[meant], vectors[meant]
        return ids[np.argsort(-(vectors @ query))[:count]]


class CodedIndex:
    """A bit a dimension of each vector (RaBitQ), in lists by the nearest of some hundred centres (FAISS).

    100 bytes an entry hold 768 dimensions. A query visits some lists only, as many as reached the wanted recall when the
    index was made.

    Args:
        coded: the lists.
        last: highest number of an entry in them.
        trained_on: number of entries that there were when the centres were learned.
        visited: number of lists that a query visits; by default all.
        judged: least number of candidates that a query needs.
        recall: share of the nearest entries that are found so.
    """

    def __init__(
        self,
        coded: Any,
        last: int,
        trained_on: int,
        visited: int | None = None,
        judged: int = CANDIDATES[0],
        recall: float = 0.0,
    ) -> None:
        self._owner = coded  # What it is cast to is the same object in memory, and goes with its owner.
        self.coded = faiss.downcast_index(coded)
        self.last, self.trained_on, self.recall = last, trained_on, recall
        self.visited, self.judged = visited or self.coded.nlist, judged

    @property
    def count(self) -> int:
        """Number of entries, those included that were removed from the gallery since."""
        return self.coded.ntotal

    def add(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Add entries; see `Index`."""
        if len(ids):
            self.coded.add_with_ids(np.ascontiguousarray(vectors), ids)
            self.last = int(ids[-1])

    def candidates(
        self, query: np.ndarray, count: int, among: np.ndarray | None = None, effort: int | None = 1
    ) -> np.ndarray:
        """Return likely nearest entries; see `Index`."""
        wanted = min(count, self.count if among is None else len(among))
        selector = None if among is None else self._selector(among)
        visited = min(self.coded.nlist, self.visited * effort if effort else self.coded.nlist)
        found = self._search(query, wanted, visited, selector)
        if len(found) < wanted and visited < self.coded.nlist:  # The visited lists have no more.
            found = self._search(query, wanted, self.coded.nlist, selector)
        return found

    def _selector(self, among: np.ndarray) -> Any:
        bits = np.zeros(self.last // 8 * 8 + 8, bool)
        bits[among[among <= self.last]] = True
        return faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))

    def _search(self, query: np.ndarray, count: int, visited: int, selector: Any = None) -> np.ndarray:
        options = faiss.SearchParametersIVF(nprobe=visited, sel=selector) if selector else None
        options = options or faiss.SearchParametersIVF(nprobe=visited)
        found = self.coded.search(query[None], count, params=options)[1][0]
        return found[found >= 0]


def lists_for(count: int) -> int:
    """Return how many lists a number of entries is divided into: about its square root."""
    return max(16, round(count**0.5))


def train_lists(sample: np.ndarray, lists: int) -> Any:
    """Return empty lists, whose centres are learned from vectors (N, D)."""
    coded = faiss.index_factory(sample.shape[1], f"IVF{lists},RaBitQ", faiss.METRIC_INNER_PRODUCT)
    coded.cp.niter = ITERATIONS
    coded.cp.min_points_per_centroid = 1  # Fewer are no fault of the user, whom FAISS would warn.
    coded.train(np.ascontiguousarray(sample))
    return coded


class NearestOfSome:
    """The exact nearest entries of some entries, while all pass by: what the recall of an index is measured by.

    Args:
        ids: (Q,) the entries that are asked for.
        vectors: (Q, D) theirs.
    """

    def __init__(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        self.ids, self.vectors = ids, vectors
        self.nearest = np.full((len(ids), NEAREST), -1, np.int64)
        self._similarities = np.full((len(ids), NEAREST), -np.inf, np.float32)

    def look_at(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Look at entries (N,) with vectors (N, D)."""
        here = np.where(ids == self.ids[:, None], -np.inf, self.vectors @ vectors.T)  # Nobody asks for what is the query.
        similarities = np.concatenate([self._similarities, here], axis=1)
        all_ids = np.concatenate([self.nearest, np.broadcast_to(ids, here.shape)], axis=1)
        best = np.argpartition(-similarities, NEAREST - 1, axis=1)[:, :NEAREST]
        self.nearest = np.take_along_axis(all_ids, best, axis=1)
        self._similarities = np.take_along_axis(similarities, best, axis=1)

    def recall(self, index: Index) -> float:
        """Return the share of the nearest entries that are among an index' candidates."""
        if not len(self.ids):
            return 1.0
        shares = []
        for id, vector, nearest in zip(self.ids.tolist(), self.vectors, self.nearest, strict=True):
            found = index.candidates(vector, index.judged + 1)
            real = nearest[nearest >= 0]
            shares.append(np.isin(real, found[found != id]).mean() if len(real) else 1.0)
        return float(np.mean(shares))


def choose_effort(index: CodedIndex, nearest: NearestOfSome) -> None:
    """Let queries judge as few candidates and visit as few lists as reach the wanted recall; the most, where none does."""
    index.visited = index.coded.nlist
    for judged in CANDIDATES:
        index.judged = judged
        index.recall = nearest.recall(index)
        if index.recall >= RECALL:
            break
    wanted = min(RECALL, index.recall)
    for visited in _doubled(8, index.coded.nlist):
        index.visited = visited
        index.recall = nearest.recall(index)
        if index.recall >= wanted:
            return


def _doubled(first: int, last: int) -> Iterator[int]:
    while first < last:
        yield first
        first *= 2
    yield last
