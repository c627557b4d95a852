"""False positives and detections by threshold: rates in which identities count equally, thresholds, 95 % intervals."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

RESAMPLES = 1000

POINTS = 100
"""Number of thresholds of a curve."""

RATES = (0.1, 0.05, 0.02, 0.01, 0.005, 0.001)
"""Rates of false positives whose thresholds are listed, as far as the labelled identities can show them."""

SLACK = 1e-9
"""Rounding of sums of weights."""


@dataclass(frozen=True, slots=True)
class FoundRate:
    """A rate that was found, 0 to 1, and its 95 % interval."""

    found: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Rates by threshold."""

    thresholds: tuple[float, ...]
    """Rising."""
    false_positives: tuple[float, ...]
    """FPIR: share of unknown queries whose best match reaches the threshold."""
    detections: tuple[float, ...]
    """DIR at rank 1: share of known queries whose best match is right and reaches the threshold."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A rate of false positives, and what it costs in detections."""

    rate: float
    """The rate that is allowed."""
    threshold: float
    false_positives: float
    """FPIR at the threshold."""
    detections: float
    """DIR at rank 1 at the threshold."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Similarities of queries. All identities weigh the same, however many queries they have."""

    similarities: np.ndarray
    """(Q,)"""
    identities: np.ndarray
    """(Q,) int: numbers from 0, of which none is left out."""

    @property
    def count(self) -> int:
        """Number of identities."""
        return int(self.identities.max()) + 1 if len(self.identities) else 0

    @property
    def weights(self) -> np.ndarray:
        """(Q,) shares of the queries, which sum up to 1."""
        return 1 / (np.bincount(self.identities)[self.identities] * self.count)

    def by_identity(self, threshold: float) -> np.ndarray:
        """Return the share of each identity's queries that reach a threshold, (I,)."""
        return np.bincount(self.identities, self.similarities >= np.float64(threshold)) / np.bincount(self.identities)

    def rates(self, thresholds: np.ndarray) -> np.ndarray:
        """Return the share of queries that reach each threshold."""
        order = np.argsort(self.similarities)
        below = np.concatenate([[0.0], np.cumsum(self.weights[order])])
        return np.clip(1 - below[np.searchsorted(self.similarities[order], thresholds)], 0, 1)


def least_threshold(similarities: np.ndarray, weights: np.ndarray, rate: float) -> float:
    """Return the least of these similarities that at most a share of the queries reach; one above all if none is such.

    A new unknown query reaches it with a probability of at most the rate, if it is drawn like these: it then stands at any
    rank among them equally often (conformal prediction). The numbers between two similarities would not keep this.

    Args:
        similarities: (Q,) float32.
        weights: (Q,) above 0.
        rate: greatest sum of the weights.
    """
    order = np.argsort(-similarities, kind="stable")
    falling, reached = similarities[order], np.cumsum(weights[order])
    last_of_equals = np.append(falling[1:] != falling[:-1], True)
    allowed = falling[last_of_equals & (reached <= rate + SLACK)]
    return float(allowed[-1] if len(allowed) else np.nextafter(np.float32(falling[0]), np.float32(np.inf)))


def exact_interval(shares: np.ndarray) -> FoundRate:
    """Return the mean of shares of identities with its Clopper-Pearson interval (1934), which is not 0 wide at a rate of 0.

    An identity's share counts as that part of a yes; a share varies no more than a yes or no of the same mean, so that the
    interval is rather too wide.

    Args:
        shares: (I,) of each identity's queries, 0 to 1.
    """
    count, total = float(shares.sum()), len(shares)
    low = float(betaincinv(count, total - count + 1, 0.025)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, total - count, 0.975)) if count < total else 1.0
    return FoundRate(count / total, low, high)


def bootstrap_interval(shares: np.ndarray, seed: int) -> FoundRate:
    """Return the mean of shares of identities with its interval over resampled identities; the exact one at 0 and 1.

    Args:
        shares: (I,) of each identity's queries, 0 to 1.
        seed: seed of the resampling.
    """
    if shares.min() == shares.max():
        return exact_interval(shares)
    draws = np.random.default_rng(seed).multinomial(len(shares), np.full(len(shares), 1 / len(shares)), RESAMPLES)
    low, high = np.percentile(draws @ shares / len(shares), (2.5, 97.5))
    return FoundRate(float(shares.mean()), float(low), float(high))


def curve_of(unknown: Scores, known: Scores) -> Curve:
    """Return both rates at thresholds from the lowest to the highest best match.

    Args:
        unknown: similarities of the best matches of unknown queries.
        known: similarities of the best matches of known queries, -inf where these are wrong.
    """
    high = max(float(unknown.similarities.max()), float(known.similarities.max()))
    thresholds = np.linspace(float(unknown.similarities.min()), high, POINTS)
    return Curve(
        tuple(thresholds.tolist()), tuple(unknown.rates(thresholds).tolist()), tuple(known.rates(thresholds).tolist())
    )


def choices_of(unknown: Scores, known: Scores) -> tuple[Choice, ...]:
    """Return the thresholds of `RATES`, for those that this number of identities can show; arguments as in `curve_of`."""
    shown = [rate for rate in RATES if rate * unknown.count >= 1 - SLACK]
    thresholds = np.array([least_threshold(unknown.similarities, unknown.weights, rate) for rate in shown])
    columns = (shown, thresholds.tolist(), unknown.rates(thresholds).tolist(), known.rates(thresholds).tolist())
    return tuple(Choice(*row) for row in zip(*columns, strict=True))
