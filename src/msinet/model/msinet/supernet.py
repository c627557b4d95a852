"""The supernet: the backbone with a mixture at every place, and the alphas that weigh the interactions (equation 1)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from msinet.errors import SettingsError
from msinet.model.layers import pool, start_weights
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.backbone import Backbone
from msinet.model.msinet.interactions.mixture import InteractionMixture
from msinet.model.msinet.search_space import PUBLISHED, SearchSpace
from msinet.model.msinet.widths import CHANNELS


class Supernet(nn.Module):
    """What the search trains.

    `alphas` (L, choices) is a parameter like any other, kept apart from the weights by `weight_parameters`.

    Args:
        channels: after the stem and after each stage.
        space: places and choices; it has a stage for each number of channels but the first.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS, space: SearchSpace = PUBLISHED) -> None:
        super().__init__()
        if space.stages != len(channels) - 1:
            raise SettingsError(
                f"a space of {space.stages} stages does not fit the channels {', '.join(map(str, channels))}"
            )
        self.space = space
        self.feature_dim = channels[-1]
        self.backbone = Backbone(
            channels,
            space.cells_per_stage,
            lambda stage, cell, width: [
                InteractionMixture(width, space.choices) for _ in range(space.interactions_per_cell)
            ],
        )
        start_weights(self)
        self.alphas = nn.Parameter(1e-3 * torch.randn(space.places, len(space.choices)))

    def weight_parameters(self) -> list[nn.Parameter]:
        """Return all parameters but the alphas: the report's omega."""
        return list(self.backbone.parameters())

    def forward(self, images: Tensor, shares: Tensor | None = None) -> Tensor:
        """Map images (B, 3, H, W) to features (B, feature_dim): the pooled last map.

        shares: (L, choices), of the interactions in the mixture of each place, adding up to 1; by default softmax(alpha).
        """
        shares = self.mixture() if shares is None else shares
        return pool(self.backbone(images, shares.unflatten(0, self.space.shape)).last)

    def mixture(self, temperature: float = 1.0) -> Tensor:
        """Return softmax(alpha / T), (L, choices): the shares of the interactions at each place."""
        return (self.alphas / temperature).softmax(-1)

    def shares_of(self, architecture: Architecture) -> Tensor:
        """Return shares (L, choices) that make the supernet the network of an architecture: 1 for its choices, else 0.

        Raises:
            SettingsError: the architecture has other places than the supernet.
        """
        if architecture.shape != self.space.shape:
            words = "{} stages of {} cells with {} interactions each".format
            raise SettingsError(
                f"an architecture of {words(*architecture.shape)} does not fit a supernet of {words(*self.space.shape)}"
            )
        columns = torch.tensor([self.space.choices.index(name) for name in architecture.interactions])
        return nn.functional.one_hot(columns, len(self.space.choices)).to(self.alphas)

    def architecture(self) -> Architecture:
        """Return the architecture that keeps the largest alpha at each place."""
        return self.architecture_of(self.alphas.detach())

    def architecture_of(self, values: Tensor) -> Architecture:
        """Return the architecture that keeps the largest value at each place; values: (L, choices)."""
        return Architecture.from_alphas(values.tolist(), self.space)
