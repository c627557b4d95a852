"""Scoring in three steps: `prepare` a ranking task from labels, `rank` embeddings, `score` the ranking."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.records import Answers, ImageRecord
from msinet.errors import SettingsError
from msinet.evaluation.checks import check_finite, check_sides
from msinet.evaluation.draws import facts_of
from msinet.evaluation.evidence import Evidence
from msinet.evaluation.metrics import mean_over_draws, measure
from msinet.evaluation.protocols import choose_protocol
from msinet.evaluation.query_expansion import expand_queries
from msinet.evaluation.ranking import Ranking, rank
from msinet.evaluation.ranking_task import RankingTask, prepare
from msinet.evaluation.record import Record
from msinet.evaluation.reranking import Reranked
from msinet.evaluation.result import RetrievalResult
from msinet.evaluation.settings import ScoringSettings
from msinet.evaluation.similarities import ByTrack, Given, Similarities, cosine
from msinet.evaluation.tracks import pool_tracks


def evaluate_embeddings(
    query: Embeddings,
    gallery: Embeddings,
    protocol: str | None = None,
    scoring: ScoringSettings | None = None,
    answers: Mapping[Path, Answers] | None = None,
) -> RetrievalResult:
    """Score query embeddings against gallery embeddings, under the named protocol or the one that fits the records.

    Args:
        query: Q embeddings.
        gallery: G embeddings.
        protocol: its name.
        scoring: what is done with embeddings before they are ranked.
        answers: the dataset's index files by the path of the query, for a protocol that goes by them.

    Raises:
        SettingsError: there is no such protocol, or an option cannot be combined with it or with embeddings.
        DatasetError: labels are missing, an embedding is broken, or no query has a match in the gallery.
    """
    scoring = scoring or ScoringSettings()
    refuse_flip(scoring)
    tasks = prepare(query.records, gallery.records, protocol, scoring, answers)
    if tasks[0].draw is not None:  # Queries and galleries of a draw come from both sides.
        check_sides(query, gallery)
        records = [*query.records, *gallery.records]
        query = gallery = Embeddings(np.concatenate([query.vectors, gallery.vectors]), records)
    rankings = []
    for task in tasks:
        similarities = compare(task, query.of(task.query.images), gallery.of(task.gallery.images))
        rankings.append(rank(similarities, task.relevance, pairs=True))
    return score(tasks, rankings)


def evaluate_similarities(
    similarities: np.ndarray,
    query: Sequence[ImageRecord],
    gallery: Sequence[ImageRecord],
    protocol: str | None = None,
    answers: Mapping[Path, Answers] | None = None,
) -> RetrievalResult:
    """Score similarities that were computed elsewhere.

    Args:
        similarities: (Q, G), finite, greater is more similar; for distances pass `-distances`. They are compared as float32:
            numbers that are equal there tie.
        query: Q records.
        gallery: G records.
        protocol: its name; by default the one that fits the records.
        answers: the dataset's index files by the path of the query, for a protocol that goes by them.

    Raises:
        ValueError: the shape is not (Q, G).
        SettingsError: there is no such protocol, or it draws galleries.
        DatasetError: a similarity is not finite, labels are missing, or no query has a match.
    """
    if similarities.shape != (len(query), len(gallery)):
        raise ValueError(f"similarities must have shape {(len(query), len(gallery))}, not {similarities.shape}")
    chosen = choose_protocol(query, gallery, protocol)
    if chosen.by_draws:
        raise SettingsError(
            f"protocol {chosen.name!r} draws its galleries from embeddings: pass these to evaluate_embeddings", "protocol"
        )
    (task,) = prepare(query, gallery, chosen.name, answers=answers)
    check_finite(similarities, query, gallery)
    found: Similarities = Given(similarities)
    if task.tracks:
        found = ByTrack(found, task.tracks.members)
    return score([task], [rank(found, task.relevance)]).with_record(scoring=None)


def compare(task: RankingTask, query: Embeddings, gallery: Embeddings, device: str = "cpu") -> Similarities:
    """Return the similarities that a task ranks: pool tracks, expand queries and re-rank, in this order, if asked to.

    Args:
        task: the ranking task.
        query: embeddings of `task.query.images`.
        gallery: embeddings of `task.gallery.images`.
        device: cpu or cuda.

    Raises:
        DatasetError: a vector is not finite or not of unit length, or the two sides have different lengths.
    """
    scoring = task.scoring
    if task.query.tracks and task.gallery.tracks:
        query, gallery = pool_tracks(query, task.query.tracks), pool_tracks(gallery, task.gallery.tracks)
    if scoring.query_expansion:
        query = expand_queries(query, gallery, scoring.query_expansion, device)
    if scoring.rerank:
        similarities: Similarities = Reranked(
            query, gallery, scoring.rerank_neighbours, scoring.rerank_expansion, scoring.rerank_keep, device
        )
    else:
        similarities = cosine(query, gallery, device)
    return ByTrack(similarities, task.tracks.members) if task.tracks else similarities


def score(tasks: Sequence[RankingTask], rankings: Sequence[Ranking]) -> RetrievalResult:
    """Return the scores of a ranking task or, where galleries are drawn, the means over the tasks of all draws.

    The pairs by similarity, where they were counted, are those of all draws together.

    Args:
        tasks: what `prepare` gave.
        rankings: one of each task.
    """
    found = [measure(ranking, task.asking, len(task.searched)) for task, ranking in zip(tasks, rankings, strict=True)]
    draws = [task.draw for task in tasks if task.draw is not None]
    measured = mean_over_draws(found) if draws else found[0]
    counted = [ranking.pairs for ranking in rankings if ranking.pairs]
    pairs = sum(counted[1:], start=counted[0]) if counted else None
    evidence = Evidence(
        similarities=pairs.histogram() if pairs else None,
        roc=pairs.roc() if pairs else None,
        draws=facts_of(draws) if draws else None,
    )
    record = Record(tasks[0].protocol.name, scoring=tasks[0].scoring)
    return RetrievalResult(measured.scores, measured.per_query, record, evidence)


def refuse_flip(scoring: ScoringSettings) -> None:
    """Raise SettingsError where embeddings that exist already are to be those of mirrored images as well."""
    if scoring.flip:
        raise SettingsError("flip needs a model, since embeddings cannot be mirrored: leave it out", "flip")
