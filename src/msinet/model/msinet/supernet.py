"""The supernet: the backbone with a mixture at every place, and the alphas that weigh its options (equation 1)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from msinet.errors import SettingsError
from msinet.model.layers import pool, start_weights
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.backbone import Backbone
from msinet.model.msinet.interactions.mixture import InteractionMixture
from msinet.model.msinet.search_space import PUBLISHED, Cells, SearchSpace
from msinet.model.msinet.widths import CHANNELS


class Supernet(nn.Module):
    """What the search trains.

    `alphas` (L, columns) is a parameter like any other, kept apart from the weights by `weight_parameters`.

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
            [space.cells_per_stage] * space.stages,
            lambda stage, cell, width: [
                InteractionMixture(width, space.choices) for _ in range(space.interactions_per_cell)
            ],
            lambda stage, cell: [space.depths] * space.interactions_per_cell,
            space.fewer_cells,
        )
        start_weights(self)
        self.alphas = nn.Parameter(1e-3 * torch.randn(space.places, len(space.columns)))

    def weight_parameters(self) -> list[nn.Parameter]:
        """Return all parameters but the alphas: the report's omega."""
        return list(self.backbone.parameters())

    def forward(self, images: Tensor, chosen: Tensor | Cells | None = None) -> Tensor:
        """Map images (B, 3, H, W) to features (B, feature_dim): the pooled last map.

        chosen: shares (L, columns) of the options in the mixtures of each place, adding up to 1 in each decision, by default
        softmax(alpha); or the cells of one network of the space, which alone is computed then.

        Raises:
            SettingsError: the cells are not in the space.
        """
        chosen = self.mixture() if chosen is None else chosen
        if isinstance(chosen, Tensor):
            return pool(self.backbone(images, chosen.unflatten(0, self.space.shape)).last)
        self.space.require(chosen)  # Places that the supernet does not have would be dropped without a word.
        return pool(self.backbone(images, chosen).last)

    def mixture(self, temperature: float = 1.0) -> Tensor:
        """Return softmax(alpha / T), (L, columns): the shares of the options of each decision at each place."""
        by_decision = [self.alphas[:, decision.columns] for decision in self.space.decisions]
        return torch.cat([(alphas / temperature).softmax(-1) for alphas in by_decision], -1)

    def shares_of(self, architecture: Architecture) -> Tensor:
        """Return shares (L, columns) that make the supernet the network of an architecture: 1 for its choices, else 0.

        Raises:
            SettingsError: the architecture is not in the supernet's search space.
        """
        return torch.tensor(self.space.indicators(architecture.cells)).to(self.alphas)

    def architecture(self) -> Architecture:
        """Return the architecture that keeps the largest alphas at each place."""
        return self.architecture_of(self.alphas.detach())

    def architecture_of(self, values: Tensor) -> Architecture:
        """Return the architecture that keeps the largest values at each place; values: (L, columns)."""
        return Architecture.from_alphas(values.tolist(), self.space)
