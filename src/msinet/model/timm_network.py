"""Backbones of timm (Wightman, PyTorch Image Models), with a head for re-identification."""

import logging
from collections.abc import Mapping
from difflib import get_close_matches
from types import ModuleType
from typing import Any, Self

import torch
from torch import Tensor

from msinet.errors import MissingExtraError, SettingsError
from msinet.model.heads import Head
from msinet.model.layers import start_weights
from msinet.model.network import Features, Network

logger = logging.getLogger(__name__)


class TimmNetwork(Network):
    """A backbone of timm, pooled as timm pools it, and one head.

    The feature is what timm returns without a classifier. Costs count its convolutions and linear layers; products of
    attention are left out.

    Args:
        backbone: timm's name of it.
        identities: number of training identities, the size of the classifier.
        image_size: (height, width) in pixels that the network is trained at; images are resized to it for embedding.

    Raises:
        SettingsError: timm has no such backbone.
        MissingExtraError: timm is not installed.
    """

    kind = "timm"

    def __init__(self, backbone: str, identities: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.name, self.identities, self.image_size = backbone, identities, image_size
        timm = _timm()
        if not timm.is_model(backbone):
            close = get_close_matches(backbone, timm.list_models())
            words = f"did you mean {' or '.join(close)}?" if close else "timm.list_models() lists its names"
            raise SettingsError(f"timm has no backbone {backbone!r}: {words}")
        self.backbone = timm.create_model(backbone, pretrained=False, num_classes=0)
        self.head = Head(self.backbone.head_hidden_size, identities)
        start_weights(self.head)

    @classmethod
    def build(cls, identities: int, image_size: tuple[int, int], width: float, architecture: str | None = None) -> Self:
        """Return a network with initial weights. Its channels are timm's at any width.

        Raises:
            SettingsError: no backbone is named, or it gives no map (B, C, h, w) of such images.
        """
        if architecture is None:
            raise SettingsError("timm is many networks: name one, such as timm:mobilenetv3_small_050")
        if width != 1.0:
            logger.warning("timm:%s has channels of its own: width %s is not used", architecture, width)
        network = cls(architecture, identities, image_size)
        network.require_map()
        return network

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Self:
        """Return the network of a card's arguments, with initial weights."""
        return cls(arguments["backbone"], arguments["identities"], tuple(arguments["image_size"]))

    @classmethod
    def architecture_of(cls, arguments: Mapping[str, Any]) -> str:
        """Return what `build_network` takes to build the network of a card's arguments."""
        return f"{cls.kind}:{arguments['backbone']}"

    def arguments(self) -> dict[str, Any]:
        """Return backbone, identities and image size as plain values."""
        return {"backbone": self.name, "identities": self.identities, "image_size": list(self.image_size)}

    @property
    def embedding_dim(self) -> int:
        """Length of an embedding: that of timm's pooled feature."""
        return self.backbone.head_hidden_size

    @property
    def last_channels(self) -> int:
        """Channels of the last map."""
        return self.backbone.num_features

    def forward(self, images: Tensor) -> Features:
        """Map images (B, 3, H, W) to one feature (B, D) and its logits."""
        last = self.backbone.forward_features(images)
        return Features((self.head(self.backbone.forward_head(last, pre_logits=True)),), last)

    def require_map(self) -> None:
        """Make sure that images of the network's size become a map (B, C, h, w). Raises SettingsError where they do not."""
        height, width = self.image_size
        blank = torch.zeros(1, 3, height, width, device=next(self.parameters()).device)
        try:
            with torch.no_grad():
                shape = tuple(self.eval()(blank).last.shape)
        except (AssertionError, RuntimeError, ValueError, TypeError) as error:
            why = str(error).partition("\n")[0] or repr(error)
            raise SettingsError(
                f"timm:{self.name} does not take images of {height} x {width} ({why}): choose another size, or a "
                "convolutional network"
            ) from error
        finally:
            self.train()
        if len(shape) != 4 or shape[1] != self.last_channels:
            raise SettingsError(
                f"timm:{self.name} makes {shape} of an image, not a map (1, {self.last_channels}, height, width): choose a "
                "convolutional network"
            )


def _timm() -> ModuleType:
    try:
        import timm  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("timm", "timm") from error
    return timm
