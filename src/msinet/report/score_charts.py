"""Parts of the page on the scores: curves, pairs by similarity, baselines, ranked images, camera pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from msinet.evaluation.evidence import ROC, Baseline, CameraPair, Evidence, Group, RankedQuery
from msinet.evaluation.result import RetrievalResult
from msinet.report import charts

GROUPS: dict[Group, str] = {"best": "Best queries", "median": "Median queries", "worst": "Worst queries"}


@dataclass(frozen=True)
class Chart:
    """A chart and the words below it."""

    picture: Markup
    words: str


@dataclass(frozen=True)
class RankedGroup:
    """Queries that are shown together."""

    title: str
    rankings: list[RankedQuery]


@dataclass(frozen=True)
class CameraTable:
    """mAP in % of each query camera, a row, in each gallery camera, a column; None where no query has a match."""

    columns: list[str]
    rows: list[tuple[str, list[float | None]]]


@dataclass(frozen=True)
class ScoresPart:
    """All that stands behind the scores."""

    charts: list[Chart]
    baselines: list[Baseline]
    groups: list[RankedGroup]
    cameras: CameraTable | None


def scores_part(result: RetrievalResult) -> ScoresPart:
    """Return the part on the scores of a result."""
    evidence = result.evidence
    trained = Baseline("the network, trained", result.rank(1), result.mAP)
    return ScoresPart(
        charts=[_cmc(result), *_pairs(result, evidence), *([_roc(evidence.roc)] if evidence.roc else [])],
        baselines=[*evidence.baselines, trained] if evidence.baselines else [],
        groups=[
            RankedGroup(title, rankings)
            for group, title in GROUPS.items()
            if (rankings := [ranking for ranking in evidence.rankings if ranking.group == group])
        ],
        cameras=_cameras(evidence.camera_pairs) if evidence.camera_pairs else None,
    )


def _cmc(result: RetrievalResult) -> Chart:
    ranks = np.arange(1, len(result.cmc) + 1).tolist()
    line = {"rank-k": (ranks, (100 * result.cmc).tolist())}
    picture = charts.curves(line, "k", "queries, %", "Cumulative matching curve")
    return Chart(Markup(picture), "Share of queries with a match among the first k images.")


def _pairs(result: RetrievalResult, evidence: Evidence) -> list[Chart]:
    pairs, scoring = evidence.similarities, result.record.scoring
    if pairs is None:
        return []
    label = "negative distance after re-ranking" if scoring and scoring.rerank else "cosine similarity"
    counts = f"{sum(pairs.same)} pairs of the same identity, {sum(pairs.different)} pairs of different identities."
    words = f"Similarities of pairs. The less the two kinds overlap, the better the network separates identities. {counts}"
    return [Chart(Markup(charts.similarities(pairs, label)), words)]


def _roc(roc: ROC) -> Chart:
    points = [f"{100 * point.true_positive_rate:.1f} % at {point.false_positive_rate:.0e}" for point in roc.points]
    words = f"Share of same pairs that pass a threshold, at the share of different pairs that pass: {', '.join(points)}."
    return Chart(Markup(charts.roc(roc.curve)), words)


def _cameras(pairs: Sequence[CameraPair]) -> CameraTable:
    scores = {(pair.query_camera, pair.gallery_camera): 100 * pair.mAP for pair in pairs}
    columns = sorted({pair.gallery_camera for pair in pairs})
    rows = sorted({pair.query_camera for pair in pairs})
    return CameraTable(columns, [(row, [scores.get((row, column)) for column in columns]) for row in rows])
