"""The supernet: the backbone with every interaction a mixture, and the alphas that weigh them (equation 1)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from msinet.errors import SettingsError
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

    def forward(self, images: Tensor, weights: Tensor | None = None) -> Tensor:
        """Map images (B, 3, H, W) to features (B, feature_dim): the pooled last map.

        weights: (L, 4), what the operations of each place are weighed by, adding up to 1; without them, softmax(alpha).
        """
        weights = self.mixture() if weights is None else weights
        return pool(self.backbone(images, weights.unflatten(0, self.places)).last)

    def mixture(self, temperature: float = 1.0) -> Tensor:
        """Return softmax(alpha / T), (L, 4): the weights of the operations at each place."""
        return (self.alphas / temperature).softmax(-1)

    def weights_of(self, architecture: Architecture) -> Tensor:
        """Return weights (L, 4) that make the supernet the network of an architecture: 1 for what it takes, else 0.

        Raises:
            SettingsError: the architecture has other places than the supernet.
        """
        stages = architecture.stages
        if (places := (len(stages), len(stages[0]), len(stages[0][0]))) != self.places:
            words = "{} stages of {} cells with {} interactions each".format
            raise SettingsError(f"an architecture of {words(*places)} does not fit a supernet of {words(*self.places)}")
        columns = torch.tensor([INTERACTION_NAMES.index(name) for name in architecture.interactions])
        return nn.functional.one_hot(columns, len(INTERACTION_NAMES)).to(self.alphas)

    def architecture(self) -> Architecture:
        """Return the architecture that keeps the largest alpha at each place."""
        return self.architecture_of(self.alphas.detach())

    def architecture_of(self, values: Tensor) -> Architecture:
        """Return the architecture that keeps the largest value at each place; values: (L, 4)."""
        _, cells, interactions = self.places
        return Architecture.from_alphas(values.tolist(), cells, interactions)
