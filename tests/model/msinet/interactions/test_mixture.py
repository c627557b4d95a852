import numpy as np
import pytest
import torch

from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.interactions.channel_gate import ChannelGate
from msinet.model.msinet.interactions.cross_attention import CrossAttention
from msinet.model.msinet.interactions.exchange import Exchange
from msinet.model.msinet.interactions.mixture import InteractionMixture
from msinet.model.msinet.interactions.none import Keep


@pytest.fixture
def maps(formula_images):
    """The anchors' two maps, (2, 32, 6, 5) float64."""
    return tuple(torch.from_numpy(np.random.RandomState(k).standard_normal((2, 32, 6, 5))) for k in (1, 2))


@pytest.fixture
def gate():
    """The anchors' gate: 32 channels, hidden width 2."""
    gate = ChannelGate(32).double()
    names = ("squeeze.bias", "squeeze.weight", "excite.bias", "excite.weight")  # published: fc1.bias ... fc2.weight
    for number, name in enumerate(names):
        parameter = gate.get_parameter(name)
        values = np.random.RandomState(50 + number).standard_normal(tuple(parameter.shape))
        scale = 0.1 if name.endswith("bias") else np.sqrt(1.5 / (values.size / len(values)))
        parameter.data.copy_(torch.from_numpy(scale * values))
    return gate


@pytest.fixture
def attention():
    attention = CrossAttention(32).double()
    attention.gamma.data.fill_(0.7)
    return attention


@pytest.fixture
def mixture(gate, attention):
    mixture = InteractionMixture(32).double()
    mixture.channel_gate.load_state_dict(gate.state_dict())
    mixture.cross_attention.load_state_dict(attention.state_dict())
    return mixture


def slow_gate(gate: ChannelGate, x: torch.Tensor) -> np.ndarray:
    """Equation 4 image by image, channel by channel."""
    squeeze, excite = (layer.weight.detach().numpy()[:, :, 0, 0] for layer in (gate.squeeze, gate.excite))
    gated = np.empty(x.shape)
    for i, image in enumerate(x.numpy()):
        pooled = np.array([channel.mean() for channel in image])
        hidden = np.maximum(squeeze @ pooled + gate.squeeze.bias.detach().numpy(), 0)
        weights = 1 / (1 + np.exp(-(excite @ hidden + gate.excite.bias.detach().numpy())))
        for channel, weight in enumerate(weights):
            gated[i, channel] = weight * image[channel]
    return gated


def slow_attention(own: torch.Tensor, other: torch.Tensor, gamma: float) -> np.ndarray:
    """gamma * softmax(rowmax(Q_own K_other^T) - Q_own K_other^T) @ own + own, row by row."""
    attended = np.empty(own.shape)
    for i in range(len(own)):
        queries, keys = own[i].flatten(1).numpy(), other[i].flatten(1).numpy()
        for row, query in enumerate(queries):
            energy = np.array([query @ key for key in keys])
            exponents = energy.max() - energy
            mask = np.exp(exponents - exponents.max())
            mask /= mask.sum()
            attended[i, row] = (gamma * sum(m * value for m, value in zip(mask, queries, strict=True)) + query).reshape(
                own.shape[2:]
            )
    return attended


@pytest.mark.parametrize("name", ["channel_gate", "cross_attention"])
@torch.no_grad()
def test_numbers_are_the_published_ones(anchors, maps, gate, attention, name):
    expected = anchors["interactions"][name]
    for branch, found in zip("ab", {"channel_gate": gate, "cross_attention": attention}[name](*maps), strict=True):
        size = expected[f"abs_{branch}"]
        assert found.sum().item() == pytest.approx(expected[f"sum_{branch}"], rel=0, abs=1e-8 * size)
        assert found.abs().sum().item() == pytest.approx(size, rel=1e-8)
        first = expected[f"first8_{branch}"]
        assert found.flatten()[:8].tolist() == pytest.approx(first, rel=0, abs=1e-8 * max(map(abs, first)))


@torch.no_grad()
def test_the_gate_weighs_each_map_by_its_own_channels(maps, gate):
    for found, own in zip(gate(*maps), maps, strict=True):
        np.testing.assert_allclose(found, slow_gate(gate, own), rtol=1e-12)


@torch.no_grad()
def test_attention_takes_its_keys_from_the_other_branch(maps, attention):
    a, b = maps
    found_a, found_b = attention(a, b)
    np.testing.assert_allclose(found_a, slow_attention(a, b, 0.7), rtol=0, atol=1e-11)
    np.testing.assert_allclose(found_b, slow_attention(b, a, 0.7), rtol=0, atol=1e-11)


@torch.no_grad()
def test_attention_starts_as_no_interaction(maps):
    assert all(torch.equal(found, own) for found, own in zip(CrossAttention(32).double()(*maps), maps, strict=True))


