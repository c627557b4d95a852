"""Pairs of a query and a gallery image by their similarity: histograms of same and different identities, and the ROC."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from msinet.evaluation import counting
from msinet.evaluation.evidence import ROC, Histogram, OperatingPoint
from msinet.evaluation.relevance import Relevance
from msinet.evaluation.similarities import as_array

BINS = 2**20
"""Fine enough that a threshold is exact to 2e-6 of a cosine."""

COSINES = (-1.0, 1.0)

FALSE_POSITIVE_RATES = (1e-2, 1e-3, 1e-4)
"""False positive rates that papers report."""

CURVE_POINTS = 61
SHOWN_BARS = 400


@dataclass(frozen=True)
class PairCounts:
    """Pairs of a query and a gallery image by their similarity; junk is left out."""

    low: float
    """Where the first bin begins."""
    high: float
    """Where the last bin ends."""
    same: np.ndarray
    """(BINS,) pairs of one identity: matches."""
    different: np.ndarray
    """(BINS,) pairs of two identities: non-matches."""

    def __add__(self, other: "PairCounts") -> "PairCounts":
        return PairCounts(self.low, self.high, self.same + other.same, self.different + other.different)

    def true_positive_rates(self, false_positive_rates: Sequence[float]) -> list[float]:
        """Return the shares of same pairs above the thresholds that at most these shares of different pairs pass.

        Pairs in one bin count as equal, and the different ones come first.
        """
        different, same = (np.append(np.cumsum(counts[::-1])[::-1], 0) for counts in (self.different, self.same))
        # (BINS + 1,) pairs above each threshold: the lower edges of the bins, and one above all of them.
        allowed = (np.asarray(false_positive_rates) * different[0]).astype(np.int64)
        places = np.searchsorted(-different, -allowed)
        return (same[places] / max(1, same[0])).tolist()

    def roc(self) -> ROC:
        """Return the true positive rates that papers report, and the curve at false positive rates from 1e-6 to 1."""
        rates = [*FALSE_POSITIVE_RATES, *np.logspace(-6, 0, CURVE_POINTS).tolist()]
        points = tuple(map(OperatingPoint, rates, self.true_positive_rates(rates)))
        return ROC(points[: len(FALSE_POSITIVE_RATES)], points[len(FALSE_POSITIVE_RATES) :])

    def histogram(self) -> Histogram:
        """Return the counts of same and different pairs over the similarities that occur."""
        filled = np.flatnonzero(self.same + self.different)
        first, last = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, len(self.same))
        wide = -(-(last - first) // SHOWN_BARS)
        starts = np.arange(first, last, wide)
        width = (self.high - self.low) / len(self.same)
        edges = self.low + width * np.append(starts, min(int(starts[-1]) + wide, len(self.same)))
        same, different = (tuple(np.add.reduceat(counts[:last], starts).tolist()) for counts in (self.same, self.different))
        return Histogram(tuple(edges.tolist()), same, different)


class PairCounter:
    """Counts pairs by cosine, a block of rows at a time: all of them, less matches and junk.

    Args:
        relevance: matches and junk of all queries.
    """

    def __init__(self, relevance: Relevance) -> None:
        self.relevance = relevance
        low, high = COSINES
        self.scale = BINS / (high - low)
        self.everything = np.zeros((numba.get_num_threads(), BINS), np.int64)
        self.matches, self.junk = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)

    def add(self, rows: Any, first: int) -> None:
        """Count the pairs of the queries from `first` on; rows: (b, G)."""
        low = COSINES[0]
        if isinstance(rows, np.ndarray):
            counting.count_by_similarity(rows, low, self.scale, self.everything)
        else:
            from msinet.evaluation import gpu

            self.everything[0] += gpu.count_by_similarity(rows, low, self.scale, BINS)
        found = as_array(rows)
        for lists, counts in ((self.relevance.matches, self.matches), (self.relevance.junk, self.junk)):
            part = lists.part(first, len(found))
            values = found[part.owners, part.positions].astype(np.float64)
            counts += np.bincount(((values - low) * self.scale).astype(np.int64).clip(0, BINS - 1), minlength=BINS)

    def result(self) -> PairCounts:
        """Return the pairs counted so far."""
        different = self.everything.sum(0) - self.matches - self.junk
        return PairCounts(*COSINES, self.matches, different)
