"""Evaluation of a network: embeddings of query and gallery, ranked by all processes, with a record of what made them."""

import hashlib
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from msinet.data.embedder import Embedder
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord, ReidSplits
from msinet.engine.alone import Alone
from msinet.engine.embed import embed
from msinet.engine.opening import open_machine
from msinet.errors import SettingsError
from msinet.evaluation.camera_pairs import score_camera_pairs
from msinet.evaluation.draws import DrawnGalleries
from msinet.evaluation.examples import example_rankings
from msinet.evaluation.metrics import measure
from msinet.evaluation.protocols import Protocol
from msinet.evaluation.ranking import Ranking, join_rankings, rank
from msinet.evaluation.ranking_task import RankingTask, prepare, prepare_among
from msinet.evaluation.record import DataFacts, EmbeddingFacts, MachineFacts, ModelFacts
from msinet.evaluation.result import RetrievalResult
from msinet.evaluation.scoring import compare, score
from msinet.evaluation.settings import ScoringSettings
from msinet.evaluation.similarities import Similarities

if TYPE_CHECKING:
    from msinet.engine.machine import Machine
    from msinet.model.network import Network

PACKAGES = ("msinet", "torch", "torchvision", "numpy", "pillow")
"""Packages that any result may depend on."""

OF_RUNTIMES = {"onnx": "onnxruntime", "openvino": "openvino"}
"""Packages of the runtimes of networks in files, by the runtimes' keys."""


def evaluate(
    network: "Network | Embedder",
    splits: ReidSplits,
    protocol: str | None = None,
    scoring: ScoringSettings | None = None,
    machine: "Machine | Alone | None" = None,
    task: str | None = None,
    camera_pairs: bool = False,
    draws: Path | None = None,
) -> RetrievalResult:
    """Embed query and gallery and score them under a protocol, by default the dataset's usual one.

    The result records data, model, settings, machine and versions. Its evidence has the rankings of a few queries and the
    similarities of same and different identities.

    Args:
        network: any network, or a predictor.
        splits: the dataset.
        protocol: its name.
        scoring: what is done with embeddings before they are ranked.
        machine: by default the one that `open_machine` opens for the network: a GPU, where there is one, for PyTorch.
        task: name of the test size, where the dataset has several; by default the first.
        camera_pairs: score the queries of each camera among the gallery images of each other camera as well.
        draws: file of the galleries that the protocol vehicleid draws: read if it is there, else written.

    Raises:
        SettingsError: there is no such protocol or test size, or an option cannot be combined with the protocol.
        DatasetError: there is no query or gallery, labels are missing, or no query has a match.
    """
    galleries, scoring = DrawnGalleries(draws), scoring or ScoringSettings()
    prepared = prepare_splits(splits, task, protocol, scoring, camera_pairs, galleries)
    machine = machine or open_machine(networks=[network])
    embeddings = embed(network, images_of([prepared]), machine, scoring.flip)
    result = score_prepared(prepared, embeddings, machine, facts_of(network))
    if machine.is_first:
        galleries.save()
    return result


def evaluate_among(
    network: "Network | Embedder", records: Sequence[ImageRecord], machine: "Machine | Alone | None" = None
) -> RetrievalResult:
    """Score images that are both query and gallery, such as those of the validation split, under the protocol that fits.

    Raises:
        DatasetError: cameras are missing, or no image has a match.
    """
    tasks, machine = prepare_among(records), machine or open_machine(networks=[network])
    embeddings = embed(network, records, machine)
    rankings = [rank_together(task, similarities_of(task, embeddings, machine), machine) for task in tasks]
    return score(tasks, rankings)


@dataclass(frozen=True)
class PreparedSplits:
    """A test size of a dataset, ready to be scored under a protocol."""

    splits: ReidSplits
    task: str
    """Name of the test size; empty where there is only one."""
    ranking_tasks: tuple[RankingTask, ...]
    camera_pairs: bool

    @property
    def protocol(self) -> Protocol:
        """The protocol."""
        return self.ranking_tasks[0].protocol


