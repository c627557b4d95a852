"""What a network costs: parameters and multiply-adds."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from msinet.model.cell import MultiScaleCell
from msinet.model.interactions import CrossAttention
from msinet.model.msinet import MSINet


def count_parameters(network: MSINet) -> int:
    """Count the parameters without the two classifiers, which no deployed network needs."""
    return sum(p.numel() for name, p in network.named_parameters() if ".classifier." not in name)


def count_multiply_adds(network: MSINet, image_size: tuple[int, int] | None = None) -> int:
    """Count the multiply-adds of one image (H, W): convolutions, linear layers and matrix products; no classifiers.

    Cross attention counts as the equations have it, four products of C x C x N; the code shares one of them.
    """
    height, width = image_size or network.image_size
    total = 0

    def add(count: Callable[[nn.Module, Tensor, object], int]) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
            nonlocal total
            total += count(module, inputs[0], output)

        return hook

    with FakeTensorMode():  # Shapes without numbers.
        skeleton = MSINet(network.architecture, 1, network.channels, network.image_size).eval()
        for name, module in skeleton.named_modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and not name.endswith("classifier"):
                module.register_forward_hook(add(_products_of_layer))
            elif isinstance(module, MultiScaleCell):  # it closes with both 1x1 convolutions as one
                module.register_forward_hook(add(_products_of_closing))
            elif isinstance(module, CrossAttention):
                module.register_forward_hook(add(lambda module, x, output: 4 * x.shape[1] * x[0].numel()))
        skeleton(torch.zeros(1, 3, height, width))
    return total


def _products_of_layer(layer: nn.Module, x: Tensor, output: object) -> int:
    assert isinstance(layer, nn.Conv2d | nn.Linear) and isinstance(output, Tensor)
    positions = output[0].numel() // layer.weight.shape[0]
    return positions * layer.weight.numel()


def _products_of_closing(cell: nn.Module, x: Tensor, output: object) -> int:
    assert isinstance(cell, MultiScaleCell) and isinstance(output, Tensor)
    closing = [cast(nn.Conv2d, block[0]) for block in cell.closing]
    return output[0, 0].numel() * sum(conv.weight.numel() for conv in closing)
