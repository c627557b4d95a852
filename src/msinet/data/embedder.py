"""What turns images into vectors without being a network of PyTorch: a network in a file, which a runtime computes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord, Skipped
from msinet.errors import DatasetError


class Embedder(ABC):
    """Images -> vectors, and the facts that results state of it, under the names that networks have."""

    image_size: tuple[int, int]
    """(height, width) in pixels that images are resized to."""
    embedding_dim: int
    """Length D of a vector."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """Kind of the network."""

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return what is known of the network, as plain values."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a short hash of it, to tell networks apart in results."""

    @abstractmethod
    def embed_readable(self, records: Sequence[ImageRecord], flip: bool = False) -> tuple[Embeddings, tuple[Skipped, ...]]:
        """Embed the images of records that can be read: (N, D), unit length, in the records' order.

        Args:
            records: several of one file cost one pass.
            flip: take the mean of the embeddings of each image and its mirror image, scaled to unit length.

        Returns:
            The embeddings, and the files that cannot be read.
        """

    def embed_records(self, records: Sequence[ImageRecord], flip: bool = False) -> Embeddings:
        """Embed the images of all records. Raises DatasetError where one cannot be read."""
        embeddings, skipped = self.embed_readable(records, flip)
        for file in skipped[:1]:
            raise DatasetError(f"cannot read the image {file.path}: {file.reason}")
        return embeddings
