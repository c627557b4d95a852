import numpy as np
import pytest
import torch

from msinet.model.msinet.spatial_alignment import PositionActivation


def slow_activation(module: PositionActivation, image: np.ndarray) -> list[float]:
    """Position by position: the largest product of its query with any position's key."""
    query, key = (
        [layer.weight.detach().numpy()[:, :, 0, 0] @ column + layer.bias.detach().numpy() for column in image]
        for layer in (module.query, module.key)
    )
    return [max(float(q @ k) for k in key) for q in query]


def test_parameters_are_the_published_ones():
    assert sum(p.numel() for p in PositionActivation(512).parameters()) == 65_664


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (4, 3)])
def test_equals_the_slow_one_at_any_size(double, size):
    module, maps = PositionActivation(16), torch.randn(3, 16, *size)
    torch.nn.init.normal_(module.query.bias)
    torch.nn.init.normal_(module.key.bias)
    expected = [slow_activation(module, image.reshape(16, -1).T.numpy()) for image in maps]
    torch.testing.assert_close(module(maps).detach(), torch.tensor(expected))


def test_gradient(double):
    module, maps = PositionActivation(8, reduction=2), torch.randn(2, 8, 2, 3, requires_grad=True)
    assert torch.autograd.gradcheck(lambda maps, *_: module(maps), (maps, *module.parameters()))


def test_it_starts_as_other_convolutions_do():
    module = PositionActivation(512)
    assert module.query.bias is not None and not module.query.bias.any()
    assert module.query.weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.02)


def test_half_precision_maps_are_taken():
    module, maps = PositionActivation(16), torch.randn(2, 16, 2, 2).bfloat16()
    torch.testing.assert_close(module(maps), module(maps.float()))
