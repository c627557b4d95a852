"""Exponential moving average of a network's weights and statistics."""

import copy

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from msinet.model.network import Network


class AveragedNetwork:
    """The moving average of a network, which starts as the network is after its first step.

    Args:
        decay: share of the average that a step keeps; 0 averages nothing.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.network: Network | None = None

    @torch.no_grad()
    def follow(self, network: Network) -> None:
        """Move the average towards the network."""
        if not self.decay:
            return
        if self.network is None:
            self.network = copy.deepcopy(network)
            return
        averaged, current = self.network.state_dict(), network.state_dict()
        move = get_ema_multi_avg_fn(self.decay)
        for floats in (True, False):  # Batch norms count their batches in integers.
            names = [name for name, tensor in averaged.items() if tensor.is_floating_point() == floats]
            move([averaged[name] for name in names], [current[name] for name in names], None)
