"""Optimizers of the weights."""

from collections.abc import Iterable

import torch
from torch import nn

from msinet.engine.settings import LoopSettings


def make_optimizer(settings: LoopSettings, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of some parameters; those that need no gradient are left out.

    SGD decays every parameter, as published. AdamW spares biases, batch norms and gamma, whose size has a meaning.
    """
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    # Not fused on the CPU: it is no faster there, and rounds by where a tensor lies in memory, which a restart changes.
    fused = learning[0].is_cuda or None
    if settings.optimizer == "sgd":
        decay = settings.weight_decay
        return torch.optim.SGD(learning, settings.learning_rate, momentum=0.9, weight_decay=decay, fused=fused)
    groups = [
        {"params": [p for p in learning if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, settings.learning_rate, fused=fused)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimizer.param_groups:
        group["lr"] = rate
