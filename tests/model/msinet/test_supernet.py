from dataclasses import replace

import pytest
import torch

from msinet.errors import SettingsError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import PUBLISHED, SCALES, Place, SearchSpace
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


def sure_of(architecture: Architecture, space: SearchSpace = PUBLISHED) -> Supernet:
    """Return a supernet whose alphas leave no doubt, with every parameter random."""
    supernet = Supernet(NARROW, space)
    for parameter in supernet.weight_parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)  # gamma and biases start at 0
    supernet.alphas.data.copy_(1e4 * supernet.shares_of(architecture))
    return supernet


def trained(supernet: Supernet) -> Supernet:
    """Return the supernet with running statistics of its mixture, for evaluation."""
    supernet.train()(torch.randn(8, 3, 64, 48))
    return supernet.eval()


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


SINGLE = {
    "drawn": Architecture.find("scales:0"),
    "drawn again": Architecture.find("scales:1"),
    "one cell a stage": Architecture.from_interactions(["exchange", "channel_gate"] * 3, 1, depths=[(2, 0), (3, 5)] * 3),
    "cells of 1, 2 and 1": Architecture.from_cells(
        tuple(((Place("cross_attention", 1, 3), Place("exchange", 2, 1)),) * count for count in (1, 2, 1))
    ),
    "none in branch b": Architecture.uniform("exchange", depths=(1, 0)),
    "published": Architecture.named("veri776"),
}


@pytest.mark.parametrize("architecture", SINGLE.values(), ids=SINGLE)
@torch.no_grad()
def test_a_network_of_scales_is_the_same_by_shares_by_cells_and_alone(double, architecture):
    """Three ways to the same features: one-hot shares, the cells alone, and the trained network with the same weights."""
    supernet, images = trained(sure_of(Architecture.random(9, SCALES), SCALES)), torch.randn(3, 3, 64, 48)
    network = MSINet(architecture, 5, NARROW).eval()
    network.backbone.load_state_dict(chosen_weights(supernet, network))
    expected = network.backbone(images).last.mean((2, 3))
    close = {"rtol": 1e-9, "atol": 1e-9 * expected.abs().max().item()}
    torch.testing.assert_close(supernet(images, architecture.cells), expected, **close)
    torch.testing.assert_close(supernet(images, supernet.shares_of(architecture)), expected, **close)


@torch.no_grad()
def test_cells_of_the_published_space_are_their_network_too(double):
    supernet, images = trained(sure_of(Architecture.random(2))), torch.randn(3, 3, 64, 48)
    architecture = Architecture.random(1)
    expected = supernet(images, supernet.shares_of(architecture))
    torch.testing.assert_close(supernet(images, architecture.cells), expected)


def test_cells_alone_train_no_other_weights():
    supernet = Supernet(NARROW, SCALES)
    architecture = Architecture.from_interactions(["channel_gate"] * 6, 1, depths=[(2, 0)] * 6)
    supernet(torch.randn(4, 3, 48, 32), architecture.cells).square().sum().backward()
    network = MSINet(architecture, 5, NARROW)
    names = {id(tensor): name for name, tensor in supernet.backbone.named_parameters()}
    learnt = {names[id(p)] for p in supernet.weight_parameters() if p.grad is not None}
    assert learnt == {
        name.replace("ons.0.", "ons.0.channel_gate.").replace("ons.1.", "ons.1.channel_gate.")
        for name, _ in network.backbone.named_parameters()
    }
    assert supernet.alphas.grad is None


@pytest.mark.parametrize("architecture", ["scales:0", "all:none:1,1", "all:none:1,3x1"])
def test_cells_outside_the_space_are_refused(architecture):
    """Convolutions and cells that a supernet does not have would be dropped without a word."""
    supernet, cells = Supernet(NARROW), Architecture.find(architecture).cells
    for ask in (lambda: supernet(torch.rand(2, 3, 32, 32), cells), lambda: supernet.space.indicators(cells)):
        with pytest.raises(SettingsError, match=r"does not fit a search space|not in the search space"):
            ask()


