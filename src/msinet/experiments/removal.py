"""Variant of the search that decides by removal: a place keeps the interaction that it can spare least."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from msinet.architecture_search.twins import TwinsSearch
from msinet.batches.loading import Batch, RecordImages, embedding_batches
from msinet.engine.feed import Caches
from msinet.model.batch_statistics import kept_statistics
from msinet.progress import begin

REMOVAL_IMAGES = 512
"""Images of the alphas' side on which removals are tried, at most."""


class Removal(TwinsSearch):
    """At each place the interaction whose removal costs most loss is kept, in place of the one with the largest alpha.

    After Wang et al., Rethinking Architecture Selection in Differentiable NAS, ICLR 2021, without tuning between the places.
    """

    name = "removal"

    def decide(self, caches: Caches) -> Tensor:
        """Return the loss of the alphas' side without each interaction of each place, (L, choices)."""
        logits = self.alphas.detach() / self.mixture_temperature
        return removal_losses(logits, partial(self.mean_loss, self.fixed_batches(caches)))

    def fixed_batches(self, caches: Caches) -> list[Batch]:
        """Return images of the alphas' side, the same for all removals: drawn by the seed, not augmented.

        These are `REMOVAL_IMAGES` at most, or one batch. The batches are as large as the search's; what does not fill one is
        left out.
        """
        settings, records, size = self.settings, self.sides.split.alpha_images, self.settings.batch_size
        order = np.random.default_rng(settings.seed).permutation(len(records))[: max(REMOVAL_IMAGES, size)].tolist()
        whole = order[: max(1, len(order) // size) * size]
        images = RecordImages(records, settings.image_size, caches=caches, among=self.sides.alpha_identities)
        return [*embedding_batches(images, size, self.machine.device, self.machine.workers, whole)]

    @torch.no_grad()
    def mean_loss(self, batches: Sequence[Batch], shares: Tensor) -> float:
        """Return the mean loss of a supernet with shares (L, choices) against the memory of the alphas.

        Each process takes all batches, so that synchronised batch norms never wait for one that has fewer. Batch norms take
        the statistics of each batch, as in the search: the running ones are those of the whole mixture, and would charge an
        interaction for the mere change of scale that comes with its removal.
        """
        losses = []
        with kept_statistics(self.supernet):
            for batch in batches:
                with self.machine.autocast():
                    features = self.supernet(batch.images, shares)
                losses.append(self.alpha_memory(features, batch.identities).float())
        return self.machine.mean(torch.stack(losses).mean()).item()


@torch.no_grad()
def removal_losses(logits: Tensor, loss: Callable[[Tensor], float]) -> Tensor:
    """Return the loss (L, choices) without each interaction of each place; a place keeps the one with the largest.

    Decides place by place, from the first to the last. The places before have what they keep alone, those behind their whole
    mixture. The interactions that are left at the place divide the weight of the removed one in proportion.

    Args:
        logits: (L, choices), whose softmax is the mixture.
        loss: of a mixture (L, choices).
    """
    shares, losses = logits.softmax(-1), torch.zeros_like(logits)
    bar = begin("try removals", logits.numel())
    for place, row in enumerate(logits):
        for removed in range(len(row)):
            without = row.clone()
            without[removed] = -torch.inf
            tried = shares.clone()
            tried[place] = without.softmax(-1)
            losses[place, removed] = loss(tried)
            bar.advance()
        costs = losses[place].tolist()
        shares[place] = 0
        shares[place, costs.index(max(costs))] = 1
    return losses
