"""The four interactions between a cell's two branches, and their weighted mixture (report, section 3.2).

Every interaction takes the maps of both branches, (B, C, H, W) each, and returns both.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Branches = tuple[Tensor, Tensor]

OPEN_GATE, HALF_ATTENTION = 0.95, 0.5
"""Where `start_balanced` lets the gate and the attention's gamma start."""


class Keep(nn.Module):
    """No interaction: (x1, x2)."""

    def forward(self, a: Tensor, b: Tensor) -> Branches:
        """Return the maps as they are."""
        return a, b


class Exchange(nn.Module):
    """The branches change places: (x2, x1)."""

    def forward(self, a: Tensor, b: Tensor) -> Branches:
        """Return the maps swapped."""
        return b, a


class ChannelGate(nn.Module):
    """Each map's channels are weighed by a small network that both branches share (equation 4)."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def gate(self, x: Tensor) -> Tensor:
        """Return the weights in (0, 1) of the channels: (B, C, 1, 1)."""
        pooled = x.mean((2, 3), keepdim=True)
        return torch.sigmoid(self.excite(F.relu(self.squeeze(pooled))))

    def forward(self, a: Tensor, b: Tensor) -> Branches:
        """Return each map times its own gate."""
        return self.gate(a) * a, self.gate(b) * b


class CrossAttention(nn.Module):
    """Channel attention whose keys come from the other branch; the result is added, scaled by gamma."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))

    def masks(self, a: Tensor, b: Tensor) -> Branches:
        """Return the attention of a's channels on a's and of b's on b's, from maps (B, C, N): (B, C, C) each.

        The energies are sums over all positions, and the softmax over them is nearly one-hot: float32 at least.
        softmax(rowmax(energy) - energy), as published, is softmax(-energy); branch b's energy is branch a's transposed.
        """
        energy = a @ b.mT  # (B, C, C)
        return softmax_of_large(-energy), softmax_of_large(-energy.mT)

    def forward(self, a: Tensor, b: Tensor) -> Branches:
        """Return gamma * (mask @ x) + x for both branches."""
        with torch.autocast(a.device.type, enabled=False):
            flat_a, flat_b = flat_in_float(a), flat_in_float(b)
            mask_a, mask_b = self.masks(flat_a, flat_b)
            attended_a, attended_b = self.gamma * (mask_a @ flat_a), self.gamma * (mask_b @ flat_b)
        return a + as_map(attended_a, a), b + as_map(attended_b, b)


class InteractionMixture(nn.Module):
    """All four interactions at once, weighed by softmax(alpha) (equation 1).

    The weighted sum is folded. `none` and `exchange` cost nothing, the gate is a weight of each channel, and the
    attention's product is linear in the map: the whole mixture is one matrix product a branch,
    `(diag(w_none + w_gate * gate + w_attention) + w_attention * gamma * mask) @ x_own + w_exchange * x_other`.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channel_gate = ChannelGate(channels)
        self.cross_attention = CrossAttention()

    def forward(self, a: Tensor, b: Tensor, weights: Tensor) -> Branches:
        """Mix; weights: (4,), in the order of `architecture.INTERACTION_NAMES`, summing to 1."""
        none, exchange, gate, attention = weights
        with torch.autocast(a.device.type, enabled=False):
            flat_a, flat_b = flat_in_float(a), flat_in_float(b)
            mask_a, mask_b = self.cross_attention.masks(flat_a, flat_b)
            scale = attention * self.cross_attention.gamma
            own_a = none + attention + gate * self.channel_gate.gate(flat_a.unsqueeze(-1))  # (B, C, 1, 1)
            own_b = none + attention + gate * self.channel_gate.gate(flat_b.unsqueeze(-1))
            mixing_a = scale * mask_a + own_a.flatten(1).diag_embed()  # (B, C, C)
            mixing_b = scale * mask_b + own_b.flatten(1).diag_embed()
            mixed_a = torch.baddbmm(exchange * flat_b, mixing_a, flat_a)
            mixed_b = torch.baddbmm(exchange * flat_a, mixing_b, flat_b)
        return as_map(mixed_a, a), as_map(mixed_b, b)


def softmax_of_large(energy: Tensor) -> Tensor:
    """Return the softmax over the last dimension, with 1e-20 for whatever is less: too small to change a sum.

    Large energies would leave numbers below 1e-38, in the gradients too, and products with these take processors up to
    a hundred times as long.
    """
    return (energy - energy.detach().amax(-1, keepdim=True)).clamp_min(-46.0).softmax(-1)


def flat_in_float(x: Tensor) -> Tensor:
    """Flatten a map's positions, (B, C, H, W) -> (B, C, N), at float32 or better."""
    return x.flatten(2).to(torch.promote_types(x.dtype, torch.float32))


def as_map(flat: Tensor, like: Tensor) -> Tensor:
    """Undo `flat_in_float`: the shape, dtype and memory format of `like`."""
    return flat.to(like.dtype).unflatten(2, like.shape[2:]).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def start_balanced(network: nn.Module) -> None:
    """Let all gates start nearly open, and all attentions at half their strength, instead of half shut and at none.

    As they start otherwise, a gate halves what it is given, and attention is `none` until its gamma has moved: a mixture
    weighs four operations, one of which is smaller and one there twice. These are starting values: the cell is the same.
    """
    for module in network.modules():
        if isinstance(module, ChannelGate):
            nn.init.constant_(module.excite.bias, math.log(OPEN_GATE / (1 - OPEN_GATE)))  # pyright: ignore[reportArgumentType]
        elif isinstance(module, CrossAttention):
            nn.init.constant_(module.gamma, HALF_ATTENTION)


def make_interaction(name: str, channels: int) -> nn.Module:
    """Return the interaction of a name for branches of so many channels."""
    makers: dict[str, Callable[[], nn.Module]] = {
        "none": Keep,
        "exchange": Exchange,
        "channel_gate": lambda: ChannelGate(channels),
        "cross_attention": CrossAttention,
    }
    return makers[name]()
