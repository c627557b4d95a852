"""Statistics of batch norms: keeping them, and taking them anew."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

T = TypeVar("T")


@contextmanager
def kept_statistics(network: nn.Module) -> Iterator[None]:
    """Restore a network's running statistics at the end, whatever passes through it in training mode in between."""
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in network.named_buffers():
            buffer.copy_(before[name])


@torch.no_grad()
def take_statistics(network: nn.Module, forward: Callable[[T], object], batches: Iterable[T]) -> None:
    """Replace the running statistics by the means over batches, which `forward` passes through the network."""
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta, was_training = [norm.momentum for norm in norms], network.training
    network.train()
    for number, batch in enumerate(batches, 1):
        for norm in norms:
            norm.momentum = 1 / number  # The mean of all so far; the first batch replaces what was there.
        forward(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.train(was_training)
