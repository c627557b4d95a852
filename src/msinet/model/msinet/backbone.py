"""Backbone of MSINet: a stem and stages of cells, with the map halved in between (report, figure 1)."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from msinet.model.layers import conv_norm, conv_norm_relu
from msinet.model.msinet.cell import DepthOptions, MultiScaleCell, branch_channels
from msinet.model.msinet.search_space import Cells, Place


class FeatureMaps(NamedTuple):
    """The maps that the heads pool."""

    middle: Tensor
    """(B, C2, H/16, W/16): the map that enters the last stage."""
    last: Tensor
    """(B, C3, H/16, W/16): the map that leaves it."""


class Stage(nn.Module):
    """Cells at one resolution.

    Args:
        cells: in order.
        fewer: whether shares weigh the maps after each number of cells, in place of taking the last one.
    """

    def __init__(self, cells: Sequence[MultiScaleCell], fewer: bool = False) -> None:
        super().__init__()
        self.cells = nn.ModuleList(cells)
        self.fewer = fewer and len(cells) > 1

    def forward(self, x: Tensor, chosen: Tensor | Sequence[Sequence[Place]] | None = None) -> Tensor:
        """Apply the cells.

        chosen: shares (cells, interactions, columns) for mixtures, or the places of the cells to apply.
        """
        if chosen is None:
            for cell in self.cells:
                x = cell(x)
            return x
        maps = []
        for cell, own in zip(self.cells, chosen):  # noqa: B905 - A chosen network may have fewer cells.
            x = cell(x, own)
            maps.append(x)
        if not self.fewer or not isinstance(chosen, Tensor):
            return x
        # The number of cells is decided in the last columns of the stage's first place.
        shares = chosen[0, 0, -len(maps) :].unbind()
        return reduce(torch.add, [share * after for share, after in zip(shares, maps, strict=True)])


class Backbone(nn.Module):
    """Stem, then stages of cells; between two stages a 1x1 convolution and a 2x2 average pool halve the map.

    Args:
        channels: after the stem and after each stage.
        cells: number of cells of each stage.
        interactions: function of (stage, cell, channels of a branch) that returns the interactions of a cell, in order.
        depths: function of (stage, cell) that returns the depths before each interaction of a cell, None for the published.
        fewer_cells: whether shares also weigh the numbers of cells.
    """

    def __init__(
        self,
        channels: Sequence[int],
        cells: Sequence[int],
        interactions: Callable[[int, int, int], Sequence[nn.Module]],
        depths: Callable[[int, int], Sequence[DepthOptions] | None] = lambda stage, cell: None,
        fewer_cells: bool = False,
    ) -> None:
        super().__init__()
        # The ReLU after the pooling: the same numbers, on a quarter of the positions.
        self.stem = conv_norm(3, channels[0], kernel=7, stride=2).extend((nn.MaxPool2d(3, 2, 1), nn.ReLU(inplace=True)))
        self.stages = nn.ModuleList()
        for s, ((before, after), count) in enumerate(zip(pairwise(channels), cells, strict=True)):
            in_row = [
                MultiScaleCell(after if c else before, after, interactions(s, c, branch_channels(after)), depths(s, c))
                for c in range(count)
            ]
            self.stages.append(Stage(in_row, fewer_cells))
        self.halve = nn.ModuleList(conv_norm_relu(c, c).append(nn.AvgPool2d(2, 2)) for c in channels[1:-1])

    def forward(self, images: Tensor, chosen: Tensor | Cells | None = None) -> FeatureMaps:
        """Map images (B, 3, H, W) to feature maps.

        chosen: shares (stages, cells, interactions, columns) for mixtures, or the cells of one network of these mixtures.
        """
        x = self.stem(images)
        middle = x
        for s, stage in enumerate(self.stages):
            if s > 0:
                middle = x = self.halve[s - 1](x)
            x = stage(x) if chosen is None else stage(x, chosen[s])
        return FeatureMaps(middle, x)
