"""Metrics of a ranking: mAP, rank-k and mINP, of all queries and of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from msinet.data.records import ImageRecord
from msinet.errors import SettingsError
from msinet.evaluation.ranking import Ranking

MAX_RANK = 50
RANKS = (1, 5, 10, 20)
"""The ranks that papers report."""


@dataclass(frozen=True, eq=False)
class PerQuery:
    """Scores of each query that has a match, in the order of the queries."""

    path: tuple[str, ...]
    identity: tuple[str, ...]
    average_precision: np.ndarray
    """(queries,) mean precision at the hits."""
    inverse_penalty: np.ndarray
    """(queries,) number of matches over the position of the last one."""
    first_right: np.ndarray
    """(queries,) position of the first match, from 1; with several draws, the mean."""

    def __len__(self) -> int:
        return len(self.path)


@dataclass(frozen=True)
class Scores:
    """Scores of all queries, from 0 to 1."""

    mAP: float
    """Mean over queries of the average precision: the mean precision at the hits, not the area under the curve."""
    mAP_trapezoid: float
    """The same by the trapezoidal rule, as in the MATLAB scripts of VeRi-776 and Market-1501."""
    mINP: float
    """Mean inverse negative penalty: number of matches over the position of the last one (Ye et al., AGW, 2021)."""
    cmc: tuple[float, ...]
    """(K,) cmc[k - 1] is rank-k; K is 50, or the gallery's size where that is smaller."""
    queries: int
    """Number of queries scored: those with a match."""
    gallery: int
    """Number of images, or tracks, in the gallery."""
    without_right_answer: tuple[str, ...] = ()
    """Paths of the queries without a match, which are not scored."""
    deviations: Mapping[str, float] = field(default_factory=dict)
    """Standard deviations by name, where scores are means over draws of the gallery."""

    def rank(self, k: int) -> float:
        """Return rank-k: the share of queries with a match among the first k images.

        Beyond the gallery's size it stays what it is at the end. Raises SettingsError where rank-k was not computed.
        """
        if k < 1 or len(self.cmc) < min(k, self.gallery):
            raise SettingsError(f"rank-{k} was not computed: choose k from 1 to {len(self.cmc)}")
        return self.cmc[min(k, len(self.cmc)) - 1]

    def by_name(self) -> dict[str, float]:
        """Return mAP, mINP and the ranks that papers report, by name."""
        return {"mAP": self.mAP, "mINP": self.mINP, **{f"rank-{k}": self.rank(k) for k in RANKS}}


@dataclass(frozen=True)
class Measured:
    """Scores of one ranking."""

    scores: Scores
    per_query: PerQuery


def measure(ranking: Ranking, query: Sequence[ImageRecord], gallery_size: int) -> Measured:
    """Return mAP, rank-k and mINP over the queries that have a match; at least one has.

    With R matches at the positions p_1 < ... < p_R (from 1, junk left out), the average precision is the mean of i / p_i,
    the inverse negative penalty is R / p_R, and the query counts for rank-k where p_1 <= k. The trapezoidal average
    precision takes at each hit the mean of i / p_i and the precision one place before, (i - 1) / (p_i - 1) or 1 at the top.

    Args:
        ranking: of Q queries.
        query: Q records.
        gallery_size: number of images, or tracks, that were ranked.
    """
    lengths = ranking.lengths
    scored = np.flatnonzero(lengths)
    lengths = lengths[scored]
    ends = np.cumsum(lengths)
    owner = np.repeat(np.arange(len(scored)), lengths)
    hit = np.arange(len(owner)) - (ends - lengths)[owner] + 1  # i
    position = ranking.before + hit  # p_i
    precision = hit / position
    before = np.where(position > 1, (hit - 1) / np.maximum(position - 1, 1), 1.0)
    average_precision = np.bincount(owner, precision, len(scored)) / lengths
    trapezoid = np.bincount(owner, (before + precision) / 2, len(scored)) / lengths
    first, last = position[ends - lengths], position[ends - 1]
    inverse_penalty = lengths / last
    ranks = np.arange(1, min(MAX_RANK, gallery_size) + 1)
    scores = Scores(
        mAP=float(average_precision.mean()),
        mAP_trapezoid=float(trapezoid.mean()),
        mINP=float(inverse_penalty.mean()),
        cmc=tuple((np.searchsorted(np.sort(first), ranks, "right") / len(scored)).tolist()),
        queries=len(scored),
        gallery=gallery_size,
        without_right_answer=tuple(query[place].path.as_posix() for place in np.flatnonzero(ranking.lengths == 0).tolist()),
    )
    asked = [query[place] for place in scored.tolist()]
    paths, identities = tuple(record.path.as_posix() for record in asked), tuple(record.identity for record in asked)
    return Measured(scores, PerQuery(paths, identities, average_precision, inverse_penalty, first.astype(np.float64)))


def mean_over_draws(found: Sequence[Measured]) -> Measured:
    """Return the means of scores over several draws of the gallery, with their standard deviations.

    A query's own scores are the means over the draws in which it is a query.
    """
    scores = [one.scores for one in found]
    by_name = {name: np.array([one.by_name()[name] for one in scores]) for name in scores[0].by_name()}
    mean = Scores(
        mAP=float(by_name["mAP"].mean()),
        mAP_trapezoid=float(np.mean([one.mAP_trapezoid for one in scores])),
        mINP=float(by_name["mINP"].mean()),
        cmc=tuple(np.mean([one.cmc for one in scores], axis=0).tolist()),
        queries=scores[0].queries,
        gallery=scores[0].gallery,
        without_right_answer=scores[0].without_right_answer,
        deviations={name: float(values.std(ddof=1)) for name, values in by_name.items()} if len(found) > 1 else {},
    )
    return Measured(mean, _mean_per_query([one.per_query for one in found]))


def _mean_per_query(found: Sequence[PerQuery]) -> PerQuery:
    names = ("average_precision", "inverse_penalty", "first_right")
    columns: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    identities: dict[str, str] = {}
    for one in found:
        identities |= dict(zip(one.path, one.identity, strict=True))
        for name, values in columns.items():
            for path, value in zip(one.path, getattr(one, name).tolist(), strict=True):
                values.setdefault(path, []).append(value)
    paths = tuple(sorted(identities))
    means = {name: np.array([np.mean(values[path]) for path in paths]) for name, values in columns.items()}
    return PerQuery(paths, tuple(identities[path] for path in paths), **means)
