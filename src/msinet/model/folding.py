"""Folding: a trained network as one that only evaluates, with fewer layers and the same embeddings."""

import copy
from typing import TypeVar, cast

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from msinet.model.msinet.cell import MultiScaleCell

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def folded(network: AnyModule) -> AnyModule:
    """Return a copy of a network in which batch norms are part of the convolutions before them, ready to embed.

    The two or three convolutions that close a cell become one.
    """
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, MultiScaleCell):
            module.close()
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential):
            _fold_norms(module)
    return network


def _fold_norms(row: nn.Sequential) -> None:
    """Fold each batch norm of a row that follows a convolution; what stands in its place passes maps on."""
    for number in range(len(row) - 1):
        convolution, norm = row[number], row[number + 1]
        if type(convolution) is nn.Conv2d and type(norm) is nn.BatchNorm2d:
            row[number] = cast(nn.Module, fuse_conv_bn_eval(convolution, norm))
            row[number + 1] = nn.Identity()
