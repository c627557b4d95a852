"""Effects of the options of a search space on the score, with their uncertainty, estimated from scored networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from msinet.model.msinet.search_space import Cells, SearchSpace

STRENGTHS = (0.0, 0.003, 0.03, 0.3)
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
    """A linear model of the score on four levels: what a convolution more does everywhere, and what an option does
    everywhere, in one stage, and at one place.

    The levels share their strength: a convolution that does the same everywhere is known from all depths and places at once.
    The effects are normal with a variance for each level; the variances are those that make the scores most likely, and the
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
        levels = priors(space)
        kernels = [x @ level @ x.T for level in levels]
        strengths = max(product(STRENGTHS, repeat=len(levels)), key=lambda s: evidence(y, kernels, s, degrees))
        prior = sum(strength * level for strength, level in zip(strengths, levels, strict=True))
        with_scores = x @ prior
        known = np.linalg.solve(spread(kernels, strengths), np.column_stack([y, with_scores]))
        mean, less = with_scores.T @ known[:, 0], with_scores.T @ known[:, 1:]
        return cls(space, mean, noise(y, kernels, strengths, degrees) * (prior - less))

    @classmethod
    def unknown(cls, space: SearchSpace) -> "Effects":
        """Return effects of nothing, where there are no trials."""
        return cls(space, np.zeros(sum(sizes(space))), np.zeros((sum(sizes(space)),) * 2))

    @property
    def values(self) -> np.ndarray:
        """(L, columns) effect of each option at its place: the sum of the three levels."""
        space, columns = self.space, len(self.space.columns)
        everywhere, stages, places = np.split(self.mean, np.cumsum(sizes(space))[:-1])
        by_stage = np.repeat(stages.reshape(space.stages, columns), space.places_per_stage, axis=0)
        return everywhere + by_stage + places.reshape(space.places, columns)

    def expected(self, cells: Cells) -> float:
        """Return what the effects add to the mAP of a network; the mAP without any is not known."""
        return float(features(self.space, cells) @ self.mean)

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


def priors(space: SearchSpace) -> list[np.ndarray]:
    """Return the covariance (D, D) that the effects of each level have among themselves, at strength 1."""
    columns, total = len(space.columns), sum(sizes(space))
    a_convolution_more = np.zeros((total, total))
    for decision in space.decisions:
        if decision.name in ("depth_a", "depth_b"):
            depths = np.array(decision.options, float)
            own = a_convolution_more[:columns, :columns][decision.columns, decision.columns]
            own += np.outer(depths, depths) / np.mean(depths**2)
    edges = [0, *np.cumsum(sizes(space))]
    options = [np.diag([float(low <= i < high) for i in range(total)]) for low, high in pairwise(edges)]
    return [a_convolution_more, *options]


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
