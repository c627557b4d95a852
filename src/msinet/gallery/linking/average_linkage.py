"""Average linkage under constraints, without a matrix of all pairs.

The average similarity of two clusters of unit vectors is the product of their sums over that of their sizes. It reaches a
threshold only if that of one pair of members does, so only clusters with such a pair are compared. A merge brings a cluster
nearer to no third one than the nearer of its two parts was (average linkage is reducible), and inherits what its parts must
not be merged with. So a cluster's candidates are those of its parts, and a list of them is made once, when it is made.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from msinet.errors import SettingsError

BLOCK = 256
"""Rows of the similarities that are computed at a time."""

MOST_PAIRS = 30_000_000
"""Near pairs beyond which memory runs short: about 4 GB."""

Apart = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Which pairs must not be in one cluster, for positions that broadcast against each other."""


@dataclass(frozen=True)
class Merge:
    """Two clusters that became one."""

    first: np.ndarray
    """Members of the one."""
    second: np.ndarray
    """Members of the other."""
    similarity: float
    """Average over the pairs of a member of the one and a member of the other."""


@dataclass(frozen=True)
class Cluster:
    """Vectors that belong together."""

    members: np.ndarray
    """Positions of the vectors."""
    weakest: Merge | None = None
    """The merge with the least similarity; None for a cluster that was one from the start."""


def near_pairs(vectors: np.ndarray, threshold: float) -> np.ndarray:
    """Return all pairs of vectors whose similarity reaches a threshold, (E, 2) int32, the lower position first.

    Args:
        vectors: (N, D) float32, unit length.
        threshold: cosine, -1 to 1.

    Raises:
        SettingsError: more pairs are near than memory holds.
    """
    found, total = [np.empty((0, 2), np.int32)], 0
    for start in range(0, len(vectors), BLOCK):
        similarities = vectors[start : start + BLOCK] @ vectors[start:].T
        one, other = np.nonzero(similarities >= threshold)
        upper = one < other
        found.append(np.stack([one[upper], other[upper]], 1).astype(np.int32) + start)
        total += len(found[-1])
        if total > MOST_PAIRS:
            raise SettingsError(
                f"more than {MOST_PAIRS:,} pairs are at least {threshold:g} similar: raise the threshold, or link fewer "
                "passes at a time, such as those of a day",
                "threshold",
            )
    return np.concatenate(found)


def merge_clusters(
    vectors: np.ndarray, clusters: Sequence[Cluster], pairs: np.ndarray, threshold: float, apart: Apart
) -> list[Cluster]:
    """Merge the two most similar clusters that may be merged, again and again, while their similarity reaches a threshold.

    Args:
        vectors: (N, D) float32, unit length.
        clusters: to start from; each of the N positions is in one of them.
        pairs: (E, 2) positions of vectors. Only clusters with such a pair are compared; all pairs that reach the threshold
            make the result exact.
        threshold: least average similarity of two clusters that are merged.
        apart: which pairs of vectors are never in one cluster, unless they are from the start.
    """
    linkage = _Linkage(vectors, clusters, pairs, threshold, apart)
    linkage.run()
    return list(linkage.clusters.values())


@dataclass
class _Candidates:
    """Clusters that one may be merged with, as they were when it was made; those made later have it as a candidate."""

    numbers: np.ndarray
    """The most similar first."""
    similarities: np.ndarray
    place: int = 0
    """Place of the candidate that is on the heap."""


class _Linkage:
    """Clusters by number; a merged cluster has a new one."""

    def __init__(
        self, vectors: np.ndarray, clusters: Sequence[Cluster], pairs: np.ndarray, threshold: float, apart: Apart
    ) -> None:
        self.threshold, self.apart = threshold, apart
        self.clusters = dict(enumerate(clusters))
        self.numbers = count(len(clusters))
        self.sums = vectors.copy()  # (N, D), valid in the first row of each cluster
        self.row, self.size = (np.zeros(2 * len(clusters), np.int64) for _ in range(2))  # by number
        self.owner = np.empty(len(vectors), np.int32)
        for number, cluster in self.clusters.items():
            self.row[number], self.size[number] = cluster.members[0], len(cluster.members)
            self.owner[cluster.members] = number
            if len(cluster.members) > 1:
                self.sums[self.row[number]] = vectors[cluster.members].sum(0)
        self.heap: list[tuple[float, int, int]] = []
        self.candidates = {number: self._candidates(number, near) for number, near in self._neighbours(pairs)}

    def run(self) -> None:
        for number in self.candidates:
            self._propose(number)
        while self.heap:
            similarity, one, other = heapq.heappop(self.heap)
            if one in self.clusters and other in self.clusters:
                self._merge(one, other, -similarity)
            elif one in self.clusters:
                self._propose(one)

    def _neighbours(self, pairs: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each cluster with near ones, and the positions of near vectors."""
        pairs = pairs[~self.apart(pairs[:, 0], pairs[:, 1])]
        owners = self.owner[pairs]
        across = owners[:, 0] != owners[:, 1]
        numbers, near = owners[across].T.ravel(), pairs[across, ::-1].T.ravel()
        order = np.argsort(numbers, kind="stable")
        starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
        if len(starts):
            yield from zip(numbers[order][starts].tolist(), np.split(near[order], starts[1:]), strict=True)

    def _candidates(self, one: int, near: np.ndarray) -> _Candidates:
        """Return the clusters of near vectors whose similarity to a cluster reaches the threshold."""
        others = np.unique(self.owner[near])
        similarities = (self.sums[self.row[others]] @ self.sums[self.row[one]]) / (self.size[others] * self.size[one])
        close = np.flatnonzero((similarities >= self.threshold) & (others != one))
        close = close[np.argsort(-similarities[close], kind="stable")]
        return _Candidates(others[close].astype(np.int32), similarities[close].astype(np.float32))

    def _propose(self, one: int) -> None:
        """Put the best candidate of a cluster that still exists and may be merged with it on the heap."""
        candidates, members = self.candidates[one], self.clusters[one].members[:, None]
        for place in range(candidates.place, len(candidates.numbers)):
            other = int(candidates.numbers[place])
            if other in self.clusters and not self.apart(members, self.clusters[other].members).any():
                candidates.place = place
                heapq.heappush(self.heap, (-float(candidates.similarities[place]), one, other))
                return
        candidates.place = len(candidates.numbers)

    def _merge(self, one: int, other: int, similarity: float) -> None:
        first, second = self.clusters.pop(one), self.clusters.pop(other)
        merge = Merge(first.members, second.members, similarity)
        weakest = min((part for part in (merge, first.weakest, second.weakest) if part), key=lambda part: part.similarity)
        number, members = next(self.numbers), np.concatenate([first.members, second.members])
        self.clusters[number] = Cluster(members, weakest)
        self.owner[members] = number
        self.row[number], self.size[number] = self.row[one], len(members)
        self.sums[self.row[one]] += self.sums[self.row[other]]
        near = np.concatenate([self.candidates.pop(part).numbers for part in (one, other)])
        self.candidates[number] = self._candidates(number, self.row[near])
        self._propose(number)
