"""Confidence of scores: 95 % intervals by bootstrap over identities, whose images rise and fall together."""

from collections.abc import Mapping, Sequence

import numpy as np

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)


def intervals(identities: Sequence[str], columns: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of the mean of each column over resampled identities; the same each time.

    Args:
        identities: (N,) of each value: all values of an identity are drawn together.
        columns: by name, (N,) numbers.
    """
    numbers: dict[str, int] = {}
    owner = np.array([numbers.setdefault(identity, len(numbers)) for identity in identities])
    count = len(numbers)
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(np.float64)
    images = draws @ np.bincount(owner, minlength=count)  # (RESAMPLES,)
    bounds = {}
    for name, values in columns.items():
        means = draws @ np.bincount(owner, values, count) / images
        low, high = np.percentile(means, PERCENTILES)
        bounds[name] = (float(low), float(high))
    return bounds
