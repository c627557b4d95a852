"""Embeddings -> scores, with all that belongs to the numbers: data, model, settings, machine and versions."""

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

import msinet
from msinet.data.embedding_files import of_dataset
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord, ReidSplits, RetrievalTask
from msinet.engine.embed import embed
from msinet.engine.runtime import Progress, make_accelerator, own_share, precision_on
from msinet.engine.settings import MachineSettings
from msinet.evaluation.draws import draw_galleries, read_draws, write_draws
from msinet.evaluation.examples import example_rankings
from msinet.evaluation.judgement import judge
from msinet.evaluation.metrics import RetrievalResult
from msinet.evaluation.protocols import Protocol, choose_protocol
from msinet.evaluation.ranking import Ranking, join_rankings, rank
from msinet.evaluation.scoring import (
    Ranker,
    Trial,
    check_options,
    make_trial,
    pool_of,
    refuse_flip,
    score_draws,
    score_trial,
    scores_by_camera_pair,
)
from msinet.evaluation.settings import ScoringSettings
from msinet.model.model_files import describe_model, weights_fingerprint
from msinet.model.msinet import MSINet


def evaluate(
    model: MSINet,
    splits: ReidSplits,
    protocol: str | None = None,
    scoring: ScoringSettings | None = None,
    settings: MachineSettings | None = None,
    progress: Progress | None = None,
    camera_pairs: bool = False,
) -> RetrievalResult:
    """Embed query and gallery and score them under a protocol, by default the dataset's usual one.

    The result's `info` says what was scored and with what. It holds the rankings of a few queries and how alike same and
    different identities are; with `camera_pairs`, also how well each camera's queries find their answers in each other
    camera. Of a dataset with several test sizes, the first is scored.

    Raises:
        SettingsError: there is no such protocol, or an option does not go with it.
        DatasetError: there is no query or gallery, labels are missing, or no query has a right answer.
    """
    first = next(iter(splits.scored()))
    return evaluate_all(model, splits, [first], [protocol], scoring, settings, progress, camera_pairs)[0]


def evaluate_all(
    model: MSINet,
    splits: ReidSplits,
    tasks: Sequence[str] | None = None,
    protocols: Sequence[str | None] = (None,),
    scoring: ScoringSettings | None = None,
    settings: MachineSettings | None = None,
    progress: Progress | None = None,
    camera_pairs: bool = False,
    draws: Path | None = None,
) -> list[RetrievalResult]:
    """Embed once, and score several test sizes (all by default) under several protocols; see `evaluate`.

    `draws` is a file of galleries drawn for the protocol vehicleid: read where it is there, else drawn and written.
    """
    chosen = {name: splits.scored()[name] for name in tasks or splits.scored()}
    for task in chosen.values():
        for name in protocols:
            require_answers(splits, task, name, scoring, camera_pairs)
    scoring, settings = scoring or ScoringSettings(), settings or MachineSettings()
    accelerator = make_accelerator(settings)
    records = [record for task in chosen.values() for record in (*task.query, *task.gallery)]
    once = list({record.path: record for record in records}.values())
    embeddings = embed(model, once, settings, progress, accelerator, scoring.flip)
    results = score_all(embeddings, splits, chosen, protocols, scoring, accelerator, camera_pairs, draws)
    for result in results:
        result.info["model"] = describe_model(model) | {"weights": weights_fingerprint(model)}
        result.info["machine"] = describe_machine(settings, accelerator)
    return results


def score_embeddings(
    embeddings: Embeddings,
    splits: ReidSplits,
    protocols: Sequence[str | None] = (None,),
    scoring: ScoringSettings | None = None,
    settings: MachineSettings | None = None,
    camera_pairs: bool = False,
    draws: Path | None = None,
) -> list[RetrievalResult]:
    """Score embeddings that somebody has made, of all images that a dataset scores, under several protocols.

    Raises:
        SettingsError: there is no such protocol, or an option does not go with it or with embeddings.
        DatasetError: an image has no embedding, labels are missing, or no query has a right answer.
    """
    scoring, settings = scoring or ScoringSettings(), settings or MachineSettings()
    refuse_flip(scoring)
    accelerator = make_accelerator(settings)
    own, tasks = of_dataset(embeddings, splits), dict(splits.scored())
    results = score_all(own, splits, tasks, protocols, scoring, accelerator, camera_pairs, draws)
    digest = hashlib.sha256(np.ascontiguousarray(own.vectors).data).hexdigest()[:16]
    for result in results:
        result.info["model"] = {"embeddings": digest, "dimensions": own.vectors.shape[1]}
        result.info["machine"] = describe_machine(settings, accelerator)
    return results


