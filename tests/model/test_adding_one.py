"""Adding an interaction or a network is one file and one line: what a user would write stands here."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import msinet
from msinet.model.cost import count_multiply_adds, count_parameters
from msinet.model.heads import Head
from msinet.model.model_files import load_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.interactions.interaction import Interaction, Terms
from msinet.model.msinet.interactions.mixture import InteractionMixture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SearchSpace
from msinet.model.msinet.supernet import Supernet
from msinet.model.network import Features, Network
from msinet.model.networks import NETWORKS


class Average(Interaction):
    """Both branches get the mean of both, scaled by a factor of each channel that is learned."""

    short, colour, links = "average", "#2b8a3e", True

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, channels))

    def forward(self, a, b):
        mean = (a + b) / 2
        return self.scale[:, None, None] * a + mean, self.scale[:, None, None] * b + mean

    def terms(self, a, b):
        own = (self.scale + 0.5).expand(a.shape[:2])
        return Terms(own=(own, own), other=0.5)

    def multiply_adds(self, a):
        return a[0].numel()


@pytest.fixture
def average(monkeypatch):
    monkeypatch.setitem(INTERACTIONS, "average", Average)  # the one line
    return "average"


@torch.no_grad()
def test_a_new_interaction_is_mixed_with_the_others(average):
    mixture = InteractionMixture(16, tuple(INTERACTIONS)).double()
    a, b = torch.randn(2, 2, 16, 5, 4, dtype=torch.float64)
    weights = torch.rand(5, dtype=torch.float64)
    results = [mixture.operation(name)(a, b) for name in INTERACTIONS]
    for side, found in enumerate(mixture(a, b, weights)):
        expected = sum(weight * result[side] for weight, result in zip(weights, results, strict=True))
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_new_interaction_is_searched_built_drawn_and_counted(average):
    supernet = Supernet((16, 64, 96, 128), SearchSpace((average, "none"), "mine"))
    supernet.alphas.data[:, 0] = 1
    architecture = supernet.architecture()
    assert architecture == Architecture.find("all:average")
    network, without = MSINet(architecture, 3), MSINet(Architecture.uniform("none"), 3)
    assert count_parameters(network) - count_parameters(without) == 2 * 2 * (64 + 96 + 128)
    assert count_multiply_adds(network, (64, 64)) > count_multiply_adds(without, (64, 64))
    assert architecture.to_svg().count(">average<") == 12
    assert Architecture.from_dict(json.loads(json.dumps(architecture.to_dict()))) == architecture


class OneLayer(Network):
    """A network of a convolution and a head."""

    kind = "one-layer"

    def __init__(self, identities: int, image_size: tuple[int, int], channels: int) -> None:
        super().__init__()
        self.identities, self.image_size, self.channels = identities, image_size, channels
        self.conv = nn.Sequential(nn.Conv2d(3, channels, 8, 8), nn.ReLU())
        self.head = Head(channels, identities)

    @classmethod
    def build(cls, identities, image_size, width, architecture=None):
        return cls(identities, image_size, round(64 * width))

    @classmethod
    def from_arguments(cls, arguments):
        return cls(arguments["identities"], tuple(arguments["image_size"]), arguments["channels"])

    def arguments(self):
        return {"identities": self.identities, "image_size": list(self.image_size), "channels": self.channels}

    @property
    def embedding_dim(self):
        return self.channels

    def forward(self, images):
        last = self.conv(images)
        return Features((self.head(last.mean((2, 3))),), last)


@pytest.fixture
def one_layer(monkeypatch):
    monkeypatch.setitem(NETWORKS, OneLayer.kind, OneLayer)  # the one line
    return OneLayer.kind


def test_a_new_network_is_trained_saved_read_and_scored(one_layer, make_splits, train_settings, tmp_path: Path):
    splits = make_splits(train=8)
    trained = msinet.train(splits, one_layer, replace(train_settings, alignment="both"), tmp_path)
    again = load_model(tmp_path)
    assert isinstance(again, OneLayer)
    assert (again.channels, again.image_size, again.identities) == (16, (32, 32), 8)
    result = msinet.evaluate(again, splits)
    assert result.mAP == msinet.evaluate(trained.network, splits).mAP
    assert count_multiply_adds(again) == 4 * 4 * 16 * 3 * 8 * 8 + 16 * 16
