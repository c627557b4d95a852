"""Images -> embeddings, and scores from them."""

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
from msinet.data.batches import embedding_batches
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord, ReidSplits
from msinet.engine.runtime import Progress, Silence, autocast, gather_rows, make_accelerator, own_share, precision_on
from msinet.engine.settings import MachineSettings
from msinet.evaluation.examples import example_rankings, similarity_histograms
from msinet.evaluation.metrics import RetrievalResult, score, scores_by_camera_pair
from msinet.evaluation.protocols import choose_protocol, require_answers
from msinet.evaluation.ranking import Ranking, rank_embeddings
from msinet.model.model_files import describe_model, weights_fingerprint
from msinet.model.msinet import MSINet
from msinet.whole_files import write_whole

BATCH_SIZE = 64


def embed(
    model: MSINet,
    records: Sequence[ImageRecord],
    settings: MachineSettings | None = None,
    progress: Progress | None = None,
    accelerator: Accelerator | None = None,
) -> Embeddings:
    """Embed the images of records: (N, 768) at the published width, unit length, in the records' order.

    Several records of one file cost one pass through the network. Several processes share the work, and all get all.
    """
    settings, progress = settings or MachineSettings(), progress or Silence()
    accelerator = accelerator or make_accelerator(settings)
    once = list({record.path: record for record in records}.values())
    own = once[own_share(len(once), accelerator)]
    loader = embedding_batches(own, model.image_size, BATCH_SIZE, accelerator.device, settings.workers)
    was_training = model.training
    model.eval().to(accelerator.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    progress.start("embed", len(loader))
    vectors = [torch.empty(0, model.embedding_dim, device=accelerator.device)]
    with torch.inference_mode():
        for batch in loader:
            with autocast(settings, accelerator.device):
                features = model(batch.images)
            vectors.append(features.embedding.float())
            progress.advance()
    model.train(was_training)
    rows = {record.path: row for row, record in enumerate(once)}
    together = gather_rows(accelerator, torch.cat(vectors)).cpu().numpy()
    return Embeddings(together[[rows[record.path] for record in records]], records)


def score_together(
    query: Embeddings, gallery: Embeddings, protocol: str | None, accelerator: Accelerator
) -> RetrievalResult:
    """Score query against gallery embeddings, each process its share of the queries; all get the whole result."""
    chosen = choose_protocol(query.records, gallery.records, protocol)
    own = own_share(len(query), accelerator)
    ranking = rank_embeddings(Embeddings(query.vectors[own], query.records[own]), gallery, chosen)
    wrong_before = gather_object(list(ranking.wrong_before))
    return score(Ranking(tuple(wrong_before), query.records, gallery.records, chosen))


def evaluate(
    model: MSINet,
    splits: ReidSplits,
    protocol: str | None = None,
    settings: MachineSettings | None = None,
    progress: Progress | None = None,
    camera_pairs: bool = False,
    command: dict[str, Any] | None = None,
) -> RetrievalResult:
    """Embed query and gallery and score them under a protocol, by default the one that fits the cameras.

    The result's `info` says what was scored and with what, and by which command, where one is told. It holds the rankings of
    a few queries and how alike same and different identities are; with `camera_pairs`, also how well each camera's queries
    find their answers in each other camera.

    Raises:
        DatasetError: there is no query or gallery, or no query has a right answer.
    """
    require_answers(splits.query, splits.gallery, choose_protocol(splits.query, splits.gallery, protocol))
    settings = settings or MachineSettings()
    accelerator = make_accelerator(settings)
    both = embed(model, [*splits.query, *splits.gallery], settings, progress, accelerator)
    count = len(splits.query)
    query = Embeddings(both.vectors[:count], splits.query)
    gallery = Embeddings(both.vectors[count:], splits.gallery)
    result = score_together(query, gallery, protocol, accelerator)
    info = {
        "data": describe_data(splits),
        "model": describe_model(model) | {"weights": weights_fingerprint(model)},
        "machine": describe_machine(settings, accelerator),
        "versions": versions(),
    }
    if command:
        info["command"] = command
    chosen = choose_protocol(query.records, gallery.records, protocol)
    left_out = set(result.without_right_answer)
    scored = [place for place, record in enumerate(query.records) if record.path.as_posix() not in left_out]
    info["rankings"] = example_rankings(query, gallery, chosen, scored, result.average_precision)
    info["similarities"] = similarity_histograms(query, gallery, chosen)
    if camera_pairs:
        info["camera_pairs"] = [
            {"query_camera": asked, "gallery_camera": searched, "queries": r.queries, "mAP": r.mAP, "rank_1": r.rank(1)}
            for (asked, searched), r in scores_by_camera_pair(query, gallery).items()
        ]
    return replace(result, info=info)


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


def save_embeddings(embeddings: Embeddings, path: str | Path) -> None:
    """Write embeddings with paths, identities and cameras as one .npz file that loads without pickles."""
    records = embeddings.records
    columns = {name: [str(getattr(r, name) or "") for r in records] for name in ("path", "identity", "camera", "track")}
    arrays = {name: np.array(values, dtype=np.str_) for name, values in columns.items()}
    arrays["vectors"] = embeddings.vectors
    write_whole(Path(path), lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))
