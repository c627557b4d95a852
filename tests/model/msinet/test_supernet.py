from dataclasses import replace

import pytest
import torch

from msinet.errors import SettingsError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import PUBLISHED
from msinet.model.msinet.supernet import Supernet
from msinet.model.msinet.widths import channels_at

NARROW = channels_at(0.25)


def chosen_weights(supernet: Supernet, network: MSINet) -> dict[str, torch.Tensor]:
    """Return the supernet's tensors under the names of the network that its choices make."""
    searched, tensors = supernet.backbone.state_dict(), {}
    for name in network.backbone.state_dict():
        place, _, inside = name.partition(".interactions.")
        if inside:
            stage, cell = (int(number) for number in place.split(".")[1::2])
            number, _, tensor = inside.partition(".")
            chosen = network.architecture.stages[stage][cell][int(number)]
            tensors[name] = searched[f"{place}.interactions.{number}.{chosen}.{tensor}"]
        else:
            tensors[name] = searched[name]
    return tensors


def sure_of(architecture: Architecture) -> Supernet:
    """Return a supernet whose alphas leave no doubt, with every parameter random."""
    supernet = Supernet(NARROW)
    for parameter in supernet.weight_parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)  # gamma and biases start at 0
    for row, name in zip(supernet.alphas.data, architecture.interactions, strict=True):
        row.zero_()[PUBLISHED.choices.index(name)] = 1e4
    return supernet


@pytest.mark.parametrize("mode", ["training", "evaluation"])
@pytest.mark.parametrize("architecture", ["msmt17", "veri776", "random:1"])
@torch.no_grad()
def test_what_is_searched_is_what_is_trained(double, architecture, mode):
    architecture = Architecture.find(architecture)
    supernet = sure_of(architecture).train(mode == "training")
    network = MSINet(architecture, 5, NARROW).train(mode == "training")
    network.backbone.load_state_dict(chosen_weights(supernet, network))
    images = torch.randn(3, 3, 64, 48)
    expected = network.backbone(images).last
    found = supernet.backbone(images, supernet.alphas.softmax(-1).unflatten(0, (3, 2, 2))).last
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9 * expected.abs().max().item())
    torch.testing.assert_close(supernet(images), expected.mean((2, 3)), rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_weights_of_an_architecture_make_the_supernet_its_network(double):
    """Whatever the alphas are."""
    architecture, images = Architecture.random(1), torch.randn(3, 3, 64, 48)
    supernet = sure_of(Architecture.random(2)).eval()
    network = MSINet(architecture, 5, NARROW).eval()
    network.backbone.load_state_dict(chosen_weights(supernet, network))
    found = supernet(images, supernet.shares_of(architecture))
    torch.testing.assert_close(found, network.backbone(images).last.mean((2, 3)), rtol=1e-9, atol=1e-9)


def test_an_architecture_with_other_places_does_not_fit():
    with pytest.raises(SettingsError, match=r"3 stages of 2 cells .* does not fit a supernet of 3 stages of 1 cells"):
        Supernet(NARROW, replace(PUBLISHED, cells_per_stage=1)).shares_of(Architecture.random(0))


@torch.no_grad()
def test_a_cold_mixture_is_its_largest_alphas_operation():
    supernet = Supernet(NARROW)
    supernet.alphas.copy_(torch.randn(12, 4))
    torch.testing.assert_close(supernet.mixture(1e-4), supernet.shares_of(supernet.architecture()))
    assert supernet.mixture().equal(supernet.alphas.softmax(-1))


def test_cells_are_as_wide_in_the_search_as_in_the_result():
    supernet, network = Supernet(), MSINet(Architecture.uniform("none"), 5)
    shapes = {name: tensor.shape for name, tensor in supernet.backbone.state_dict().items()}
    assert {name: shapes[name] for name in network.backbone.state_dict()} == {
        name: tensor.shape for name, tensor in network.backbone.state_dict().items()
    }


def test_the_architecture_is_that_of_the_largest_alphas():
    architecture = Architecture.random(4)
    assert sure_of(architecture).architecture() == architecture


def test_alphas_are_one_row_a_place_and_in_the_checkpoint():
    supernet = Supernet(NARROW)
    assert supernet.alphas.shape == (12, 4)
    assert "alphas" in supernet.state_dict()


def test_alphas_start_small_and_undecided():
    alphas = Supernet(NARROW).alphas.detach()
    assert 5e-4 < alphas.std() < 2e-3
    assert (alphas.softmax(-1) - 0.25).abs().max() < 2e-3


def test_weights_are_all_parameters_but_the_alphas():
    supernet = Supernet(NARROW)
    weights = {id(parameter) for parameter in supernet.weight_parameters()}
    assert {name for name, p in supernet.named_parameters() if id(p) not in weights} == {"alphas"}
    assert id(supernet.alphas) not in weights


def test_every_place_and_every_choice_gets_a_gradient():
    supernet = Supernet(NARROW)
    for name, parameter in supernet.named_parameters():
        if name.endswith("gamma"):
            parameter.data.fill_(0.5)
    supernet(torch.randn(4, 3, 48, 32)).square().sum().backward()
    assert supernet.alphas.grad is not None
    assert supernet.alphas.grad.ne(0).all()


def test_other_numbers_of_cells_and_interactions():
    supernet = Supernet(NARROW, replace(PUBLISHED, cells_per_stage=1, interactions_per_cell=3))
    assert supernet.alphas.shape == (9, 4)
    assert supernet(torch.rand(2, 3, 32, 32)).shape == (2, supernet.feature_dim) == (2, 128)
    architecture = supernet.architecture()
    assert [len(stage) for stage in architecture.stages] == [1, 1, 1]
    assert MSINet(architecture, 5, NARROW)(torch.rand(2, 3, 32, 32)).embedding.shape == (2, 192)


@torch.no_grad()
def test_odd_sizes():
    assert Supernet(NARROW)(torch.rand(2, 3, 37, 61)).isfinite().all()
