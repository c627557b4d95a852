"""A network as the graph that is exported: from bytes of a camera to vectors of unit length."""

import torch
from torch import Tensor, nn

from msinet.model.folding import folded
from msinet.model.network import Network
from msinet.normalisation import MEAN, STD


class Graph(nn.Module):
    """Images (B, H, W, 3) uint8, RGB -> embeddings (B, D) of unit length and, if asked for, the last map (B, C, h, w).

    Args:
        network: the network, a folded copy of which computes.
        last_map: whether the last map is a second output.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, last_map: bool = False) -> None:
        super().__init__()
        self.network, self.last_map = folded(network), last_map
        _pool_last(self.network)
        self.register_buffer("mean", 255 * torch.tensor(MEAN)[:, None, None])
        self.register_buffer("std", 255 * torch.tensor(STD)[:, None, None])
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Map the images."""
        features = self.network((images.permute(0, 3, 1, 2).to(torch.float32) - self.mean) / self.std)
        adaptation = self.network.adaptation
        vectors = adaptation(features.embedding) if adaptation else features.embedding
        return (vectors, features.last) if self.last_map else vectors


def _pool_last(network: nn.Module) -> None:
    """Exchange each maximum and the ReLU after it: the same numbers, and a runtime makes convolution and ReLU one step."""
    for row in network.modules():
        if isinstance(row, nn.Sequential):
            for number in range(len(row) - 1):
                pool, relu = row[number], row[number + 1]
                if isinstance(pool, nn.MaxPool2d) and isinstance(relu, nn.ReLU):
                    row[number], row[number + 1] = relu, pool