def require_answers(
    splits: ReidSplits,
    task: RetrievalTask,
    protocol: str | None,
    scoring: ScoringSettings | None = None,
    camera_pairs: bool = False,
) -> Protocol:
    """Make sure, from labels and options, that a task can be scored; return its protocol. Raises what `evaluate` does."""
    chosen = choose_protocol(task.query, task.gallery, protocol, splits.protocol)
    check_options(chosen, scoring or ScoringSettings(), camera_pairs)
    judge(task.query, task.gallery, chosen, splits.answers)
    return chosen


def score_all(
    embeddings: Embeddings,
    splits: ReidSplits,
    tasks: dict[str, RetrievalTask],
    protocols: Sequence[str | None],
    scoring: ScoringSettings,
    accelerator: Accelerator,
    camera_pairs: bool = False,
    draws: Path | None = None,
) -> list[RetrievalResult]:
    """Score some tasks of a dataset under some protocols, from the embeddings of all their images, once each.

    Each process ranks its share of the queries; all get the whole results.
    """
    rows = {record.path: row for row, record in enumerate(embeddings.records)}
    device = str(accelerator.device)
    known = read_draws(draws) if draws else {}
    galleries = dict(known)
    results = []
    for name, task in tasks.items():
        query, gallery = (_of(embeddings, rows, records) for records in (task.query, task.gallery))
        for protocol in protocols:
            chosen = choose_protocol(task.query, task.gallery, protocol, splits.protocol)
            ranker = shared_ranker(accelerator)
            if chosen.by_draws:
                pool = pool_of(query, gallery)
                drawn = galleries.setdefault(f"{splits.name} {name}".strip(), draw_galleries(pool.records))
                result, trial = score_draws(pool, drawn, chosen, scoring, ranker, device), None
            else:
                trial = make_trial(query, gallery, chosen, scoring, splits.answers, device)
                result = score_trial(trial, ranker)
            results.append(_described(result, name, splits, scoring, trial, camera_pairs))
    if draws and galleries.keys() > known.keys() and accelerator.is_main_process:
        write_draws(draws, galleries)
    return results


def _of(embeddings: Embeddings, rows: dict[Path, int], records: Sequence[ImageRecord]) -> Embeddings:
    """Return the embeddings of records, by their paths."""
    return Embeddings(embeddings.vectors[[rows[record.path] for record in records]], records)


def _described(
    result: RetrievalResult, task: str, splits: ReidSplits, scoring: ScoringSettings, trial: Trial | None, camera_pairs: bool
) -> RetrievalResult:
    """Add to a result what belongs to its numbers."""
    result.info.update(data=describe_data(splits), scoring=scoring.to_dict(), versions=versions())
    if trial:  # Of drawn galleries scores are means, and no ranking stands behind them alone.
        result.info["rankings"] = example_rankings(trial, result.average_precision)
    if trial and camera_pairs:
        result.info["camera_pairs"] = [
            {"query_camera": asked, "gallery_camera": searched, "queries": r.queries, "mAP": r.mAP, "rank_1": r.rank(1)}
            for (asked, searched), r in scores_by_camera_pair(trial).items()
        ]
    return replace(result, task=task)


def shared_ranker(accelerator: Accelerator) -> Ranker:
    """Return what ranks a trial with all processes, each its share of the queries; all get the whole ranking."""

    def ranker(trial: Trial) -> Ranking:
        own = own_share(len(trial.query), accelerator)
        return join_rankings(gather_object([rank(trial.similarities, trial.judgement, own, pairs=True)]))

    return ranker


def score_together(embeddings: Embeddings, accelerator: Accelerator) -> RetrievalResult:
    """Score images that are both asked for and searched among, under the protocol that fits them."""
    protocol = choose_protocol(embeddings.records, embeddings.records)
    return score_trial(
        make_trial(embeddings, embeddings, protocol, device=str(accelerator.device)), shared_ranker(accelerator)
    )


def describe_data(splits: ReidSplits) -> dict:
    """Return a dataset's name, hash and sizes."""
    sizes = {name: len(getattr(splits, name)) for name in ("train", "validation", "query", "gallery", "skipped")}
    return {"name": splits.name, "fingerprint": splits.fingerprint(), **sizes}


def describe_machine(settings: MachineSettings, accelerator: Accelerator) -> dict[str, Any]:
    """Return of the machine what rounding hangs on."""
    cuda = accelerator.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(accelerator.device) if cuda else "cpu",
        "precision": precision_on(settings, accelerator.device),
        "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "threads": torch.get_num_threads(),
        "processes": accelerator.num_processes,
    }


def versions() -> dict[str, str]:
    """Return the versions that a result hangs on."""
    packages = {name: version(name) for name in ("torch", "torchvision", "numpy", "pillow")}
    return {"msinet": msinet.__version__, "python": platform.python_version(), **packages}
