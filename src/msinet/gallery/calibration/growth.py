"""Growth: false positives and thresholds of smaller galleries, measured, and of larger ones, estimated."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import root_scalar

from msinet.gallery.calibration.false_positives import Scores, least_threshold
from msinet.gallery.calibration.nearest_identities import Nearest

SMALLER = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
LARGER = (10.0, 100.0)

TAIL = (1, 1.5, 2, 3, 4, 6, 8, 10)
"""Multiples of the rate at which similarities are measured, to estimate those of larger galleries."""

SHAPES = (-20.0, 15.0)
"""Logarithms of the least and the greatest shape."""


@dataclass(frozen=True, slots=True)
class GrowthPoint:
    """A size of the gallery."""

    times: float
    """Size as a multiple of the calibrated gallery's."""
    entries: int
    false_positives: float
    """FPIR at the threshold of the calibrated gallery."""
    pessimistic: float
    """The same for larger sizes, if all unknown objects were equally likely to be taken for known ones."""
    threshold: float
    """Threshold for the rate that was asked for."""
    estimated: bool
    """Whether it is an estimate: the gallery does not have this size."""


def growth_of(nearest: Nearest, unknown: Scores, threshold: float, rate: float) -> tuple[GrowthPoint, ...]:
    """Return the false positives at a threshold, and the threshold for a rate, by the size of the gallery.

    Smaller galleries keep each identity with a chance of 1/16 to 1/2. The mean over all draws is computed, none is drawn: an
    unknown query with c identities above the threshold is taken for a known one with a chance of 1 - (1 - share)^c.

    Args:
        nearest: nearest identities of the unknown queries.
        unknown: their best matches.
        threshold: the threshold of the whole gallery.
        rate: rate of false positives that was asked for.
    """
    points = []
    for share in (*SMALLER, 1.0):
        masses = unknown.weights[:, None] * share * (1 - share) ** np.arange(nearest.similarities.shape[1])  # (Q, KEPT)
        positive = masses > 0
        values, weights = nearest.similarities[positive], masses[positive]
        found = float(weights[values >= threshold].sum())
        size = max(1, round(share * nearest.entries))
        points.append(GrowthPoint(share, size, found, found, least_threshold(values, weights, rate), False))
    reached = points[-1].false_positives
    shape, slope = _shape(nearest, unknown, rate), _slope(unknown, rate)
    for times in LARGER:
        rarer = -np.expm1(np.log1p(-rate) / times)  # the rate of this gallery that becomes the asked one, 1 - (1 - p)^times
        moved = 1 - (1 - threshold) * (rarer / rate) ** slope if threshold < 1 else threshold
        grown, pessimistic = after_growth(reached, times, shape), after_growth(reached, times)
        points.append(GrowthPoint(times, round(times * nearest.entries), grown, pessimistic, float(moved), True))
    return tuple(points)


def after_growth(reached: float, times: float, shape: float = np.inf) -> float:
    """Return the FPIR of a gallery that has grown, by the negative binomial distribution.

    Some objects look like many others, and are the first to be taken for known ones. So the number of identities above the
    threshold varies more from query to query than by chance: it is Poisson-distributed with a mean that is
    gamma-distributed. With a mean of m and the shape a, the FPIR is 1 - (1 + m / a)^-a. Growth multiplies m.

    Args:
        reached: FPIR now, 0 to 1.
        times: size of the grown gallery as a multiple.
        shape: above 0; infinite where all objects are equally likely to be taken for known ones, 1 - (1 - reached)^times.
    """
    if not 0 < reached < 1:
        return reached
    target = -np.log1p(-reached)
    if np.isinf(shape):
        return float(-np.expm1(-times * target))
    now = target / shape  # log(1 + m / a), which is large where the shape is small
    grown = np.logaddexp(0, np.log(times) + now + np.log(-np.expm1(-now)))
    return float(-np.expm1(-shape * grown))


def _shape(nearest: Nearest, unknown: Scores, rate: float) -> float:
    """Return the shape at a rate: the line through those at its multiples, for a single one counts few identities."""
    rates, shapes = [], []
    for each in (factor * rate for factor in TAIL[:6] if factor * rate < 0.5):
        threshold = least_threshold(unknown.similarities, unknown.weights, each)
        reached = float(unknown.rates(np.array([threshold]))[0])
        mean = float((unknown.weights * (nearest.similarities >= threshold).sum(1)).sum())
        if np.isfinite(shape := _shape_of(reached, mean)):
            rates.append(each)
            shapes.append(shape)
    if len(shapes) < 2:
        return np.inf
    slope, offset = np.polyfit(np.log(rates), np.log(shapes), 1)
    return float(np.exp(np.clip(offset + slope * np.log(rate), *SHAPES)))


def _shape_of(reached: float, mean: float) -> float:
    """Return the shape at which a mean number of identities above a threshold gives an FPIR; infinite without one."""
    if not 0 < reached < 1:
        return np.inf
    target = -np.log1p(-reached)

    def excess(log_shape: float) -> float:
        shape = np.exp(log_shape)
        return float(shape * np.log1p(mean / shape) - target)

    low, high = SHAPES
    if excess(high) <= 0:  # The numbers vary no more than by chance.
        return np.inf
    return float(np.exp(root_scalar(excess, bracket=(low, high)).root)) if excess(low) < 0 else float(np.exp(low))


def _slope(unknown: Scores, rate: float) -> float:
    """Return the slope of the logarithm of a threshold's distance from 1 over the logarithm of its rate, not below 0."""
    rates = [factor * rate for factor in TAIL if factor * rate < 0.5]
    distances = [1 - least_threshold(unknown.similarities, unknown.weights, each) for each in rates]
    if len(rates) < 2 or min(distances) <= 0:
        return 0.0
    return max(0.0, float(np.polyfit(np.log(rates), np.log(distances), 1)[0]))
