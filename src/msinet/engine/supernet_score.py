"""How well a finished search's supernet recognises with a chosen architecture, which is never trained for it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from msinet.data.batches import Batch, embedding_batches
from msinet.data.embeddings import Embeddings
from msinet.data.identity_splits import hold_out_validation
from msinet.data.records import ReidSplits
from msinet.engine.checkpoint import restore_module
from msinet.engine.evaluate import score_together
from msinet.engine.loop import open_caches
from msinet.engine.runtime import Progress, Silence, autocast, gather_rows, make_accelerator, own_share
from msinet.engine.settings import SearchSettings
from msinet.errors import CheckpointError, DatasetError
from msinet.model.architecture import Architecture
from msinet.model.batch_statistics import take_statistics
from msinet.model.supernet import Supernet
from msinet.tensor_files import load_tensors

STATISTICS_IMAGES = 512
"""Training images that the batch norms take each architecture's statistics of."""


def supernet_scores(
    folder: str | Path,
    splits: ReidSplits,
    architectures: Sequence[Architecture],
    device: str = "auto",
    workers: int = 0,
    progress: Progress | None = None,
) -> list[float]:
    """Return the mAP (0 to 1) of architectures on the validation identities, by the weights of a finished search.

    Each architecture makes the supernet a network that keeps one operation at each place. Its batch norms take their
    statistics anew, of training images without augmentation, since the running ones are those of the mixture (as usual for
    one-shot searches: Guo et al., Single Path One-Shot, ECCV 2020). Embedding: the pooled last map, at unit length.

    Args:
        folder: that `search` wrote to.
        splits: the data of the search; what it held out for validation is scored.
        architectures: with the supernet's places.
        device: auto, cpu, cuda or cuda:1.
        workers: processes that load images.
        progress: is told of each architecture.

    Raises:
        CheckpointError: there is no finished search, it is of other data, or damaged.
        DatasetError: the search held no identities out.
        SettingsError: an architecture has other places.
    """
    tensors, settings = load_search(Path(folder), splits, device, workers)
    splits = hold_out_validation(splits, settings.validation_share)
    if not splits.validation:
        raise DatasetError("the search held no identities out to score on: search with a --validation-share")
    accelerator, progress = make_accelerator(settings), progress or Silence()
    caches = open_caches([*splits.train, *splits.validation], settings, accelerator, progress)
    supernet = Supernet(settings.channels, settings.cells_per_stage, settings.interactions_per_cell)
    restore_module(supernet, tensors, "supernet")
    supernet.to(accelerator.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    size = settings.identities_per_batch * settings.images_per_identity
    drawn = np.random.default_rng(settings.seed).permutation(len(splits.train))[:STATISTICS_IMAGES].tolist()
    own = own_share(len(splits.validation), accelerator)
    where = settings.image_size, size, accelerator.device, workers, caches
    of_statistics = embedding_batches(splits.train, *where, drawn[: max(1, len(drawn) // size) * size])
    asked = embedding_batches(splits.validation, *where, range(own.start, own.stop))

    scores, all_weights = [], [supernet.weights_of(architecture) for architecture in architectures]
    progress.start("score architectures", len(architectures))
    for weights in all_weights:
        vectors = gather_rows(accelerator, embed_with(supernet, weights, of_statistics, asked, settings))
        scores.append(score_together(Embeddings(vectors.cpu().numpy(), splits.validation), accelerator).mAP)
        progress.advance()
    return scores


@torch.no_grad()
def embed_with(
    supernet: Supernet, weights: Tensor, of_statistics: Iterable[Batch], asked: Iterable[Batch], settings: SearchSettings
) -> Tensor:
    """Return the embeddings (N, D), at unit length, of the asked images by a supernet with weights (L, 4).

    Its batch norms take their statistics of the first batches.
    """

    def features(batch: Batch) -> Tensor:
        with autocast(settings, batch.images.device):
            return supernet(batch.images, weights)

    take_statistics(supernet, features, of_statistics)
    supernet.eval()
    vectors = [normalize(features(batch).float()) for batch in asked]
    return torch.cat([torch.empty(0, supernet.feature_dim, device=weights.device), *vectors])


def load_search(folder: Path, splits: ReidSplits, device: str, workers: int) -> tuple[Mapping[str, Tensor], SearchSettings]:
    """Return what a finished search has learned, and its settings, for another device and number of workers."""
    path = folder / "search.checkpoint.safetensors"
    if not (folder / "architecture.json").is_file():
        raise CheckpointError(f"there is no finished search in {folder}: pass the folder that msinet search wrote")
    tensors, values = load_tensors(path)
    made_from: dict[str, Any] = dict(values["made_from"])
    if (data := made_from.pop("data")) != splits.fingerprint():
        raise CheckpointError(f"{path} is a search on other data ({data}, not {splits.fingerprint()}): pass the same data")
    try:
        return tensors, SearchSettings(**made_from, device=device, workers=workers)
    except TypeError as error:
        raise CheckpointError(f"{path} was made with settings that this version does not know: {error}") from error
