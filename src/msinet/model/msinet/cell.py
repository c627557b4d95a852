"""Cell of MSINet: two branches of different scale that meet at every interaction (report, figure 1)."""

from collections.abc import Sequence
from functools import reduce
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from msinet.model.layers import as_one_convolution, conv_norm, conv_norm_relu, light_conv, sum_of_widened
from msinet.model.msinet.interactions.mixture import InteractionMixture
from msinet.model.msinet.search_space import PUBLISHED_DEPTHS, Place

DepthOptions = tuple[Sequence[int], Sequence[int]]
"""Light 3x3 convolutions that branch a and branch b can have before an interaction; one number each in a chosen network."""


class Scale(nn.Sequential):
    """Light 3x3 convolutions of a branch before an interaction.

    With several depths to choose from, the maps after each of these depths are weighed: one pass holds them all. The first
    convolutions of the deepest are those of the others.

    Args:
        channels: of the branch.
        options: depths to choose from, rising; a depth of 0 is the map as it comes.
    """

    def __init__(self, channels: int, options: Sequence[int]) -> None:
        super().__init__(*(light_conv(channels) for _ in range(options[-1])))
        self.options = tuple(options)

    def forward(self, x: Tensor, shares: Tensor | None = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Map (B, C, H, W) to the same shape; shares: (options,), adding up to 1, where there are several."""
        if shares is None:
            return super().forward(x)
        maps = [x]
        for convolution in self:
            maps.append(convolution(maps[-1]))
        weighed = [share * maps[depth] for depth, share in zip(self.options, shares.unbind(), strict=True)]
        return reduce(torch.add, weighed)

    def up_to(self, depth: int, x: Tensor) -> Tensor:
        """Return the map after the first convolutions."""
        for convolution in list(self)[:depth]:  # A slice of a Sequential would be made as a Scale.
            x = convolution(x)
        return x


class MultiScaleCell(nn.Module):
    """Two branches, a with a small receptive field and b with a large one, that share only the interactions.

    The search uses the same cell, with mixtures as interactions.

    Args:
        in_channels: of the cell's input.
        out_channels: of its output; a branch has a quarter of them.
        interactions: in order.
        depths: light 3x3 convolutions of both branches before each interaction; by default the published 1 and 3.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        interactions: Sequence[nn.Module],
        depths: Sequence[DepthOptions] | None = None,
    ) -> None:
        super().__init__()
        width = branch_channels(out_channels)
        depths = [PUBLISHED_DEPTHS] * len(interactions) if depths is None else depths
        self.reduce_a = conv_norm_relu(in_channels, width)
        self.reduce_b = conv_norm_relu(in_channels, width)
        self.scales_a = nn.ModuleList(Scale(width, a) for a, _ in depths)
        self.scales_b = nn.ModuleList(Scale(width, b) for _, b in depths)
        self.interactions = nn.ModuleList(interactions)
        self.expand_a = conv_norm(width, out_channels)
        self.expand_b = conv_norm(width, out_channels)
        self.widens = 2 * in_channels <= out_channels
        self.project = nn.Identity() if in_channels == out_channels else conv_norm(in_channels, out_channels)
        self.closed: nn.Conv2d | None = None

    def forward(self, x: Tensor, chosen: Tensor | Sequence[Place] | None = None) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W).

        chosen: where the interactions are mixtures, shares (interactions, columns of the search space), or the place that
        stands in each mixture's stead.
        """
        a, b = self.reduce_a(x), self.reduce_b(x)
        for i, (scale_a, scale_b, interact) in enumerate(zip(self.scales_a, self.scales_b, self.interactions, strict=True)):
            if chosen is None:
                a, b = interact(scale_a(a), scale_b(b))
            elif isinstance(chosen, Tensor):
                own, share_a, share_b = self.shares_at(i, chosen[i])
                a, b = interact(scale_a(a, share_a), scale_b(b, share_b), own)
            else:
                place = chosen[i]
                only = cast(InteractionMixture, interact).operation(place.interaction)
                of_a, of_b = cast(Scale, scale_a), cast(Scale, scale_b)
                a, b = only(of_a.up_to(place.depth_a, a), of_b.up_to(place.depth_b, b))
        along = [x] if self.widens else []
        closed = self.closed(torch.cat([a, b, *along], 1)) if self.closed else sum_of_widened(self.closing, [a, b, *along])
        return F.relu(closed if self.widens else closed.add_(self.project(x)), inplace=True)

    def shares_at(self, i: int, shares: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return the shares of the interactions and of both branches' depths, None where there is one depth."""
        counts = [len(cast(Scale, scales[i]).options) for scales in (self.scales_a, self.scales_b)]
        choices = len(cast(InteractionMixture, self.interactions[i]).choices)
        of_a, of_b = (count if count > 1 else 0 for count in counts)
        own, share_a, share_b = shares[: choices + of_a + of_b].split([choices, of_a, of_b])
        return own, share_a if of_a else None, share_b if of_b else None

    def close(self) -> None:
        """Make the closing blocks one convolution for good: the cell then only evaluates."""
        self.closed = as_one_convolution(self.closing)

    def multiply_adds(self, x: Tensor) -> int:
        """Return the multiply-adds of closing the cell for one image, as one convolution; its blocks count nothing then."""
        products = sum(cast(nn.Conv2d, block[0]).weight.numel() for block in self.closing)
        return x[0, 0].numel() * products

    @property
    def closing(self) -> list[nn.Sequential]:
        """The blocks that close the cell as one convolution: both expansions, and the projection where it widens the map."""
        along = [self.project] if self.widens and isinstance(self.project, nn.Sequential) else []
        return [self.expand_a, self.expand_b, *along]


def branch_channels(out_channels: int) -> int:
    """Return the channels of a branch: a quarter of the cell's output, in the search as in the trained network."""
    return out_channels // 4
