"""How alike pairs of the same and of different identities are, and what a threshold between them would do (ROC)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 2**20
"""So fine that a threshold is good to 2e-6 of a cosine."""

FALSE_POSITIVE_RATES = (1e-2, 1e-3, 1e-4)
"""At which people ask for the true positive rate."""

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
    """(BINS,) pairs of one identity, right answers."""
    different: np.ndarray
    """(BINS,) pairs of two, wrong answers."""

    def __add__(self, other: "PairCounts") -> "PairCounts":
        return PairCounts(self.low, self.high, self.same + other.same, self.different + other.different)

    def true_positive_rate(self, false_positive_rate: float) -> float:
        """Return the share of same pairs above the threshold that lets through at most such a share of different ones.

        Pairs in one bin count as equal, and the different ones stand first.
        """
        let_through, found = self._above()
        allowed = int(false_positive_rate * let_through[0])
        # The thresholds are the lower edges of the bins, and one above all of them that finds nothing.
        place = np.searchsorted(-let_through, -allowed)
        return float(found[place] / max(1, found[0]))

    def curve(self) -> dict[str, list[float]]:
        """Return the ROC curve at false positive rates from 1e-6 to 1."""
        rates = np.logspace(-6, 0, CURVE_POINTS).tolist()
        return {"fpr": rates, "tpr": [self.true_positive_rate(rate) for rate in rates]}

    def histogram(self) -> dict[str, list]:
        """Return `edges` over the similarities that occur, and the counts `same` and `different` between them."""
        filled = np.flatnonzero(self.same + self.different)
        first, last = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, len(self.same))
        wide = -(-(last - first) // SHOWN_BARS)
        starts = np.arange(first, last, wide)
        width = (self.high - self.low) / len(self.same)
        edges = self.low + width * np.append(starts, min(int(starts[-1]) + wide, len(self.same)))
        bars = {name: np.add.reduceat(getattr(self, name)[:last], starts).tolist() for name in ("same", "different")}
        return {"edges": edges.tolist(), **bars}

    def summary(self) -> dict[str, Any]:
        """Return the true positive rates that people ask for, and the curve, as JSON values."""
        rates = {f"{rate:.0e}": self.true_positive_rate(rate) for rate in FALSE_POSITIVE_RATES}
        return {"tpr_at_fpr": rates, "curve": self.curve()}

    def _above(self) -> tuple[np.ndarray, np.ndarray]:
        """Return how many different and how many same pairs lie at or above each bin's lower edge, (BINS + 1,) each."""
        sums = (np.append(np.cumsum(counts[::-1])[::-1], 0) for counts in (self.different, self.same))
        different, same = sums
        return different, same
