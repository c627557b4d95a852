import json

import pytest
import torch

from msinet.errors import SettingsError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at

NARROW = channels_at(0.25)


@pytest.fixture
def network():
    return MSINet(Architecture.named("veri776"), 5, NARROW).eval()


@torch.no_grad()
def test_an_embedding_has_768_numbers_at_the_published_width():
    network = MSINet(Architecture.named("msmt17"), 5).eval()
    embedding = network(torch.randn(2, 3, 32, 32)).embedding
    assert embedding.shape == (2, network.embedding_dim) == (2, 768)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))


@pytest.mark.parametrize("size", [(32, 32), (64, 32), (41, 59), (80, 48)])
@torch.no_grad()
def test_shapes(network, size):
    features = network(torch.randn(2, 3, *size))
    assert features.heads[0].feature.shape == (2, 128)
    assert features.heads[1].feature.shape == (2, 64)
    assert features.heads[0].logits.shape == features.heads[1].logits.shape == (2, 5)
    assert features.embedding.shape == (2, 192)
    assert features.embedding.isfinite().all()


@torch.no_grad()
def test_features_are_the_pooled_maps_and_only_the_logits_pass_the_linear_layers(network):
    """As published: v is pooled, the triplet loss and the embedding see v, the classifier sees norm(linear(v))."""
    images = torch.randn(2, 3, 80, 48)  # a middle map of 5 rows: 2 above, 3 below
    maps, features = network.backbone(images), network(images)
    reduced = network.part_head.reduce(maps.middle)
    parts = torch.cat([reduced[:, :, :2].mean((2, 3)), reduced[:, :, 2:].mean((2, 3))], 1)
    torch.testing.assert_close(features.heads[0].feature, maps.last.mean((2, 3)))
    torch.testing.assert_close(features.heads[1].feature, parts)
    for head, found in ((network.whole_head, features.heads[0]), (network.part_head.head, features.heads[1])):
        torch.testing.assert_close(found.logits, head.classifier(head.norm(head.linear(found.feature))))


@torch.no_grad()
def test_an_embedding_does_not_hang_on_the_other_images(network, double):
    network = network.double()
    images = torch.randn(3, 3, 48, 48)
    torch.testing.assert_close(network(images).embedding[1:2], network(images[1:2]).embedding, rtol=0, atol=1e-12)


def test_every_parameter_learns_but_the_frozen_biases():
    network = MSINet(Architecture.uniform("channel_gate"), 5, NARROW)
    features = network(torch.randn(4, 3, 48, 48))
    sum(head.logits[:, 0].sum() + head.feature.square().sum() for head in features.heads).backward()
    still = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert still == {"whole_head.norm.bias", "part_head.head.norm.bias"}


def test_starts_as_published():
    network = MSINet(Architecture.uniform("none"), 1000)
    conv, linear = network.backbone.stages[2].cells[0].reduce_a[0], network.whole_head.classifier
    assert conv.weight.std().item() == pytest.approx((2 / 128) ** 0.5, rel=0.05)  # fan-out: 128 channels
    assert linear.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not linear.bias.any() and not network.part_head.reduce.bias.any()
    assert network.whole_head.norm.weight.eq(1).all() and not network.whole_head.norm.bias.any()


def test_the_same_seed_starts_the_same_network():
    torch.manual_seed(3)
    one = MSINet(Architecture.named("msmt17"), 5, NARROW).state_dict()
    torch.manual_seed(3)
    other = MSINet(Architecture.named("msmt17"), 5, NARROW).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("cells", [(2, 2), (2, 2, 2, 2)], ids=["a stage less", "a stage more"])
def test_an_architecture_that_the_backbone_cannot_hold_is_refused(cells):
    """Stages are as many as channels after the stem: what is more would be dropped without a word."""
    with pytest.raises(SettingsError, match=f"{len(cells)} stages do not fit the channels 16, 64, 96, 128"):
        MSINet(Architecture(tuple((("none", "none"),) * count for count in cells)), 5, NARROW)


@pytest.mark.parametrize("cells", [(2, 2, 1), (1, 3, 2)], ids=str)
@torch.no_grad()
def test_stages_may_have_different_numbers_of_cells(cells):
    network = MSINet(Architecture(tuple((("none", "none"),) * count for count in cells)), 5, NARROW).eval()
    assert [len(stage.cells) for stage in network.backbone.stages] == [*cells]
    assert network(torch.randn(2, 3, 48, 32)).embedding.shape == (2, 192)


def test_each_place_is_as_deep_as_the_architecture_says():
    architecture = Architecture.find("scales:3")
    cells = [cell for stage in MSINet(architecture, 5, NARROW).backbone.stages for cell in stage.cells]
    found = [(len(a), len(b)) for cell in cells for a, b in zip(cell.scales_a, cell.scales_b, strict=True)]
    assert found == [*architecture.depths]


def test_the_arguments_of_a_card_make_the_same_network():
    network = MSINet(Architecture.find("scales:3"), 5, NARROW)
    again = MSINet.from_arguments(json.loads(json.dumps(network.arguments())))
    assert again.architecture == network.architecture
    again.load_state_dict(network.state_dict())
