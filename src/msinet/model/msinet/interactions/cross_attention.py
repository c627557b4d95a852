"""The interaction `cross_attention`: channel attention whose keys come from the other branch."""

import torch
from torch import Tensor, nn

from msinet.model.msinet.interactions.interaction import (
    Branches,
    Interaction,
    Terms,
    as_map,
    flat_in_float,
    without_autocast,
)


class CrossAttention(Interaction):
    """gamma * (mask @ x) + x for both branches; the masks compare a branch's channels with those of the other."""

    short, colour, weighs, links = "attention", "#7048e8", True, True

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.gamma = nn.Parameter(torch.zeros(1))

    def masks(self, a: Tensor, b: Tensor) -> Branches:
        """Return the attention of a's channels on a's and of b's on b's, from maps (B, C, N): (B, C, C) each.

        The energies are sums over all positions, and the softmax over them is nearly one-hot: float32 at least.
        softmax(rowmax(energy) - energy), as published, is softmax(-energy); branch b's energy is branch a's transposed.
        """
        energy = torch.bmm(a, b.mT)  # (B, C, C)
        return softmax_of_large(-energy), softmax_of_large(-energy.mT)

    def forward(self, a: Tensor, b: Tensor) -> Branches:
        """Return gamma * (mask @ x) + x for both branches."""
        with without_autocast(a):
            flat_a, flat_b = flat_in_float(a), flat_in_float(b)
            mask_a, mask_b = self.masks(flat_a, flat_b)
            attended_a, attended_b = self.gamma * torch.bmm(mask_a, flat_a), self.gamma * torch.bmm(mask_b, flat_b)
        return a + as_map(attended_a, a), b + as_map(attended_b, b)

    def terms(self, a: Tensor, b: Tensor) -> Terms:
        """Return the own map once, and its product with the mask, gamma times."""
        return Terms(own=1.0, mixing=self.masks(a, b), strength=self.gamma)

    def multiply_adds(self, a: Tensor) -> int:
        """Count four products of C x C x N, as the equations have them; the code shares one."""
        return 4 * a.shape[1] * a[0].numel()


def softmax_of_large(energy: Tensor) -> Tensor:
    """Return the softmax over the last dimension, with 1e-20 for whatever is less: too small to change a sum.

    Large energies would leave numbers below 1e-38, in the gradients too, and products with these take processors up to
    a hundred times as long.
    """
    return (energy - energy.detach().amax(-1, keepdim=True)).clamp_min(-46.0).softmax(-1)
