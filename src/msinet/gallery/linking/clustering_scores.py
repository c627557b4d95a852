"""Scores of groups against identities: pairwise and B-cubed precision, recall and F1, and how many groups there are."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall, from 0 to 1."""

    precision: float
    recall: float
    f1: float
    """Harmonic mean of the two."""


@dataclass(frozen=True)
class ClusteringScores:
    """How well groups agree with identities."""

    pairwise: PrecisionRecall
    """Over pairs of passes: of the pairs in one group, how many are of one identity, and the reverse. Large groups weigh
    more, by the square of their size. 1 where there is no pair to be wrong about."""
    bcubed: PrecisionRecall
    """Mean over passes: of the passes in its group, itself included, how many are of its identity, and the reverse
    (Bagga and Baldwin, 1998)."""
    groups: int
    identities: int
    passes: int


def clustering_scores(
    groups: Sequence[Hashable] | np.ndarray, identities: Sequence[Hashable] | np.ndarray
) -> ClusteringScores:
    """Score groups against identities.

    Args:
        groups: (N,) group of each pass; any labels.
        identities: (N,) identity of each pass; any labels.

    Raises:
        ValueError: the two are not equally long, or empty.
    """
    if len(groups) != len(identities) or not len(groups):
        raise ValueError(f"{len(groups)} groups and {len(identities)} identities: give one of each for every pass")
    group, identity = _numbers(groups), _numbers(identities)
    of_group, of_identity = np.bincount(group), np.bincount(identity)
    cells, shared = np.unique(group * len(of_identity) + identity, return_counts=True)  # (cells,) passes in both
    together = shared / of_group[cells // len(of_identity)]
    found = shared / of_identity[cells % len(of_identity)]
    right, grouped, same = _pairs(shared), _pairs(of_group), _pairs(of_identity)
    return ClusteringScores(
        _scores(right / grouped if grouped else 1.0, right / same if same else 1.0),
        _scores(float(np.average(together, weights=shared)), float(np.average(found, weights=shared))),
        len(of_group),
        len(of_identity),
        len(group),
    )


def _numbers(labels: Sequence[Hashable] | np.ndarray) -> np.ndarray:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], np.int64)


def _pairs(counts: np.ndarray) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _scores(precision: float, recall: float) -> PrecisionRecall:
    both = precision + recall
    return PrecisionRecall(precision, recall, 2 * precision * recall / both if both else 0.0)
