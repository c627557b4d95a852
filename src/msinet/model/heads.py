"""Heads: from a map to a feature for the triplet loss and logits for the identity loss."""

import torch
from torch import Tensor, nn

from msinet.model.layers import pool
from msinet.model.network import HeadFeatures


class Head(nn.Module):
    """Feature -> linear layer -> batch norm with frozen bias -> classifier (after the BNNeck of Luo et al., 2019)."""

    def __init__(self, dim: int, identities: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim, bias=False)
        self.norm = nn.BatchNorm1d(dim)
        self.norm.bias.requires_grad_(False)
        self.classifier = nn.Linear(dim, identities)

    def forward(self, feature: Tensor) -> HeadFeatures:
        """Add logits to a pooled map (B, D), which is the feature itself."""
        return HeadFeatures(feature, self.classifier(self.norm(self.linear(feature))))


class PartHead(nn.Module):
    """A head over the upper and the lower half of the middle map."""

    def __init__(self, channels: int, part_channels: int, identities: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, part_channels, 1)
        self.head = Head(2 * part_channels, identities)

    def forward(self, middle: Tensor) -> HeadFeatures:
        """Map (B, C, h, w) to a feature and logits; the upper half has floor(h / 2) rows."""
        rows = middle.shape[2] // 2
        x = self.reduce(middle)
        upper, lower = pool(x[:, :, :rows]), pool(x[:, :, rows:])
        return self.head(torch.cat([upper, lower], dim=1))
