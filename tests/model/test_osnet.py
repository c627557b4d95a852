"""OSNet as its paper says (Zhou et al., ICCV 2019)."""

import pytest
import torch

import msinet
from msinet.errors import SettingsError
from msinet.model.cost import count_multiply_adds, count_parameters
from msinet.model.model_files import load_model
from msinet.model.networks import build_network
from msinet.model.osnet import AggregationGate, Bottleneck, OSNet


def osnet(width=0.25, size=(64, 32)):
    network = build_network("osnet", 5, size, width)
    assert isinstance(network, OSNet)
    return network


@pytest.mark.parametrize(
    ("width", "parameters", "multiply_adds"),
    [(0.25, 0.2e6, 82.3e6), (0.5, 0.6e6, 272.9e6), (0.75, 1.3e6, 571.8e6), (1.0, 2.2e6, 978.9e6)],
)
def test_parameters_and_multiply_adds_at_each_width_are_the_papers(width, parameters, multiply_adds):
    network = osnet(width)
    assert round(count_parameters(network), -5) == parameters
    assert count_multiply_adds(network, (256, 128)) == pytest.approx(multiply_adds, rel=0.001)


def test_the_bottlenecks_streams_see_3_5_7_and_9_pixels():
    bottleneck = Bottleneck(16, 16).eval()
    for radius, stream in enumerate(bottleneck.streams, 1):
        image = torch.zeros(1, 4, 21, 21, requires_grad=True)
        stream(image + 1)[0, :, 10, 10].sum().backward()
        rows = image.grad.abs().sum((0, 1, 3)).nonzero()  # pyright: ignore[reportOptionalMemberAccess]
        assert 10 - radius <= rows.min() and rows.max() <= 10 + radius
        assert sum(isinstance(layer, torch.nn.ReLU) for layer in stream.modules()) == radius


@torch.no_grad()
def test_a_bottleneck_sums_its_streams_times_the_weights_of_one_gate():
    bottleneck, x = Bottleneck(16, 32).eval().double(), torch.randn(2, 16, 6, 5, dtype=torch.float64)
    reduced, total = bottleneck.reduce(x), torch.zeros(())
    for stream in bottleneck.streams:
        own, gate = stream(reduced), bottleneck.gate
        hidden = torch.relu(own.mean((2, 3)) @ gate.squeeze.weight.T + gate.squeeze.bias)
        total = total + own * torch.sigmoid(hidden @ gate.excite.weight.T + gate.excite.bias)[:, :, None, None]
    expected = torch.relu(bottleneck.restore(total) + bottleneck.project(x))
    torch.testing.assert_close(bottleneck(x), expected)


def test_the_gate_of_the_narrowest_streams_keeps_a_hidden_channel():
    assert AggregationGate(8).squeeze.out_features == 1


@pytest.mark.parametrize("width", [0.125, 0.34375, 1.0])
def test_the_feature_is_512_numbers_at_every_width(width):
    network = osnet(width).eval()
    features = network(torch.randn(2, 3, 64, 32))
    (head,) = features.heads
    assert (head.feature.shape, head.logits.shape) == ((2, 512), (2, 5))
    assert features.last.shape == (2, network.last_channels, 4, 2)
    assert features.embedding.shape == (2, network.embedding_dim)


def test_a_variant_of_it_is_refused():
    with pytest.raises(SettingsError, match="there is no osnet:small: write osnet, and set the width"):
        build_network("osnet:small", 5, (64, 32))


def test_it_is_trained_saved_read_and_scored(make_splits, train_settings, tmp_path):
    splits = make_splits()
    trained = msinet.train(splits, "osnet", train_settings, tmp_path)
    again = load_model(tmp_path)
    assert isinstance(again, OSNet) and again.channels == (16, 64, 96, 128)
    assert msinet.evaluate(again, splits).mAP == msinet.evaluate(trained.network, splits).mAP
