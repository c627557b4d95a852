from dataclasses import replace

import pytest
import torch

from msinet.architecture_search.search import search
from msinet.errors import ModelError, SettingsError
from msinet.files.tensor_files import load_arrays
from msinet.model.initial_weights import architecture_of, start_from, start_supernet
from msinet.model.layers import pool
from msinet.model.linear_map import LinearMap
from msinet.model.model_files import load_model, save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import PUBLISHED
from msinet.model.msinet.supernet import Supernet
from msinet.model.msinet.widths import channels_at
from msinet.training.train import train

DEEP, SHALLOW = Architecture.find("all:none:1,3"), Architecture.find("all:none:1,1")


def make(architecture=DEEP, identities=5, width=0.25, seed=0):
    torch.manual_seed(seed)
    return MSINet(architecture, identities, channels_at(width), (32, 32))


@pytest.fixture
def saved(tmp_path):
    network = make(seed=1)
    network.adaptation = LinearMap(network.embedding_dim)
    save_model(network, tmp_path / "model")
    return str(tmp_path / "model")


def test_everything_but_the_classifiers_is_taken(saved):
    network, before, source = make(identities=9), make(identities=9).state_dict(), load_model(saved).state_dict()
    assert start_from(network, saved) == []
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name] if "classifier" in name else source[name]), name


def test_another_architecture_takes_what_fits_and_names_the_rest(saved):
    network = make(SHALLOW)
    (words,) = start_from(network, saved)
    assert "left out" in words
    stem = "backbone.stem"
    own, given = network.state_dict(), load_model(saved).state_dict()
    assert all(torch.equal(own[name], given[name]) for name in own if name.startswith(stem))
    assert any(name.startswith(stem) for name in own)


def test_a_deeper_network_begins_its_other_layers_anew(tmp_path):
    save_model(make(SHALLOW), tmp_path)
    (words,) = start_from(make(DEEP), str(tmp_path))
    assert "begin anew" in words


def test_another_width_is_refused(saved):
    with pytest.raises(SettingsError, match=r"other sizes.* set width to 0\.25"):
        start_from(make(width=0.5), saved)


def test_a_model_that_is_not_there_is_named_with_where_to_look(tmp_path):
    with pytest.raises(ModelError, match="msinet models"):
        start_from(make(), str(tmp_path / "nothing"))


def test_the_architecture_of_a_model_is_that_of_its_card(saved):
    assert architecture_of(saved) == DEEP


def test_training_starts_from_the_model(saved, make_splits, train_settings, tmp_path):
    """At a learning rate of almost zero the trained weights are the initial ones."""
    settings = replace(train_settings, epochs=1, learning_rate=1e-12, init=saved)
    trained = train(make_splits(train=6), DEEP, settings, tmp_path / "out")
    name = "whole_head.linear.weight"
    torch.testing.assert_close(trained.network.state_dict()[name], load_model(saved).state_dict()[name])
    assert trained.network.adaptation is None


@pytest.mark.parametrize("interaction", ["cross_attention", "channel_gate", "exchange"])
def test_a_supernet_takes_the_backbone_and_the_interactions_that_the_model_has(interaction, tmp_path):
    torch.manual_seed(1)
    model = MSINet(Architecture.find(f"all:{interaction}"), 5, channels_at(0.25), (32, 32))
    with torch.no_grad():
        for parameter in model.backbone.parameters():
            parameter.add_(0.01)
    save_model(model, tmp_path)
    torch.manual_seed(0)
    supernet = Supernet(channels_at(0.25), PUBLISHED)
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    start_supernet(supernet, str(tmp_path))
    model.eval()
    shares = supernet.shares_of(model.architecture)
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(supernet.eval()(images, shares), pool(model.backbone(images).last), rtol=1e-4, atol=1e-5)
    others = [name for name in before if ".interactions." in name and f".{interaction}." not in name]
    assert all(torch.equal(before[name], supernet.state_dict()[name]) for name in [*others, "alphas"])


def test_a_search_starts_from_the_model(tmp_path, make_splits, search_settings):
    """Its supernet is that of the model but for one step at a learning rate of almost zero."""
    save_model(make(Architecture.find("all:none:1,3x1")), tmp_path / "model")
    settings = replace(search_settings, epochs=1, learning_rate=1e-12, init=str(tmp_path / "model"))
    search(make_splits(train=12), settings, tmp_path / "out")
    arrays, _ = load_arrays(tmp_path / "out" / "search.checkpoint.safetensors")
    (found,) = [
        array for name, array in arrays.items() if name.endswith("supernet.backbone.stages.0.cells.0.reduce_a.0.weight")
    ]
    expected = load_model(tmp_path / "model").state_dict()["backbone.stages.0.cells.0.reduce_a.0.weight"]
    torch.testing.assert_close(torch.from_numpy(found), expected)