@torch.no_grad()
def test_attention_does_not_overflow_on_large_maps(maps, attention):
    a, b = (1e4 * x.float() for x in maps)
    assert all(torch.isfinite(x).all() for x in attention.float()(a, b))


def test_none_keeps_and_exchange_swaps(maps):
    a, b = maps
    assert Keep(32)(a, b) == (a, b)
    assert Exchange(32)(a, b) == (b, a)


def test_none_and_exchange_have_no_parameters():
    assert not [*Keep(32).parameters(), *Exchange(32).parameters()]


def test_each_name_makes_its_interaction():
    assert [*INTERACTIONS.values()] == [Keep, Exchange, ChannelGate, CrossAttention]


def test_a_gate_narrower_than_its_reduction_still_has_a_hidden_channel():
    assert ChannelGate(8).squeeze.out_channels == 1


def explicit_sum(mixture: InteractionMixture, a, b, weights):
    """Equation 1 as it is written: every interaction computed, then weighed."""
    results = [Keep(32)(a, b), Exchange(32)(a, b), mixture.channel_gate(a, b), mixture.cross_attention(a, b)]
    return tuple(sum(weight * result[branch] for weight, result in zip(weights, results, strict=True)) for branch in (0, 1))


def values_and_gradients(mix, mixture, maps, alphas):
    """Return what `mix` makes of the maps, and the gradients for maps, alphas and parameters of a function of it."""
    a, b = (x.clone().requires_grad_() for x in maps)
    alphas = alphas.clone().requires_grad_()
    found_a, found_b = mix(a, b, alphas.softmax(0))
    # A different weight for every number, so that none can hide.
    score = (found_a * found_a.detach().cos()).sum() + (found_b * found_b.detach().sin()).sum()
    return [found_a, found_b, *torch.autograd.grad(score, [a, b, alphas, *mixture.parameters()])]


def test_the_mixture_is_the_weighted_sum_in_values_and_gradients(maps, mixture):
    alphas = torch.tensor([0.3, -0.5, 0.8, 0.1], dtype=torch.float64)
    found = values_and_gradients(mixture, mixture, maps, alphas)
    expected = values_and_gradients(lambda *inputs: explicit_sum(mixture, *inputs), mixture, maps, alphas)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("column", range(4), ids=[*INTERACTIONS])
@torch.no_grad()
def test_a_mixture_that_is_sure_is_that_interaction(maps, mixture, gate, attention, column):
    alone = (Keep(32), Exchange(32), gate, attention)[column]
    weights = torch.eye(4, dtype=torch.float64)[column]
    for found, expected in zip(mixture(*maps, weights), alone(*maps), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["cross_attention", "mixture"])
@torch.no_grad()
def test_half_precision_maps_stay_half_but_energies_do_not(maps, attention, mixture, name):
    """A sum over positions in bfloat16 would pick other channels: at most the result is rounded."""
    halves = tuple(x.bfloat16() for x in maps)
    interact = attention.float() if name == "cross_attention" else lambda a, b: mixture.float()(a, b, torch.full((4,), 0.25))
    with torch.autocast("cpu", torch.bfloat16):
        found = interact(*halves)
    for half, full in zip(found, interact(*(x.float() for x in halves)), strict=True):
        assert half.dtype == torch.bfloat16
        torch.testing.assert_close(half.float(), full, rtol=0.02, atol=0.02)


def test_energies_of_any_size_leave_no_numbers_that_processors_are_slow_with():
    """Neither the masks nor the maps' gradients hold values between 0 and the smallest normal float32."""
    a, b = (100 * torch.rand(2, 16, 64)).requires_grad_(), torch.rand(2, 16, 64)
    masks = CrossAttention(32).masks(a, b)
    for mask in masks:
        assert mask.min() >= 1e-21
        torch.testing.assert_close(mask.sum(-1), torch.ones(2, 16))
    sum((mask * torch.randn(2, 16, 16)).sum() for mask in masks).backward()
    assert a.grad is not None
    small = a.grad.abs() < torch.finfo(torch.float32).tiny
    assert (a.grad[small] == 0).all()


@pytest.mark.parametrize(
    "choices", [("none",), ("exchange",), ("channel_gate", "none"), ("exchange", "cross_attention")], ids=str
)
@torch.no_grad()
def test_any_number_of_interactions_in_any_order_makes_a_mixture(maps, choices):
    torch.manual_seed(0)
    mixture, weights = InteractionMixture(32, choices).double(), torch.rand(len(choices), dtype=torch.float64)
    if "cross_attention" in choices:
        mixture.get_parameter("cross_attention.gamma").fill_(0.7)
    results = [mixture.operation(name)(*maps) for name in choices]
    for side, found in enumerate(mixture(*maps, weights)):
        expected = sum(weight * result[side] for weight, result in zip(weights, results, strict=True))
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
