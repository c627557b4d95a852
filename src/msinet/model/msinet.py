"""The network that a search results in: the backbone with chosen interactions, and two heads."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from msinet.errors import SettingsError
from msinet.model.architecture import CHANNELS, Architecture
from msinet.model.backbone import Backbone
from msinet.model.interactions import make_interaction
from msinet.model.layers import pool, start_weights


class HeadFeatures(NamedTuple):
    """What one head makes of a batch."""

    feature: Tensor
    """(B, D): what the triplet loss sees and the embedding is made of."""
    logits: Tensor
    """(B, identities): what the identity loss sees."""


class Features(NamedTuple):
    """What the network makes of a batch."""

    whole: HeadFeatures
    """From the pooled last map: 512-d."""
    part: HeadFeatures
    """From the upper and the lower half of the middle map: 256-d."""
    last: Tensor
    """(B, C, H/16, W/16): the last map, whose positions the spatial alignment compares."""

    @property
    def heads(self) -> tuple[HeadFeatures, HeadFeatures]:
        """Of both heads, each of which has an identity loss and a triplet loss."""
        return self.whole, self.part

    @property
    def embedding(self) -> Tensor:
        """(B, 768): both features side by side, scaled to unit length together."""
        return F.normalize(torch.cat([self.whole.feature, self.part.feature], dim=1))


class Head(nn.Module):
    """Feature -> linear layer -> batch norm with frozen bias -> classifier (after the BNNeck of Luo et al., 2019)."""

    def __init__(self, dim: int, identities: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, dim, bias=False)
        self.norm = nn.BatchNorm1d(dim)
        self.norm.bias.requires_grad_(False)
        self.classifier = nn.Linear(dim, identities)

    def forward(self, feature: Tensor) -> HeadFeatures:
        """Add logits to a pooled map (B, D), which itself is the feature."""
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


class MSINet(nn.Module):
    """A network for re-identification.

    Args:
        architecture: which interaction where.
        identities: number of training identities, the size of both classifiers.
        channels: after the stem and after each stage.
        image_size: (height, width) in pixels that the network is trained at; images are resized to it for embedding.
    """

    def __init__(
        self,
        architecture: Architecture,
        identities: int,
        channels: Sequence[int] = CHANNELS,
        image_size: tuple[int, int] = (256, 256),
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.identities = identities
        self.channels = tuple(channels)
        self.image_size = image_size
        stages = architecture.stages
        if len(stages) != len(channels) - 1:
            raise SettingsError(f"{len(stages)} stages do not fit the channels {', '.join(map(str, channels))}")
        self.backbone = Backbone(
            channels,
            len(stages[0]),
            lambda stage, cell, width: [make_interaction(name, width) for name in stages[stage][cell]],
        )
        self.whole_head = Head(channels[-1], identities)
        self.part_head = PartHead(channels[-2], channels[-1] // 4, identities)
        start_weights(self)

    @property
    def embedding_dim(self) -> int:
        """Length of an embedding: 768 at the published width."""
        return self.whole_head.linear.out_features + self.part_head.head.linear.out_features

    def forward(self, images: Tensor) -> Features:
        """Map images (B, 3, H, W), at least 32 pixels a side, to named features."""
        maps = self.backbone(images)
        return Features(self.whole_head(pool(maps.last)), self.part_head(maps.middle), maps.last)
