"""Cell of MSINet: two branches of different scale that meet at every interaction (report, figure 1)."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from msinet.model.layers import conv_norm, conv_norm_relu, light_conv, sum_of_widened

SCALES = (1, 3)
"""Light 3x3 convolutions of branches a and b before each interaction: the ratio rho = 3:1."""


class MultiScaleCell(nn.Module):
    """Two branches, a with a small receptive field and b with a large one, that share only the interactions.

    The search uses the same cell, with mixtures as interactions.
    """

    def __init__(self, in_channels: int, out_channels: int, interactions: Sequence[nn.Module]) -> None:
        super().__init__()
        width = branch_channels(out_channels)
        self.reduce_a = conv_norm_relu(in_channels, width)
        self.reduce_b = conv_norm_relu(in_channels, width)
        self.scales_a = nn.ModuleList(light_convs(width, SCALES[0]) for _ in interactions)
        self.scales_b = nn.ModuleList(light_convs(width, SCALES[1]) for _ in interactions)
        self.interactions = nn.ModuleList(interactions)
        self.expand_a = conv_norm(width, out_channels)
        self.expand_b = conv_norm(width, out_channels)
        self.widens = 2 * in_channels <= out_channels
        self.project = nn.Identity() if in_channels == out_channels else conv_norm(in_channels, out_channels)

    def forward(self, x: Tensor, shares: Tensor | None = None) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W).

        shares: (interactions, choices), where the interactions are mixtures.
        """
        a, b = self.reduce_a(x), self.reduce_b(x)
        for i, interact in enumerate(self.interactions):
            a, b = self.scales_a[i](a), self.scales_b[i](b)
            a, b = interact(a, b) if shares is None else interact(a, b, shares[i])
        if self.widens:
            return F.relu(sum_of_widened(self.closing, [a, b, x]), inplace=True)
        return F.relu(sum_of_widened(self.closing, [a, b]).add_(self.project(x)), inplace=True)

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


def light_convs(channels: int, count: int) -> nn.Sequential:
    """Return light 3x3 convolutions in a row."""
    return nn.Sequential(*(light_conv(channels) for _ in range(count)))
