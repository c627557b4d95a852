"""Backbone of MSINet: a stem and stages of cells, with the map halved in between (report, figure 1)."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn

from msinet.model.layers import conv_norm, conv_norm_relu
from msinet.model.msinet.cell import MultiScaleCell, branch_channels


class FeatureMaps(NamedTuple):
    """The maps that the heads pool."""

    middle: Tensor
    """(B, C2, H/16, W/16): the map that enters the last stage."""
    last: Tensor
    """(B, C3, H/16, W/16): the map that leaves it."""


class Stage(nn.Module):
    """Cells at one resolution."""

    def __init__(self, cells: Sequence[MultiScaleCell]) -> None:
        super().__init__()
        self.cells = nn.ModuleList(cells)

    def forward(self, x: Tensor, shares: Tensor | None = None) -> Tensor:
        """Apply the cells; shares: (cells, interactions, choices) for mixtures."""
        for i, cell in enumerate(self.cells):
            x = cell(x) if shares is None else cell(x, shares[i])
        return x


class Backbone(nn.Module):
    """Stem, then stages of cells; between two stages a 1x1 convolution and a 2x2 average pool halve the map.

    Args:
        channels: after the stem and after each stage.
        cells_per_stage: cells of each stage.
        interactions: function of (stage, cell, channels of a branch) that returns the interactions of a cell, in order.
    """

    def __init__(
        self,
        channels: Sequence[int],
        cells_per_stage: int,
        interactions: Callable[[int, int, int], Sequence[nn.Module]],
    ) -> None:
        super().__init__()
        # The ReLU after the pooling: the same numbers, on a quarter of the positions.
        self.stem = conv_norm(3, channels[0], kernel=7, stride=2).extend((nn.MaxPool2d(3, 2, 1), nn.ReLU(inplace=True)))
        self.stages = nn.ModuleList()
        for s, (before, after) in enumerate(pairwise(channels)):
            chosen = [interactions(s, c, branch_channels(after)) for c in range(cells_per_stage)]
            self.stages.append(
                Stage([MultiScaleCell(after if c else before, after, chosen[c]) for c in range(cells_per_stage)])
            )
        self.halve = nn.ModuleList(conv_norm_relu(c, c).append(nn.AvgPool2d(2, 2)) for c in channels[1:-1])

    def forward(self, images: Tensor, shares: Tensor | None = None) -> FeatureMaps:
        """Map images (B, 3, H, W) to feature maps; shares: (stages, cells, interactions, choices) for mixtures."""
        x = self.stem(images)
        middle = x
        for s, stage in enumerate(self.stages):
            if s > 0:
                middle = x = self.halve[s - 1](x)
            x = stage(x) if shares is None else stage(x, shares[s])
        return FeatureMaps(middle, x)
