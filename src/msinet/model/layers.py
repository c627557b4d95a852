"""The convolution blocks that the network is made of, and how they start."""

import torch
from torch import Tensor, nn


def conv_norm(in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def conv_norm_relu(in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU."""
    return conv_norm(in_channels, out_channels, kernel, stride).append(nn.ReLU(inplace=True))


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
    """Start as published: convolutions Kaiming normal over the fan-out, linear layers N(0, 0.01), batch norms 1 and 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
