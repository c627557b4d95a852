"""MSINet: the backbone with chosen interactions, and two heads."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from torch import Tensor

from msinet.errors import SettingsError
from msinet.model.heads import Head, PartHead
from msinet.model.layers import pool, start_weights
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.backbone import Backbone
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.widths import CHANNELS, channels_at
from msinet.model.network import Features, Network


class MSINet(Network):
    """The network that a search results in.

    Args:
        architecture: the interaction at each place, and the depths before it.
        identities: number of training identities, the size of both classifiers.
        channels: after the stem and after each stage.
        image_size: (height, width) in pixels that the network is trained at; images are resized to it for embedding.
    """

    kind = "msinet"

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
        cells = architecture.cells
        if len(cells) != len(channels) - 1:
            raise SettingsError(f"{len(cells)} stages do not fit the channels {', '.join(map(str, channels))}")
        self.backbone = Backbone(
            channels,
            [len(stage) for stage in cells],
            lambda stage, cell, width: [INTERACTIONS[place.interaction](width) for place in cells[stage][cell]],
            lambda stage, cell: [((place.depth_a,), (place.depth_b,)) for place in cells[stage][cell]],
        )
        self.whole_head = Head(channels[-1], identities)
        self.part_head = PartHead(channels[-2], channels[-1] // 4, identities)
        start_weights(self)

    @classmethod
    def build(
        cls, identities: int, image_size: tuple[int, int], width: float, architecture: Architecture | None = None
    ) -> Self:
        """Return a network with initial weights, at a multiple of the published channels.

        Raises:
            SettingsError: no architecture is given.
        """
        if not isinstance(architecture, Architecture):
            raise SettingsError("msinet needs an architecture: a file made by a search, or a name such as veri776")
        return cls(architecture, identities, channels_at(width), image_size)

    @classmethod
    def architecture_of(cls, arguments: Mapping[str, Any]) -> Architecture:
        """Return the architecture of a card's arguments."""
        return Architecture.from_dict(arguments["architecture"])

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """Return the network of a card's arguments, with initial weights."""
        return cls(
            cls.architecture_of(arguments),
            arguments["identities"],
            arguments["channels"],
            tuple(arguments["image_size"]),
        )

    def arguments(self) -> dict[str, Any]:
        """Return architecture, identities, channels and image size as plain values."""
        return {
            "architecture": self.architecture.to_dict(),
            "identities": self.identities,
            "channels": list(self.channels),
            "image_size": list(self.image_size),
        }

    @property
    def embedding_dim(self) -> int:
        """Length of an embedding: 768 at the published width."""
        return self.whole_head.linear.out_features + self.part_head.head.linear.out_features

    @property
    def last_channels(self) -> int:
        """Channels of the last map."""
        return self.channels[-1]

    def forward(self, images: Tensor) -> Features:
        """Map images (B, 3, H, W), at least 32 pixels a side, to features: 512-d of the whole, 256-d of two parts."""
        maps = self.backbone(images)
        return Features((self.whole_head(pool(maps.last)), self.part_head(maps.middle)), maps.last)
