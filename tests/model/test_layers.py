import copy

import pytest
import torch
from torch import nn

from msinet.model.layers import conv_norm, sum_of_widened


@pytest.fixture
def blocks(double):
    blocks = nn.ModuleList([conv_norm(3, 8), conv_norm(5, 8)])
    for parameter in blocks.parameters():
        nn.init.normal_(parameter)
    return blocks


@pytest.fixture
def maps(double):
    return [(torch.randn(4, 3, 6, 5) + 2).requires_grad_(), torch.randn(4, 5, 6, 5).requires_grad_()]


@pytest.mark.parametrize("training", [True, False])
def test_widened_as_one_is_the_sum_of_the_blocks(blocks, maps, training):
    """Values, running statistics and every gradient."""
    plain = copy.deepcopy(blocks)
    inputs = [x.detach().clone().requires_grad_() for x in maps]
    for _ in range(2):
        expected = sum(block.train(training)(x) for block, x in zip(plain, inputs, strict=True))
        found = sum_of_widened(blocks.train(training), maps)
    torch.testing.assert_close(found, expected)
    slopes = torch.randn_like(found)
    found.backward(slopes)
    expected.backward(slopes)
    for one, other in zip([*maps, *blocks.parameters()], [*inputs, *plain.parameters()], strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    for name, buffer in plain.named_buffers():
        torch.testing.assert_close(blocks.get_buffer(name), buffer)


@torch.no_grad()
@pytest.mark.parametrize("mean", [10, 100, 300])
def test_far_from_zero_in_float32(mean):
    """The variance is not what is left of two large numbers."""
    blocks = nn.ModuleList([conv_norm(3, 8), conv_norm(5, 8)])
    maps = [torch.randn(4, channels, 16, 16) + mean for channels in (3, 5)]
    expected = sum(block(x) for block, x in zip(copy.deepcopy(blocks), maps, strict=True))
    torch.testing.assert_close(sum_of_widened(blocks, maps), expected, atol=1e-5 * mean, rtol=0)


@torch.no_grad()
def test_other_norms_are_asked_themselves(blocks, maps):
    blocks[1][1] = nn.GroupNorm(2, 8)
    expected = blocks[0](maps[0]) + blocks[1](maps[1])
    torch.testing.assert_close(sum_of_widened(blocks, maps), expected)
