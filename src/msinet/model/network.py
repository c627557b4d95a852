"""The network as the rest of msinet sees it: images -> features of heads, last map, embedding."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from msinet.errors import ModelError
from msinet.files.sketch import Sketch
from msinet.model.cards import Card
from msinet.model.linear_map import LinearMap
from msinet.normalisation import MEAN, STD


class HeadFeatures(NamedTuple):
    """Output of one head for a batch."""

    feature: Tensor
    """(B, D): what the triplet loss compares and the embedding is made of."""
    logits: Tensor
    """(B, identities): what the identity loss compares."""


class Features(NamedTuple):
    """Output of a network for a batch."""

    heads: tuple[HeadFeatures, ...]
    """One or several heads, each with its own identity loss and triplet loss."""
    last: Tensor
    """(B, C, h, w): the last map, whose positions the spatial alignment compares."""

    @property
    def embedding(self) -> Tensor:
        """(B, D): the features of all heads side by side, scaled to unit length together."""
        return F.normalize(torch.cat([head.feature for head in self.heads], dim=1))


class Network(nn.Module, ABC):
    """A network for re-identification, of any kind.

    A kind is one file that derives from this class, and one line in `networks.NETWORKS`.
    """

    kind: ClassVar[str]
    """Name in `networks.NETWORKS`, which stands in the model's card."""
    image_size: tuple[int, int]
    """(height, width) in pixels that the network is trained at; images are resized to it for embedding."""
    identities: int
    """Number of training identities: the size of each classifier."""
    adaptation: LinearMap | None
    """Map of the embeddings, where the network was adapted to labelled images."""
    learned: Sketch | None
    """Images that the weights or the map were fitted to, by their contents; None where they are not known."""
    origin: Card | None
    """The card of the files that the network was read from; None for a new one."""

    def __init__(self) -> None:
        super().__init__()
        self.adaptation = None
        self.learned = None
        self.origin = None

    @classmethod
    @abstractmethod
    def build(cls, identities: int, image_size: tuple[int, int], width: float, architecture: Any = None) -> Self:
        """Return a network with initial weights.

        Args:
            identities: number of training identities.
            image_size: (height, width) in pixels.
            width: multiple of the published channels.
            architecture: for kinds that are searched; for kinds of several networks, the name of one.
        """

    @classmethod
    def architecture_of(cls, arguments: Mapping[str, Any]) -> Any:
        """Return what `networks.build_network` takes to build the network of a card's arguments: the name of its kind."""
        return cls.kind

    @classmethod
    def from_pretrained(cls, name: str | Path, *, local_files_only: bool = True) -> Self:
        """Return a trained network of this kind, ready to embed.

        Args:
            name: one that ships (`msinet models`), a folder, or OWNER/NAME on the Hugging Face Hub.
            local_files_only: take models of the Hub from its cache alone; False downloads what is missing.

        Raises:
            ModelError: there is no such model, it is damaged, or it is of another kind.
            MissingExtraError: a model of the Hub needs huggingface_hub.
        """
        from msinet.model.pretrained import load_pretrained  # It knows the files of models, which know networks.

        network = load_pretrained(name, local_files_only)
        if not isinstance(network, cls):
            raise ModelError(f"{name} is a network {network.kind}: load it by msinet.load_model")
        return network

    def save_pretrained(self, folder: str | Path, info: Mapping[str, Any] | None = None, licence: str = "") -> None:
        """Write the network to a folder as `save_model` does, with a README.md in the form of the Hub's model cards.

        Args:
            folder: created if needed.
            info: how the network was made; `lineage` is the first line of the README. By default what the card of the files
                says that the network was read from.
            licence: of the weights, such as Apache-2.0; by default likewise.
        """
        from msinet.model.pretrained import save_pretrained

        save_pretrained(self, folder, info, licence)

    @classmethod
    @abstractmethod
    def from_arguments(cls, arguments: dict[str, Any]) -> Self:
        """Return the network of a card's arguments, with initial weights."""

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return what makes this network, besides its weights, as plain values for its card."""

    @property
    @abstractmethod
    def embedding_dim(self) -> int:
        """Length D of an embedding."""

    @abstractmethod
    def forward(self, images: Tensor) -> Features:
        """Map images (B, 3, H, W) to features."""

    def __call__(self, images: Tensor) -> Features:
        """Map images (B, 3, H, W) to features."""
        return super().__call__(images)

    def embed(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) to embeddings (B, D) of unit length."""
        embedding = self(images).embedding
        return self.adaptation(embedding) if self.adaptation else embedding

    @torch.inference_mode()
    def vectors(self, pixels: np.ndarray, flip: bool = False) -> np.ndarray:
        """Map images of the network's size, (B, H, W, 3) uint8 RGB, to vectors (B, D) float32 of unit length.

        Args:
            pixels: the images.
            flip: take the mean of the vectors of each image and its mirror image, scaled to unit length.
        """
        was_training = self.training
        self.eval()
        device = next(self.parameters()).device
        mean, std = (torch.tensor(values, device=device)[:, None, None] for values in (MEAN, STD))
        images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).to(device)
        images = (images.float() / 255 - mean) / std
        vectors = self.embed(images)
        if flip:
            vectors = F.normalize(vectors + self.embed(images.flip(3)))
        self.train(was_training)
        return vectors.float().cpu().numpy()

    def fingerprint(self) -> str:
        """Return a short hash of all weights, to tell networks apart in results."""
        digest = hashlib.sha256()
        for tensor in self.state_dict().values():
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def last_channels(self) -> int:
        """Channels of the last map."""
        with torch.device("meta"):
            skeleton = type(self).from_arguments(self.arguments()).eval()
            return skeleton(torch.empty(1, 3, *self.image_size)).last.shape[1]
