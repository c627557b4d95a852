"""From embeddings to a result: what is done with them first, what is ranked under which rule, and the scores of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.records import Answers, ImageRecord
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.draws import Draw, draw_galleries, fingerprint, is_drawn
from msinet.evaluation.judgement import Judgement, judge
from msinet.evaluation.metrics import RetrievalResult, score
from msinet.evaluation.pair_counts import PairCounts
from msinet.evaluation.protocols import Protocol, choose_protocol
from msinet.evaluation.query_expansion import expand_queries
from msinet.evaluation.ranking import Ranking, check_finite, rank, rank_within
from msinet.evaluation.settings import ScoringSettings
from msinet.evaluation.similarities import ByTrack, Cosine, Given, Similarities
from msinet.evaluation.track_pooling import pool_tracks


@dataclass(frozen=True)
class Trial:
    """All that a ranking needs: who asks, what is searched, how alike they are, and what counts."""

    query: Sequence[ImageRecord]
    gallery: Sequence[ImageRecord]
    """Images or, under a protocol of tracks, a record of each track."""
    similarities: Similarities
    judgement: Judgement
    protocol: Protocol


Ranker = Callable[[Trial], Ranking]
"""Ranks a trial; several processes do it together."""


def rank_alone(trial: Trial) -> Ranking:
    """Rank a trial in this process, and count pairs by similarity."""
    return rank(trial.similarities, trial.judgement, pairs=True)


def check_options(protocol: Protocol, scoring: ScoringSettings, camera_pairs: bool = False) -> None:
    """Raise SettingsError where an option does not go with the protocol."""
    if scoring.track_pooling and protocol.by_lists:
        raise SettingsError(f"--track-pooling does not go with protocol {protocol.name!r}, whose lists are of images")
    if camera_pairs and protocol.by_draws:
        raise SettingsError(f"--camera-pairs does not go with protocol {protocol.name!r}, whose galleries are drawn")


def refuse_flip(scoring: ScoringSettings) -> None:
    """Raise SettingsError where embeddings that are made already are to be those of mirrored images as well."""
    if scoring.flip:
        raise SettingsError("--flip needs a model: images can no longer be mirrored")


def make_trial(
    query: Embeddings,
    gallery: Embeddings,
    protocol: Protocol,
    scoring: ScoringSettings | None = None,
    answers: Mapping[Path, Answers] | None = None,
    device: str = "cpu",
) -> Trial:
    """Prepare a ranking: pool tracks, expand queries and re-rank, if asked to, in this order.

    Raises:
        SettingsError: an option does not go with the protocol.
        DatasetError: vectors or labels do not allow it, or no query has a right answer.
    """
    scoring = scoring or ScoringSettings()
    check_options(protocol, scoring)
    if scoring.track_pooling:
        query, gallery = pool_tracks(query, gallery.records), pool_tracks(gallery, query.records)
    if scoring.query_expansion:
        query = expand_queries(query, gallery, scoring.query_expansion, device)
    similarities: Similarities
    if scoring.rerank:
        from msinet.evaluation.reranking import Reranked

        settings = scoring.rerank_neighbours, scoring.rerank_expansion, scoring.rerank_keep
        similarities = Reranked(query, gallery, *settings, device=device)
    else:
        similarities = Cosine(query, gallery, device)
    searched = gallery.records
    if protocol.by_tracks:
        similarities = ByTrack(similarities, gallery.records)
        searched = similarities.tracks
    return Trial(query.records, searched, similarities, judge(query.records, searched, protocol, answers), protocol)


def score_trial(trial: Trial, ranker: Ranker = rank_alone) -> RetrievalResult:
    """Rank a trial and return its scores; with the pairs' similarities in `info`, if the ranker counted them."""
    ranking = ranker(trial)
    result = score(ranking, trial.query, trial.protocol, len(trial.gallery))
    result.info.update(_about_pairs(ranking.pairs))
    return result


def _about_pairs(pairs: PairCounts | None) -> dict[str, Any]:
    return {"similarities": pairs.histogram(), "roc": pairs.summary()} if pairs else {}


def evaluate_embeddings(
    query: Embeddings,
    gallery: Embeddings,
    protocol: str | None = None,
    scoring: ScoringSettings | None = None,
    answers: Mapping[Path, Answers] | None = None,
) -> RetrievalResult:
    """Score query embeddings against gallery embeddings, under the named protocol or the one that fits the records.

    Raises:
        SettingsError: there is no such protocol, or an option does not go with it or with embeddings.
        DatasetError: the protocol needs labels that are not there, an embedding is broken, or no query has a right
            answer in the gallery.
    """
    scoring = scoring or ScoringSettings()
    refuse_flip(scoring)
    chosen = choose_protocol(query.records, gallery.records, protocol)
    if chosen.by_draws:
        pool = pool_of(query, gallery)
        result = score_draws(pool, draw_galleries(pool.records), chosen, scoring)
    else:
        result = score_trial(make_trial(query, gallery, chosen, scoring, answers))
    result.info["scoring"] = scoring.to_dict()
    return result


