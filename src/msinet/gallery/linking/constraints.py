"""Constraints of linking: pairs of passes that cannot be, or must not be, of one object."""

from collections.abc import Iterable

import numpy as np

from msinet.gallery.linking.passes import Passes
from msinet.gallery.linking.travel import Travel


class Constraints:
    """Which pairs of passes are kept apart.

    Two passes are apart if a person gave them different identities or marked them as different, if one camera saw them at
    overlapping times, since nothing is twice in one picture, or if nothing travels between their cameras in that time.
    """

    def __init__(self, passes: Passes, different: Iterable[tuple[int, int]] = (), travel: Travel | None = None) -> None:
        self.identity, _ = numbered(passes.identities)
        self.camera, cameras = numbered(passes.cameras)
        self.first, self.last = passes.first, passes.last
        self.limits = travel.limits(cameras) if travel and cameras else None
        self.total = len(passes)
        self.marked = np.unique(self._pair(*np.array(list(different), np.int64).reshape(-1, 2).T))
        self.timed = bool(np.isfinite(passes.first).any())
        self.named = bool((self.identity >= 0).any())

    def apart(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return which pairs are kept apart, bool, for positions of passes that broadcast against each other."""
        apart = self.forbidden(one, other)
        return apart | self._impossible(one, other) if self.timed else apart

    def forbidden(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return which pairs a person keeps apart, by identities or by marks."""
        apart = np.zeros(np.broadcast_shapes(one.shape, other.shape), bool)
        if self.named:
            known = (self.identity[one] >= 0) & (self.identity[other] >= 0)
            apart |= known & (self.identity[one] != self.identity[other])
        if len(self.marked):
            pair = self._pair(one, other)
            place = np.minimum(np.searchsorted(self.marked, pair), len(self.marked) - 1)
            apart |= self.marked[place] == pair
        return apart

    def _impossible(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return which pairs times and cameras exclude; comparisons with an unknown time, NaN, are false."""
        here, there = self.camera[one], self.camera[other]
        overlap = (self.first[one] <= self.last[other]) & (self.first[other] <= self.last[one])
        impossible = (here == there) & (here >= 0) & overlap
        if self.limits is not None:
            forth = (self.first[one] <= self.first[other]) & self._possible(here, there, self.first[other] - self.last[one])
            back = (self.first[other] <= self.first[one]) & self._possible(there, here, self.first[one] - self.last[other])
            known = (here >= 0) & (there >= 0) & ~np.isnan(self.first[one] + self.first[other])
            impossible |= known & ~forth & ~back
        return impossible

    def _possible(self, before: np.ndarray, after: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        assert self.limits is not None
        least, greatest = self.limits
        return (least[before, after] <= seconds) & (seconds <= greatest[before, after])

    def _pair(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return a number for each pair, the same for both orders."""
        return np.minimum(one, other).astype(np.int64) * self.total + np.maximum(one, other)


def numbered(labels: Iterable[str | None]) -> tuple[np.ndarray, list[str]]:
    """Return a number for each label, (N,) int64, -1 for None, and the labels in the order of the numbers."""
    labels = list(labels)
    names = sorted({label for label in labels if label is not None})
    numbers: dict[str | None, int] = {name: number for number, name in enumerate(names)} | {None: -1}
    return np.array([numbers[label] for label in labels], np.int64), names
