"""A linear map of embeddings, part of a network that was adapted to labelled images."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LinearMap(nn.Module):
    """Embeddings (B, D) of unit length -> (embeddings - mean) @ matrix, of unit length.

    Args:
        dim: D.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("matrix", torch.eye(dim))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Map embeddings (B, D), in float32."""
        with torch.autocast(embeddings.device.type, enabled=False):
            return F.normalize((embeddings.float() - self.mean) @ self.matrix)
