"""Teachers: vectors that other networks gave to the training images, and the loss that follows them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from msinet.data.embedding_files import load_vectors
from msinet.data.embedding_files.matching import find_rows
from msinet.data.records import ImageRecord
from msinet.losses.distillation import direction_loss, relation_loss


def load_teachers(files: Sequence[Path], records: Sequence[ImageRecord]) -> np.ndarray:
    """Return the vectors (N, T) of N records, float32, unit length: those of all files side by side.

    Raises:
        FileError: a file is missing, damaged or of another kind.
        DatasetError: a record has no vector.
    """
    found = [load_vectors(file) for file in files]
    vectors = [one.vectors[find_rows(one, records, "the training split")] for one in found]
    return np.concatenate(vectors, axis=1) / np.sqrt(len(files))


def mark_of(vectors: np.ndarray) -> str:
    """Return a short hash of vectors, to tell runs apart."""
    return hashlib.sha256(vectors.tobytes()).hexdigest()[:16]


class Teachers(nn.Module):
    """The teachers' vectors, and a linear map to them from the embeddings of the network that learns.

    Args:
        vectors: (N, T) of the training images, in the order of their records.
        embedding_dim: D.
    """

    vectors: Tensor

    def __init__(self, vectors: np.ndarray, embedding_dim: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.from_numpy(vectors), persistent=False)
        self.projection = nn.Linear(embedding_dim, vectors.shape[1], bias=False)

    def forward(self, embeddings: Tensor, positions: Tensor) -> Tensor:
        """Return the sum of the distillation losses of embeddings (B, D) of the images at positions (B,)."""
        teacher = self.vectors[positions]
        return direction_loss(self.projection(embeddings), teacher) + relation_loss(embeddings, teacher)