def evaluate_similarities(
    similarities: np.ndarray, query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], protocol: str | None = None
) -> RetrievalResult:
    """Score similarities made elsewhere.

    Args:
        similarities: (Q, G), finite, greater is more alike; for distances pass `-distances`. They are compared as float32:
            what it cannot tell apart is a tie.
        query: Q records.
        gallery: G records.
        protocol: its name; by default the one that fits the records.

    Raises:
        ValueError: the shape is not (Q, G).
        SettingsError: there is no such protocol, or it draws galleries.
        DatasetError: a similarity is not finite, labels are missing, or no query has a right answer.
    """
    if similarities.shape != (len(query), len(gallery)):
        raise ValueError(f"similarities must have shape {(len(query), len(gallery))}, not {similarities.shape}")
    chosen = choose_protocol(query, gallery, protocol)
    if chosen.by_draws:
        raise SettingsError(f"protocol {chosen.name!r} draws its galleries from embeddings")
    check_finite(similarities, query, gallery)
    found: Similarities = Given(similarities)
    searched = gallery
    if chosen.by_tracks:
        found = ByTrack(found, gallery)
        searched = found.tracks
    trial = Trial(query, searched, found, judge(query, searched, chosen), chosen)
    return score_trial(trial, lambda trial: rank(trial.similarities, trial.judgement))


def pool_of(query: Embeddings, gallery: Embeddings) -> Embeddings:
    """Return the images of both sides, each file once."""
    rows = {record.path: (side, row) for side in (query, gallery) for row, record in enumerate(side.records)}
    if not rows:
        raise DatasetError("nothing to score: 0 query and 0 gallery images")
    vectors = np.stack([side.vectors[row] for side, row in rows.values()])
    return Embeddings(vectors, [side.records[row] for side, row in rows.values()])


def score_draws(
    pool: Embeddings,
    draws: Sequence[Draw],
    protocol: Protocol,
    scoring: ScoringSettings | None = None,
    ranker: Ranker = rank_alone,
    device: str = "cpu",
) -> RetrievalResult:
    """Score each draw of a gallery; return the mean with its standard deviations.

    A query's own scores are the means over the draws in which it asks; pairs are those of all draws together.
    """
    results, pairs = [], None
    for draw in draws:
        drawn = is_drawn(pool.records, draw)
        trial = make_trial(pool.select(~drawn), pool.select(drawn), protocol, scoring, device=device)
        ranking = ranker(trial)
        results.append(score(ranking, trial.query, protocol, len(trial.gallery)))
        pairs = pairs + ranking.pairs if pairs and ranking.pairs else ranking.pairs
    scores = {name: np.array([result.scores()[name] for result in results]) for name in results[0].scores()}
    first = results[0]
    return replace(
        first,
        mAP=float(scores["mAP"].mean()),
        mAP_trapezoid=float(np.mean([result.mAP_trapezoid for result in results])),
        mINP=float(scores["mINP"].mean()),
        cmc=np.mean([result.cmc for result in results], axis=0),
        per_query=_mean_per_query(results),
        deviations={name: float(values.std(ddof=1)) for name, values in scores.items()} if len(draws) > 1 else {},
        info=_about_pairs(pairs) | {"draws": {"count": len(draws), "fingerprint": fingerprint(draws)}},
    )


def _mean_per_query(results: Sequence[RetrievalResult]):
    """Return the mean of each query's scores over the results that it is in."""
    first = results[0].per_query
    columns = {name: {} for name in ("average_precision", "inverse_penalty", "first_right")}
    identities: dict[str, str] = {}
    for result in results:
        found = result.per_query
        identities |= dict(zip(found.path, found.identity, strict=True))
        for name, values in columns.items():
            for path, value in zip(found.path, getattr(found, name).tolist(), strict=True):
                values.setdefault(path, []).append(value)
    paths = tuple(sorted(identities))
    means = {name: np.array([np.mean(values[path]) for path in paths]) for name, values in columns.items()}
    return replace(first, path=paths, identity=tuple(identities[path] for path in paths), **means)


def scores_by_camera_pair(trial: Trial) -> dict[tuple[str, str], RetrievalResult]:
    """Score the queries of each camera against the gallery images of each camera, as they stand in the trial's ranking.

    Returns for (query camera, gallery camera) a result where at least one query has a right answer; under the Market
    rule a camera with itself never does, as its right answers are junk.

    Raises:
        SettingsError: the gallery of the trial is only one of several that were drawn.
        DatasetError: a record has no camera.
    """
    check_options(trial.protocol, ScoringSettings(), camera_pairs=True)
    for record in (*trial.query, *trial.gallery):
        if record.camera is None:
            raise DatasetError(f"scores by camera pair need the camera of every image, and {record.path} has none")
    asking = np.array([record.camera for record in trial.query])
    searched = np.array([record.camera for record in trial.gallery])
    cameras = sorted(set(searched.tolist()))
    groups = [np.flatnonzero(searched == camera) for camera in cameras]
    results = {}
    for camera, group, ranking in zip(
        cameras, groups, rank_within(trial.similarities, trial.judgement, groups), strict=True
    ):
        for own in sorted(set(asking.tolist())):
            mine = asking == own
            part = Ranking(ranking.wrong_before[np.repeat(mine, ranking.lengths)], ranking.lengths[mine])
            if part.lengths.any():
                query = [record for record, is_mine in zip(trial.query, mine, strict=True) if is_mine]
                results[own, camera] = score(part, query, trial.protocol, len(group))
    return dict(sorted(results.items()))
