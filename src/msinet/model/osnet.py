"""OSNet (Zhou et al., "Omni-Scale Feature Learning for Person Re-Identification", ICCV 2019)."""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn

from msinet.errors import SettingsError
from msinet.model.layers import conv_norm, conv_norm_relu, light_conv, pool, start_weights
from msinet.model.msinet.widths import CHANNELS, channels_at
from msinet.model.network import Features, HeadFeatures, Network

STREAMS = 4
"""Streams of a bottleneck, of 1 to 4 light 3x3: receptive fields of 3, 5, 7 and 9 (the paper's T)."""

BOTTLENECKS = 2
"""Bottlenecks of a stage."""

REDUCTION = 16
"""Channels of a stream for each hidden channel of the gate."""

FEATURE = 512
"""Length of the feature, at every width."""


class AggregationGate(nn.Module):
    """Weight of each channel of a stream, from its mean over the map: two layers and a sigmoid (equation 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // REDUCTION, 1)
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map a stream (B, C, H, W) to the same, each channel times its weight from 0 to 1."""
        weights = self.excite(self.squeeze(pool(x)).relu()).sigmoid()
        return weights.to(x.dtype)[:, :, None, None] * x


class Bottleneck(nn.Module):
    """Streams of several scales, summed by a gate that they share, beside the input (figure 4b)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        channels = out_channels // 4
        self.reduce = conv_norm_relu(in_channels, channels)
        self.streams = nn.ModuleList(
            nn.Sequential(*(light_conv(channels) for _ in range(depth))) for depth in range(1, STREAMS + 1)
        )
        self.gate = AggregationGate(channels)
        self.restore = conv_norm(channels, out_channels)
        self.project = conv_norm(in_channels, out_channels) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W)."""
        reduced = self.reduce(x)
        gated = reduce(torch.add, (self.gate(stream(reduced)) for stream in self.streams))
        return (self.restore(gated) + self.project(x)).relu()


class FeatureHead(nn.Module):
    """Linear layer, batch norm and ReLU to the feature; a classifier of it."""

    def __init__(self, channels: int, identities: int) -> None:
        super().__init__()
        self.feature = nn.Sequential(nn.Linear(channels, FEATURE), nn.BatchNorm1d(FEATURE), nn.ReLU())
        self.classifier = nn.Linear(FEATURE, identities)

    def forward(self, pooled: Tensor) -> HeadFeatures:
        """Map a pooled map (B, C) to a feature (B, 512) and logits (B, identities)."""
        feature = self.feature(pooled)
        return HeadFeatures(feature, self.classifier(feature))


class OSNet(Network):
    """The network of the paper's table 1.

    Args:
        identities: number of training identities, the size of the classifier.
        channels: after the stem and after each stage; the published ones are those that MSINet has taken over.
        image_size: (height, width) in pixels that the network is trained at; images are resized to it for embedding.
    """

    kind = "osnet"

    def __init__(
        self, identities: int, channels: Sequence[int] = CHANNELS, image_size: tuple[int, int] = (256, 128)
    ) -> None:
        super().__init__()
        self.identities, self.channels, self.image_size = identities, tuple(channels), image_size
        self.stem = conv_norm_relu(3, channels[0], kernel=7, stride=2).append(nn.MaxPool2d(3, 2, 1))
        self.stages = nn.Sequential()
        for stage, (before, after) in enumerate(pairwise(channels)):
            if stage > 0:
                self.stages.append(conv_norm_relu(before, before).append(nn.AvgPool2d(2, 2)))
            self.stages.extend(Bottleneck(after if number else before, after) for number in range(BOTTLENECKS))
        self.last = conv_norm_relu(channels[-1], channels[-1])
        self.head = FeatureHead(channels[-1], identities)
        start_weights(self)

    @classmethod
    def build(cls, identities: int, image_size: tuple[int, int], width: float, architecture: str | None = None) -> Self:
        """Return a network with initial weights, at a multiple of the published channels.

        Raises:
            SettingsError: there is no such width, or a variant of OSNet is named.
        """
        if architecture is not None:
            raise SettingsError(f"there is no osnet:{architecture}: write osnet, and set the width")
        return cls(identities, channels_at(width), image_size)

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """Return the network of a card's arguments, with initial weights."""
        return cls(arguments["identities"], arguments["channels"], tuple(arguments["image_size"]))

    def arguments(self) -> dict[str, Any]:
        """Return identities, channels and image size as plain values."""
        return {"identities": self.identities, "channels": list(self.channels), "image_size": list(self.image_size)}

    @property
    def embedding_dim(self) -> int:
        """Length of an embedding: 512."""
        return FEATURE

    @property
    def last_channels(self) -> int:
        """Channels of the last map."""
        return self.channels[-1]

    def forward(self, images: Tensor) -> Features:
        """Map images (B, 3, H, W), at least 16 pixels a side, to one feature (B, 512) and its logits."""
        last = self.last(self.stages(self.stem(images)))
        return Features((self.head(pool(last)),), last)
