"""Statistics of few scores: spread over seeds, rank correlation, permutation tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from statistics import mean

import numpy as np

DRAWS = 100_000
"""Number of permutations that are drawn where there are more."""


@dataclass(frozen=True)
class Spread:
    """A score over seeds."""

    mean: float
    lowest: float
    highest: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of values, at least one."""
        return cls(mean(values), min(values), max(values), len(values))


def chance_of_better(own: Sequence[float], others: Sequence[Sequence[float]]) -> float:
    """Return the probability that one value of each group, drawn at random, reach the mean of `own`: a permutation test.

    One-sided, and exact up to `DRAWS` ways to draw. A group is one of `own` together with its `others`, such as those of
    the same seed: what a group has in common does not count. Where the groups hold the same things, such as architectures
    that are trained with every seed, the answer is about these things, not about all that might have been drawn.
    """
    groups = [np.array([value, *values]) for value, values in zip(own, others, strict=True)]
    if prod(map(len, groups)) <= DRAWS:
        sums = reduce(np.add.outer, groups).ravel()
    else:
        random = np.random.default_rng(0)
        sums = np.append(sum(random.choice(group, DRAWS) for group in groups), sum(own))
    return float(np.mean(sums >= sum(own) - 1e-9))


def chance_of_difference(values: np.ndarray) -> float:
    """Return the probability that rows differ as much in their means where each column is shuffled: a permutation test.

    values: (rows, columns), such as architectures and seeds; what a column has in common does not count.
    """
    random = np.random.default_rng(0)
    shuffled = random.permuted(np.broadcast_to(values, (DRAWS // 10, *values.shape)), axis=1)
    spreads, found = shuffled.mean(2).var(1), values.mean(1).var()
    return float((1 + (spreads >= found - 1e-9).sum()) / (1 + len(spreads)))


def deviation_of_one_column(values: np.ndarray) -> float:
    """Return the standard deviation of a single value about the mean of its row and of its column.

    values: (rows, columns), such as architectures and seeds; at least two of each.
    """
    left = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    rows, columns = values.shape
    return float(np.sqrt((left**2).sum() / ((rows - 1) * (columns - 1))))


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the correlation of the ranks, from -1 to 1; not a number where all values of a side are equal."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(ranks(one), ranks(other))[0, 1])


def interval_of_correlation(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of the 95 % interval of `spearman` over the pairs of values, by bootstrap.

    Draws in which all values of a side are equal do not count; not numbers where all draws are like this.
    """
    random, a, b = np.random.default_rng(0), np.asarray(one), np.asarray(other)
    drawn = random.integers(len(a), size=(DRAWS // 50, len(a)))
    found = [spearman(a[rows].tolist(), b[rows].tolist()) for rows in drawn]
    if np.isnan(found).all():
        return np.nan, np.nan
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)


def chance_of_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the probability that values in random order correlate as much by rank, either way: a two-sided test."""
    random, a, b = np.random.default_rng(0), ranks(one), ranks(other)
    a, b = a - a.mean(), b - b.mean()
    products = random.permuted(np.broadcast_to(b, (DRAWS // 10, len(b))), axis=1) @ a
    return float((1 + (abs(products) >= abs(a @ b) - 1e-9).sum()) / (1 + len(products)))


def ranks(values: Sequence[float]) -> np.ndarray:
    """Return the rank of each value, from 0; equal values have the mean of theirs."""
    array = np.asarray(values)
    return np.array([(array < value).sum() + ((array == value).sum() - 1) / 2 for value in array])
