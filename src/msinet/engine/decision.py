"""What a search keeps at each place: the largest alpha, or what it can spare least; and how sure it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from msinet.data.batches import Batch, embedding_batches
from msinet.data.image_cache import ImageCache
from msinet.engine.contrast import Memory, Sides
from msinet.engine.runtime import Progress, autocast, mean_of_processes
from msinet.engine.settings import SearchSettings
from msinet.model.architecture import INTERACTION_NAMES, Architecture
from msinet.model.batch_statistics import kept_statistics
from msinet.model.certainty import choices_of, doubts_about, shares_of
from msinet.model.supernet import Supernet

IMAGES = 512
"""Of the alphas' side, on which every removal is tried."""


def decide(
    supernet: Supernet, temperature: float, loss: Callable[[Tensor], float] | None, progress: Progress
) -> tuple[Architecture, dict[str, Any]]:
    """Return the architecture that a search ends with, and what is to be told of the choice, as values for JSON.

    Args:
        supernet: as the search leaves it.
        temperature: T of its mixture, softmax(alpha / T).
        loss: of weights (L, 4) of the operations, where removal decides; None where the alphas do.
        progress: is told of each removal.
    """
    alphas = supernet.alphas.detach()
    told: dict[str, Any] = {"alphas": {"columns": INTERACTION_NAMES, "rows": alphas.tolist()}}
    architecture = supernet.architecture()
    if loss:
        losses = removal_losses(alphas / temperature, loss, progress)
        architecture = supernet.architecture_of(losses)
        told["losses_without"] = {"columns": INTERACTION_NAMES, "rows": losses.tolist()}
    choices = choices_of(shares_of(alphas.tolist(), temperature), architecture)
    return architecture, told | {"choices": [asdict(choice) for choice in choices], "doubts": doubts_about(choices)}


@torch.no_grad()
def removal_losses(logits: Tensor, loss: Callable[[Tensor], float], progress: Progress) -> Tensor:
    """Return the loss (L, 4) without each operation of each place; the largest of a row is that of what to keep.

    After Wang et al., Rethinking Architecture Selection in Differentiable NAS, ICLR 2021, without their tuning in between.
    Decides place by place from the first to the last: the places before have what they keep alone, those behind their whole
    mixture, and the operations that are left at the place divide the weight of the one removed in proportion.

    Args:
        logits: (L, 4), whose softmax are the weights of the mixture.
        loss: of such weights.
        progress: is told of each removal.
    """
    weights, losses = logits.softmax(-1), torch.zeros_like(logits)
    progress.start("try removals", logits.numel())
    for place, row in enumerate(logits):
        for removed in range(len(row)):
            without = row.clone()
            without[removed] = -torch.inf
            tried = weights.clone()
            tried[place] = without.softmax(-1)
            losses[place, removed] = loss(tried)
            progress.advance()
        costs = losses[place].tolist()
        weights[place] = 0
        weights[place, costs.index(max(costs))] = 1
    return losses


def loss_on_fixed_images(
    supernet: Supernet,
    memory: Memory,
    sides: Sides,
    settings: SearchSettings,
    accelerator: Accelerator,
    caches: Mapping[tuple[int, int], ImageCache] | None = None,
) -> Callable[[Tensor], float]:
    """Return the function that gives, of weights (L, 4), the loss against a memory over some of the alphas' images.

    These are `IMAGES` at most, or one batch, the same for all weights, drawn by the seed, not augmented, and in batches as
    large as the search's; what does not fill a batch is left out.
    """
    records, size = sides.split.alphas, settings.identities_per_batch * settings.images_per_identity
    order = np.random.default_rng(settings.seed).permutation(len(records))[: max(IMAGES, size)].tolist()
    whole, where = order[: max(1, len(order) // size) * size], (accelerator.device, settings.workers)
    batches = [*embedding_batches(records, settings.image_size, size, *where, caches, whole, sides.alphas)]
    return lambda weights: mean_loss(supernet, memory, batches, weights, settings, accelerator)


@torch.no_grad()
def mean_loss(
    supernet: Supernet,
    memory: Memory,
    batches: Sequence[Batch],
    weights: Tensor,
    settings: SearchSettings,
    accelerator: Accelerator,
) -> float:
    """Return the mean loss against a memory over batches, of a supernet with weights (L, 4).

    Each process takes all batches, so that synchronised batch norms never wait for one that has fewer; the mean over the
    processes is what all of them decide by.

    Batch norms take the statistics of each batch, as in every step of the search: their running ones are those of the whole
    mixture, and would charge an operation for the mere change of scale that comes with its removal.
    """
    losses = []
    with kept_statistics(supernet):
        for batch in batches:
            with autocast(settings, accelerator.device):
                features = supernet(batch.images, weights)
            losses.append(memory(features, batch.identities).float())
    return mean_of_processes(accelerator, torch.stack(losses).mean()).item()
