"""The interaction `channel_gate`: a small network, shared by both branches, weighs the channels (equation 4)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from msinet.model.msinet.interactions.interaction import Branches, Interaction, Terms


class ChannelGate(Interaction):
    """Each branch's map times its own gate, G(x) = sigmoid(MLP(avgpool(x))); both gates share the MLP.

    Args:
        channels: of a branch, C.
        reduction: of the MLP's hidden layer.
    """

    short, colour, weighs = "gate", "#e8590c", True

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__(channels)
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

    def terms(self, a: Tensor, b: Tensor) -> Terms:
        """Return a factor of each channel."""
        return Terms(own=(self.gate(a.unsqueeze(-1)).flatten(1), self.gate(b.unsqueeze(-1)).flatten(1)))
