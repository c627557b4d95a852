"""Backbones of timm, where it is installed."""

import sys

import pytest
import torch

import msinet
from msinet.errors import MissingExtraError, ModelError, SettingsError
from msinet.model.cost import count_multiply_adds, count_parameters
from msinet.model.initial_weights import architecture_of
from msinet.model.model_files import load_model
from msinet.model.networks import build_network
from msinet.model.timm_network import TimmNetwork

SMALL = "timm:mobilenetv3_small_050"


@pytest.fixture
def timm():
    return pytest.importorskip("timm", reason="timm is missing: pip install msinet[timm]")


@pytest.mark.parametrize(
    ("name", "dim", "channels"),
    [(SMALL, 1024, 288), ("timm:resnet18", 512, 512), ("timm:convnext_atto", 320, 320), ("timm:regnetx_002", 368, 368)],
)
@torch.no_grad()
def test_the_feature_is_what_timm_returns_without_a_classifier(timm, name, dim, channels):
    network = build_network(name, 5, (64, 64)).eval()
    assert isinstance(network, TimmNetwork)
    images = torch.randn(2, 3, 64, 64)
    features = network(images)
    (head,) = features.heads
    torch.testing.assert_close(head.feature, network.backbone(images))
    assert (head.logits.shape, network.embedding_dim, network.last_channels) == ((2, 5), dim, channels)
    assert features.last.shape == (2, channels, 2, 2)


def test_every_weight_learns(timm):
    network = build_network(SMALL, 5, (64, 64))
    network(torch.randn(4, 3, 64, 64)).heads[0].logits.square().sum().backward()
    without = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
    assert not without


def test_the_costs_are_timms(timm):
    network = build_network("timm:resnet18", 5, (224, 224))
    assert isinstance(network, TimmNetwork)
    parameters = sum(weight.numel() for weight in network.backbone.parameters())
    assert parameters == 11_689_512 - 513 * 1000  # ResNet-18's without ImageNet's classifier
    assert count_parameters(network) == parameters + 512 * 512 + 2 * 512
    assert count_multiply_adds(network) == pytest.approx(1.82e9, rel=0.01)


def test_it_is_trained_saved_read_scored_and_started_from(timm, make_splits, train_settings, tmp_path, caplog):
    splits = make_splits()
    trained = msinet.train(splits, SMALL, train_settings, tmp_path)
    assert "timm:mobilenetv3_small_050 has channels of its own: width 0.25 is not used" in caplog.text
    again = load_model(tmp_path)
    assert isinstance(again, TimmNetwork)
    assert msinet.evaluate(again, splits).mAP == msinet.evaluate(trained.network, splits).mAP
    assert architecture_of(str(tmp_path)) == SMALL


def test_a_name_that_timm_does_not_know_is_refused_with_those_that_are_close(timm):
    with pytest.raises(SettingsError, match="no backbone 'mobilenet_v3_small': did you mean mobilenetv3_small_100 or"):
        build_network("timm:mobilenet_v3_small", 5, (64, 64))
    with pytest.raises(SettingsError, match=r"no backbone 'zzz': timm\.list_models\(\) lists its names"):
        build_network("timm:zzz", 5, (64, 64))


def test_timm_alone_is_no_network():
    with pytest.raises(SettingsError, match="timm is many networks: name one, such as"):
        build_network("timm", 5, (64, 64))


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("timm:xcit_nano_12_p16_224", (64, 64), r"makes \(1, 17, 128\) of an image, not a map \(1, 128, height, width\)"),
        ("timm:mambaout_femto", (64, 64), r"makes \(1, 2, 2, 288\) of an image"),
        ("timm:vit_tiny_patch16_224", (64, 64), r"does not take images of 64 x 64 \(Input height"),
    ],
    ids=["tokens", "channels last", "another size"],
)
def test_a_backbone_without_a_map_of_such_images_is_refused(timm, name, size, words):
    with pytest.raises(SettingsError, match=words):
        build_network(name, 5, size)


def test_a_card_that_names_no_backbone_of_timm_does_not_describe_a_network(timm, tmp_path):
    msinet.save_model(build_network(SMALL, 5, (64, 64)), tmp_path)
    card = tmp_path / "model.json"
    card.write_text(card.read_text().replace("mobilenetv3_small_050", "mobilenetv3_of_tomorrow"))
    with pytest.raises(ModelError, match="does not describe a network"):
        load_model(tmp_path)


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtraError, match=r"msinet\[timm\]"):
        build_network(SMALL, 5, (64, 64))
