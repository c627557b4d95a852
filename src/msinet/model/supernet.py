"""The supernet: the backbone with every interaction a mixture, and the alphas that weigh them (equation 1)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from msinet.model.architecture import CHANNELS, INTERACTION_NAMES, Architecture
from msinet.model.backbone import Backbone
from msinet.model.interactions import InteractionMixture
from msinet.model.layers import pool, start_weights


class Supernet(nn.Module):
    """What the search trains.

    `alphas` (L, 4) is a parameter like any other, kept apart from the weights by `weight_parameters`.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS, cells_per_stage: int = 2, interactions_per_cell: int = 2) -> None:
        super().__init__()
        self.places = (len(channels) - 1, cells_per_stage, interactions_per_cell)
        self.feature_dim = channels[-1]
        self.backbone = Backbone(
            channels,
            cells_per_stage,
            lambda stage, cell, width: [InteractionMixture(width) for _ in range(interactions_per_cell)],
        )
        start_weights(self)
        count = self.places[0] * cells_per_stage * interactions_per_cell
        self.alphas = nn.Parameter(1e-3 * torch.randn(count, len(INTERACTION_NAMES)))

    def weight_parameters(self) -> list[nn.Parameter]:
        """Return all parameters but the alphas: the report's omega."""
        return list(self.backbone.parameters())

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) to features (B, feature_dim): the pooled last map."""
        weights = self.alphas.softmax(-1).unflatten(0, self.places)
        return pool(self.backbone(images, weights).last)

    def architecture(self) -> Architecture:
        """Return the architecture that keeps the largest alpha at each place."""
        _, cells, interactions = self.places
        return Architecture.from_alphas(self.alphas.tolist(), cells, interactions)
