"""Convolution blocks, pooling and initial weights."""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv_norm(in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def conv_norm_relu(in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU."""
    return conv_norm(in_channels, out_channels, kernel, stride).append(nn.ReLU(inplace=True))


def sum_of_widened(blocks: Sequence[nn.Sequential], maps: Sequence[Tensor]) -> Tensor:
    """Return the sum of the outputs of blocks (1x1 convolution, batch norm), computed as one convolution.

    A batch norm's mean and variance of a channel w x follow from those of x: w E[x], and w Cov[x] w. They can therefore
    scale the weights. The many output channels are neither kept for the backward pass nor read again to be normalised and
    summed. The numbers are the same up to rounding; memory and time are less where a block at least doubles the channels.
    """
    if any(type(block[1]) is not nn.BatchNorm2d for block in blocks):  # synchronised over processes
        return reduce(torch.add, [block(x) for block, x in zip(blocks, maps, strict=True)])
    folded = [fold_norm(block[0], block[1], x) for block, x in zip(blocks, maps, strict=True)]
    weight, bias = torch.cat([weight for weight, _ in folded], 1), torch.stack([bias for _, bias in folded]).sum(0)
    return F.conv2d(torch.cat(list(maps), 1), weight[:, :, None, None], bias)


def as_one_convolution(blocks: Sequence[nn.Sequential]) -> nn.Conv2d:
    """Return blocks (1x1 convolution, batch norm) of several maps as one convolution of these maps side by side.

    It sums the blocks' outputs by the running statistics, as `sum_of_widened` does outside of training.
    """
    with torch.no_grad():
        folded = [fold_norm(block[0], block[1]) for block in blocks]
        weight, bias = torch.cat([weight for weight, _ in folded], 1), torch.stack([bias for _, bias in folded]).sum(0)
        convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
        convolution.weight.copy_(weight[:, :, None, None])
        assert convolution.bias is not None
        convolution.bias.copy_(bias)
    return convolution


def fold_norm(conv: nn.Module, norm: nn.Module, x: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the weight (out, in) and the bias (out,) of a 1x1 convolution and its batch norm as one layer, for input x.

    In training the statistics are those of x, and the running ones are updated; else x is not looked at.
    """
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None and norm.running_var is not None
    assert norm.num_batches_tracked is not None and norm.momentum is not None
    weight = conv.weight.flatten(1)
    mean, variance = norm.running_mean, norm.running_var
    if norm.training:
        assert x is not None
        with torch.autocast(x.device.type, enabled=False):
            rows = x.movedim(1, -1).flatten(0, 2).to(torch.promote_types(x.dtype, torch.float32))  # (B * H * W, in)
            centre = rows.mean(0)
            centred = rows - centre
            covariance = centred.T @ centred / len(rows)
            mean, variance = weight @ centre, (weight @ covariance * weight).sum(1)
        with torch.no_grad():
            norm.num_batches_tracked += 1
            norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), norm.momentum)
            unbiased = variance * (len(rows) / max(len(rows) - 1, 1))
            norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), norm.momentum)
    scale = norm.weight * (variance + norm.eps).rsqrt()
    return weight * scale[:, None], norm.bias - mean * scale


def light_conv(channels: int) -> nn.Sequential:
    """A light 3x3: pointwise 1x1 without activation, depthwise 3x3, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


def pool(x: Tensor) -> Tensor:
    """Average a map over its positions, (B, C, H, W) -> (B, C), in float32 or better."""
    return x.mean((2, 3), dtype=torch.promote_types(x.dtype, torch.float32))


def start_weights(network: nn.Module) -> None:
    """Set the initial weights as published: convolutions Kaiming normal (fan-out), linear N(0, 0.01), norms 1 and 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