def test_an_architecture_with_other_places_does_not_fit():
    words = r"2 \+ 2 \+ 2 cells with 2 interactions each does not fit a search space of 3 stages of 1 cells"
    with pytest.raises(SettingsError, match=words):
        Supernet(NARROW, replace(PUBLISHED, cells_per_stage=1)).shares_of(Architecture.random(0))


def test_there_is_a_stage_for_each_number_of_channels_but_the_first():
    with pytest.raises(SettingsError, match="3 stages does not fit the channels 16, 64"):
        Supernet((16, 64))


@pytest.mark.parametrize("space", [PUBLISHED, SCALES], ids=lambda space: space.name)
@torch.no_grad()
def test_a_cold_mixture_is_its_largest_alphas_options(space):
    supernet = Supernet(NARROW, space)
    cells = Architecture.uniform("exchange", depths=(1, 3))  # all cells, so that no place is left out
    supernet.alphas.copy_(torch.rand(supernet.alphas.shape) + 2 * supernet.shares_of(cells))
    assert supernet.architecture() == cells
    torch.testing.assert_close(supernet.mixture(1e-3), supernet.shares_of(cells))


@torch.no_grad()
def test_shares_add_up_to_1_in_each_decision():
    supernet = Supernet(NARROW, SCALES)
    supernet.alphas.copy_(torch.randn(12, 13))
    mixture = supernet.mixture(0.5)
    for decision in SCALES.decisions:
        torch.testing.assert_close(mixture[:, decision.columns].sum(1), torch.ones(12))
        torch.testing.assert_close(mixture[:, decision.columns], (supernet.alphas[:, decision.columns] * 2).softmax(1))


@torch.no_grad()
def test_the_published_mixture_is_one_softmax_a_place():
    supernet = Supernet(NARROW)
    supernet.alphas.copy_(torch.randn(12, 4))
    assert supernet.mixture().equal(supernet.alphas.softmax(-1))
    assert supernet.mixture(0.1).equal((supernet.alphas / 0.1).softmax(-1))


def test_cells_are_as_wide_in_the_search_as_in_the_result():
    supernet, network = Supernet(), MSINet(Architecture.uniform("none"), 5)
    shapes = {name: tensor.shape for name, tensor in supernet.backbone.state_dict().items()}
    assert {name: shapes[name] for name in network.backbone.state_dict()} == {
        name: tensor.shape for name, tensor in network.backbone.state_dict().items()
    }


def test_the_architecture_is_that_of_the_largest_alphas():
    architecture = Architecture.random(4)
    assert sure_of(architecture).architecture() == architecture


@pytest.mark.parametrize(("space", "columns"), [(PUBLISHED, 4), (SCALES, 13)], ids=["published", "scales"])
def test_alphas_are_one_row_a_place_and_in_the_checkpoint(space, columns):
    supernet = Supernet(NARROW, space)
    assert supernet.alphas.shape == (12, columns)
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


@pytest.mark.parametrize("space", [PUBLISHED, SCALES], ids=lambda space: space.name)
def test_every_place_and_every_choice_gets_a_gradient(space):
    """Numbers of cells are decided in the row of a stage's first place; in the others these columns idle."""
    supernet = Supernet(NARROW, space)
    for name, parameter in supernet.named_parameters():
        if name.endswith("gamma"):
            parameter.data.fill_(0.5)
    supernet(torch.randn(4, 3, 48, 32)).square().sum().backward()
    assert supernet.alphas.grad is not None
    for decision in space.decisions:
        learnt = supernet.alphas.grad[:, decision.columns].ne(0).all(1)
        firsts = torch.arange(space.places) % space.places_per_stage == 0
        assert learnt.equal(firsts if decision.is_of_stage else torch.ones(12, dtype=torch.bool))


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
