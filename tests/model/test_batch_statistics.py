import torch
from torch import nn

from msinet.model.batch_statistics import kept_statistics, take_statistics
from msinet.model.layers import conv_norm, sum_of_widened
from msinet.model.msinet.supernet import Supernet
from msinet.model.msinet.widths import channels_at


def test_statistics_are_the_means_over_the_batches():
    norm, batches = nn.BatchNorm2d(3), [torch.randn(4, 3, 5, 5) + i for i in range(3)]
    norm.running_mean.fill_(100)
    take_statistics(norm, norm, batches)
    torch.testing.assert_close(norm.running_mean, torch.stack([b.mean((0, 2, 3)) for b in batches]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([b.transpose(0, 1).flatten(1).var(1) for b in batches]).mean(0))
    assert norm.momentum == 0.1
    assert norm.training


def test_norms_that_are_folded_into_their_convolution_take_part():
    block, batches = conv_norm(4, 16), [torch.randn(4, 4, 5, 5) + i for i in range(3)]
    take_statistics(block.eval(), lambda batch: sum_of_widened([block], [batch]), batches)
    means = [block[0](batch).mean((0, 2, 3)) for batch in batches]
    torch.testing.assert_close(block[1].running_mean, torch.stack(means).mean(0))
    assert not block.training


def test_statistics_are_kept():
    supernet = Supernet(channels_at(0.25))
    before = {name: buffer.clone() for name, buffer in supernet.named_buffers()}
    with kept_statistics(supernet):
        supernet(torch.rand(2, 3, 32, 32))
        assert any(not buffer.equal(before[name]) for name, buffer in supernet.named_buffers())
    assert all(buffer.equal(before[name]) for name, buffer in supernet.named_buffers())
