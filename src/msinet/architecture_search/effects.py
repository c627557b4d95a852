"""Effects of the options of a search space on the score, with their uncertainty, estimated from scored networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from msinet.model.msinet.search_space import Cells, SearchSpace

STRENGTHS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Variances of effects that are tried, as multiples of a single score's variance."""


@dataclass(frozen=True)
class Trial:
    """A network of the space and its score."""

    cells: Cells
    score: float
    """mAP, from 0 to 1."""
    supernet: int = 0
    """Which supernet gave the score: what the scores of one supernet have in common does not count."""


@dataclass(frozen=True)
class Effects:
    """A linear model of the score: what an option does everywhere, in one stage, and at one place.

    The three levels share their strength: an option that does the same everywhere is known from all places at once. The
    effects are normal with a variance for each level; the variances are those that make the scores most likely, and the
    estimates are the posterior's (empirical Bayes: Searle, Casella and McCulloch, Variance Components, 1992).
    """

    space: SearchSpace
    mean: np.ndarray
    """(D,) effects on the mAP."""
    covariance: np.ndarray
    """(D, D) of their uncertainty."""

    @classmethod
    def of(cls, space: SearchSpace, trials: Sequence[Trial]) -> "Effects":
        """Estimate the effects from trials, at least three of each supernet."""
        x = np.stack([features(space, trial.cells) for trial in trials])
        y = np.array([trial.score for trial in trials])
        groups = np.array([trial.supernet for trial in trials])
        for group in np.unique(groups):
            own = groups == group
            x[own] -= x[own].mean(0)
            y[own] -= y[own].mean()
        degrees = len(y) - len(np.unique(groups))
        levels = np.split(x, np.cumsum(sizes(space))[:-1], axis=1)
        kernels = [level @ level.T for level in levels]
        strengths = max(product(STRENGTHS, repeat=len(levels)), key=lambda s: evidence(y, kernels, s, degrees))
        variance = noise(y, kernels, strengths, degrees)
        prior = np.repeat(np.array(strengths), sizes(space))
        kept = prior > 0
        mean, covariance = np.zeros(x.shape[1]), np.zeros((x.shape[1], x.shape[1]))
        if kept.any():
            inverse = np.linalg.inv(x[:, kept].T @ x[:, kept] + np.diag(1 / prior[kept]))
            mean[kept] = inverse @ x[:, kept].T @ y
            covariance[np.ix_(kept, kept)] = variance * inverse
        return cls(space, mean, covariance)

    @property
    def values(self) -> np.ndarray:
        """(L, columns) effect of each option at its place: the sum of the three levels."""
        space, columns = self.space, len(self.space.columns)
        everywhere, stages, places = np.split(self.mean, np.cumsum(sizes(space))[:-1])
        by_stage = np.repeat(stages.reshape(space.stages, columns), space.places_per_stage, axis=0)
        return everywhere + by_stage + places.reshape(space.places, columns)

    def difference(self, one: Cells, other: Cells) -> tuple[float, float]:
        """Return the mAP of one network less that of another, and its standard error."""
        contrast = features(self.space, one) - features(self.space, other)
        return float(contrast @ self.mean), float(np.sqrt(max(contrast @ self.covariance @ contrast, 0.0)))


def sizes(space: SearchSpace) -> tuple[int, int, int]:
    """Return the numbers of effects of the three levels."""
    columns = len(space.columns)
    return columns, space.stages * columns, space.places * columns


def features(space: SearchSpace, cells: Cells) -> np.ndarray:
    """Return (D,) how often a network has each option: everywhere, in each stage, at each place."""
    chosen = np.array(space.indicators(cells)).reshape(*space.shape, -1)
    of_stage = [decision.columns for decision in space.decisions if decision.is_of_stage]
    for s, stage in enumerate(cells):
        for columns in of_stage:
            chosen[s].reshape(space.places_per_stage, -1)[1:, columns] = 0
        for c in range(len(stage), space.cells_per_stage):
            chosen[s, c] = 0
    return np.concatenate([chosen.sum((0, 1, 2)), chosen.sum((1, 2)).ravel(), chosen.ravel()])


def spread(kernels: Sequence[np.ndarray], strengths: Sequence[float]) -> np.ndarray:
    """Return the covariance of the scores as a multiple of the variance of a single one."""
    return np.eye(len(kernels[0])) + sum(strength * kernel for strength, kernel in zip(strengths, kernels, strict=True))


def noise(y: np.ndarray, kernels: Sequence[np.ndarray], strengths: Sequence[float], degrees: int) -> float:
    """Return the most likely variance of a single score, apart from the effects."""
    return float(y @ np.linalg.solve(spread(kernels, strengths), y)) / degrees


def evidence(y: np.ndarray, kernels: Sequence[np.ndarray], strengths: Sequence[float], degrees: int) -> float:
    """Return the logarithm of the likelihood of the scores, but for what is the same for all strengths."""
    variance = noise(y, kernels, strengths, degrees)
    return -0.5 * (degrees * np.log(max(variance, 1e-30)) + np.linalg.slogdet(spread(kernels, strengths))[1])
