"""Cost of a network: parameters and multiply-adds."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from msinet.model.network import Network


def count_parameters(network: Network) -> int:
    """Count the parameters without the classifiers, which no deployed network needs."""
    return sum(p.numel() for name, p in network.named_parameters() if ".classifier." not in name)


def count_multiply_adds(network: Network, image_size: tuple[int, int] | None = None) -> int:
    """Count the multiply-adds of one image (H, W): convolutions, linear layers and matrix products; no classifiers."""
    return sum(multiply_adds_by_module(network, image_size).values())


def multiply_adds_by_module(network: Network, image_size: tuple[int, int] | None = None) -> dict[str, int]:
    """Return the multiply-adds of one image (H, W) by the name of the module that computes them.

    A module that computes outside of its layers says what that costs by a method `multiply_adds` of its first input.
    """
    height, width = image_size or network.image_size
    counts: dict[str, int] = {}

    def counting(name: str, count: Callable[[nn.Module, Tensor, object], int]) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
            counts[name] = counts.get(name, 0) + count(module, inputs[0], output)

        return hook

    with torch.device("meta"):  # Shapes without numbers. (Fake tensors would let no process forked later learn.)
        skeleton = type(network).from_arguments({**network.arguments(), "identities": 1}).eval()
        for name, module in skeleton.named_modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and not name.endswith("classifier"):
                module.register_forward_hook(counting(name, _products_of_layer))
            elif hasattr(module, "multiply_adds"):
                module.register_forward_hook(counting(name, _products_beside_layers))
        skeleton(torch.zeros(1, 3, height, width))
    return counts


def _products_of_layer(layer: nn.Module, x: Tensor, output: object) -> int:
    assert isinstance(layer, nn.Conv2d | nn.Linear) and isinstance(output, Tensor)
    positions = output[0].numel() // layer.weight.shape[0]
    return positions * layer.weight.numel()


def _products_beside_layers(module: nn.Module, x: Tensor, output: object) -> int:
    return module.multiply_adds(x)  # pyright: ignore[reportCallIssue]
