"""Probability that the best match is right, by its similarity: a logistic curve, kept as knots."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from msinet.gallery.calibration.false_positives import Scores

KNOTS = 65


@dataclass(frozen=True, slots=True)
class Knots:
    """Points of a rising curve, joined by straight lines; beyond the first and the last it stays the same."""

    similarities: tuple[float, ...]
    """Rising."""
    probabilities: tuple[float, ...]
    """Above 0 and below 1, not falling."""

    def at(self, similarity: float | np.ndarray) -> np.ndarray:
        """Return the probability at each similarity."""
        return np.interp(np.asarray(similarity, np.float64), self.similarities, self.probabilities)


def fit_probability(known: Scores, right: np.ndarray, unknown: Scores) -> Knots:
    """Fit the probability that the best match is right, where known and unknown queries are equally frequent.

    A logistic curve, whose targets are drawn in by one identity (Platt 1999), so that none is 0 or 1. Its slope is not
    negative: a higher similarity is never less certain.

    Args:
        known: best matches of known queries.
        right: (Q,) bool: which of them are right.
        unknown: best matches of unknown queries, all of which are wrong.
    """
    similarities = np.concatenate([known.similarities, unknown.similarities]).astype(np.float64)
    correct = np.concatenate([right, np.zeros(len(unknown.similarities), bool)])
    weights = np.concatenate([known.weights, unknown.weights]) / 2
    identities = known.count + unknown.count
    right_ones = identities * weights[correct].sum()
    targets = np.where(correct, (right_ones + 1) / (right_ones + 2), 1 / (identities - right_ones + 2))
    low, high = float(similarities.min()), float(similarities.max())
    places = np.linspace(low, max(high, low + 1e-6), KNOTS)

    def scaled(values: np.ndarray) -> np.ndarray:
        return (values - low) / (places[-1] - low)

    def log_loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss of offset and slope, and its gradient."""
        x = scaled(similarities)
        logits = line[0] + line[1] * x
        rest = weights * (expit(logits) - targets)
        return float((weights * (np.logaddexp(0, logits) - targets * logits)).sum()), np.array(
            [rest.sum(), (rest * x).sum()]
        )

    line = minimize(log_loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-50, 50), (0, 100)]).x
    least = 1 / (identities + 2)
    curve = np.clip(expit(line[0] + line[1] * scaled(places)), least, 1 - least)
    return Knots(tuple(places.tolist()), tuple(curve.tolist()))