def prepare_splits(
    splits: ReidSplits,
    task: str | None = None,
    protocol: str | None = None,
    scoring: ScoringSettings | None = None,
    camera_pairs: bool = False,
    galleries: DrawnGalleries | None = None,
) -> PreparedSplits:
    """Make sure, from labels and options alone, that a test size can be scored. Arguments and errors as `evaluate`."""
    sizes, galleries = splits.scored(), galleries or DrawnGalleries()
    task = next(iter(sizes)) if task is None else task
    if task not in sizes:
        known = ", ".join(repr(name) for name in sizes)
        raise SettingsError(f"task is {task!r}: the test sizes of {splits.name} are {known}")
    query, gallery = sizes[task].query, sizes[task].gallery
    draw = partial(galleries.of, f"{splits.name} {task}".strip())
    tasks = prepare(query, gallery, protocol, scoring, splits.answers, splits.protocol, camera_pairs, draw)
    return PreparedSplits(splits, task, tasks, camera_pairs)


def images_of(prepared: Sequence[PreparedSplits]) -> list[ImageRecord]:
    """Return all images that have to be embedded, each file once."""
    sizes = [one.splits.scored()[one.task] for one in prepared]
    return list({record.path: record for size in sizes for record in (*size.query, *size.gallery)}.values())


def score_prepared(
    prepared: PreparedSplits, embeddings: Embeddings, machine: "Machine | Alone", model: ModelFacts | None = None
) -> RetrievalResult:
    """Score a test size from the embeddings of all its images; all processes rank, and each gets the whole result.

    Args:
        prepared: the test size.
        embeddings: of all its images.
        machine: the processes.
        model: facts of the network that made the embeddings, where one did.
    """
    rankings, evidence = [], {}
    for task in prepared.ranking_tasks:
        similarities = similarities_of(task, embeddings, machine)
        ranking = rank_together(task, similarities, machine)
        rankings.append(ranking)
        if task.draw is None:  # Scores over draws are means, behind which no single ranking stands.
            precisions = measure(ranking, task.asking, len(task.searched)).per_query.average_precision
            evidence["rankings"] = example_rankings(task, similarities, precisions)
            evidence["camera_pairs"] = score_camera_pairs(task, similarities) if prepared.camera_pairs else ()
    return (
        score(prepared.ranking_tasks, rankings)
        .with_evidence(**evidence)
        .with_record(
            task=prepared.task,
            data=DataFacts.of(prepared.splits),
            model=model,
            machine=MachineFacts(**machine.describe()),
            versions=versions(model),
        )
    )


def similarities_of(task: RankingTask, embeddings: Embeddings, machine: "Machine | Alone") -> Similarities:
    """Return the similarities that a task ranks, from the embeddings of all its images."""
    query, gallery = (embeddings.of(side.images) for side in (task.query, task.gallery))
    return compare(task, query, gallery, str(machine.device))


def rank_together(task: RankingTask, similarities: Similarities, machine: "Machine | Alone") -> Ranking:
    """Rank a task with all processes, each its share of the queries; each gets the whole ranking and its pairs."""
    own = rank(similarities, task.relevance, machine.share(len(task.asking)), pairs=True)
    return join_rankings(machine.gather_objects([own]))


def facts_of(network: "Network | Embedder") -> ModelFacts:
    """Return the facts of a network for the record of a result."""
    return ModelFacts(network.kind, network.arguments(), network.image_size, network.fingerprint())


def facts_of_embeddings(embeddings: Embeddings) -> EmbeddingFacts:
    """Return the facts of embeddings that no network here made."""
    digest = hashlib.sha256(np.ascontiguousarray(embeddings.vectors).data).hexdigest()[:16]
    return EmbeddingFacts(digest, embeddings.vectors.shape[1])


def versions(model: ModelFacts | None = None) -> dict[str, str]:
    """Return the versions that a result depends on, by package, of those that are installed.

    Args:
        model: facts of the network; that of one in a file say which runtime computed.
    """
    found, runtime = {"python": platform.python_version()}, str(model.arguments.get("runtime", "")) if model else ""
    for name in (*PACKAGES, *(OF_RUNTIMES[key] for key in runtime.split()[:1] if key in OF_RUNTIMES)):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
