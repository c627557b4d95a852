import pytest
import torch
from torch import nn

from msinet.model.msinet.cell import MultiScaleCell, Scale
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.interactions.exchange import Exchange
from msinet.model.msinet.interactions.mixture import InteractionMixture
from msinet.model.msinet.interactions.none import Keep
from msinet.model.msinet.search_space import Place

DEPTHS = ((0, 1, 2), (0, 1, 2, 3))


def receptive_field(cell: MultiScaleCell) -> int:
    """Return the width of the window that one position of the cell's output hangs on."""
    for parameter in cell.parameters():
        parameter.data.abs_()  # so that no ReLU is closed
    x = torch.ones(1, 8, 31, 31, requires_grad=True)
    cell(x)[0, :, 15, 15].sum().backward()
    assert x.grad is not None
    return int((x.grad.abs().sum((0, 1)) > 0).any(0).sum())


def settled(module):
    """Return a module in evaluation with random parameters and running statistics, as after training."""
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(0.5 + torch.rand_like(tensor))
        elif tensor.is_floating_point():
            tensor.add_(0.1 * torch.randn_like(tensor))  # gamma and biases start at 0
    return module.eval()


@pytest.mark.parametrize(("before", "after"), [(16, 64), (64, 64)])
@torch.no_grad()
def test_a_cell_keeps_the_resolution(before, after):
    cell = MultiScaleCell(before, after, [Keep(8), Keep(8)])
    assert cell(torch.rand(2, before, 7, 5)).shape == (2, after, 7, 5)


def test_branches_are_a_quarter_of_what_the_cell_gives():
    cell = MultiScaleCell(16, 64, [Keep(8), Keep(8)])
    assert cell.reduce_a[0].weight.shape == cell.reduce_b[0].weight.shape == (16, 16, 1, 1)
    assert MultiScaleCell(32, 64, [Keep(8)]).reduce_a[0].out_channels == 16


def test_the_input_is_projected_only_where_the_channels_change():
    assert isinstance(MultiScaleCell(64, 64, [Keep(8)]).project, nn.Identity)
    assert MultiScaleCell(16, 64, [Keep(8)]).project[0].weight.shape == (64, 16, 1, 1)


def test_branch_b_sees_three_times_as_far():
    """One 3x3 before each of two interactions makes a window of 5; three make 13."""
    cell = MultiScaleCell(8, 8, [Keep(8), Keep(8)]).eval()
    nn.init.zeros_(cell.expand_b[0].weight)
    assert receptive_field(cell) == 5
    cell = MultiScaleCell(8, 8, [Keep(8), Keep(8)]).eval()
    nn.init.zeros_(cell.expand_a[0].weight)
    assert receptive_field(cell) == 13


@pytest.mark.parametrize(("depth", "window"), [(0, 1), (1, 3), (2, 5), (5, 11)])
def test_each_light_3x3_widens_the_window_by_2(depth, window):
    cell = MultiScaleCell(8, 8, [Keep(8)], [((depth,), (0,))]).eval()
    assert receptive_field(cell) == window


@pytest.mark.parametrize("options", [(0, 1, 2, 3), (1, 3), (2,)], ids=str)
@torch.no_grad()
def test_a_scale_is_the_weighted_sum_of_separate_branches_of_each_depth(double, options):
    """The shallow ones are the first convolutions of the deepest, so that one pass holds them all."""
    scale, x, shares = settled(Scale(8, options)), torch.randn(2, 8, 7, 5), torch.rand(len(options)).softmax(0)
    separate = []
    for depth in options:
        branch = Scale(8, (depth,)).eval()
        branch.load_state_dict({name: t for name, t in scale.state_dict().items() if int(name.split(".")[0]) < depth})
        separate.append(branch(x))
    expected = sum(share * found for share, found in zip(shares, separate, strict=True))
    torch.testing.assert_close(scale(x, shares), expected)
    for depth, found in zip(options, separate, strict=True):
        assert scale.up_to(depth, x).equal(found)
    assert scale(x).equal(separate[-1])


@torch.no_grad()
def test_a_scale_leaves_its_input_as_it_was():
    """A depth of 0 is the map itself, which later convolutions must not write to."""
    scale, x = settled(Scale(8, (0, 1, 2))), torch.randn(2, 8, 7, 5)
    before = x.clone()
    scale(x, torch.tensor([1.0, 0, 0]))
    assert scale.up_to(0, x) is x
    assert x.equal(before)


@torch.no_grad()
def test_a_cell_of_mixtures_weighs_interactions_and_the_depths_of_both_branches(double):
    """Written out with loops over all options, from the definition."""
    mixtures = [InteractionMixture(8), InteractionMixture(8)]
    cell = settled(MultiScaleCell(16, 32, mixtures, [DEPTHS, DEPTHS]))
    x, shares = torch.randn(2, 16, 6, 5), torch.rand(2, 4 + 3 + 4)
    a, b = cell.reduce_a(x), cell.reduce_b(x)
    for mixture, scale_a, scale_b, row in zip(mixtures, cell.scales_a, cell.scales_b, shares, strict=True):
        deep_a = sum(row[4 + depth] * Scale.up_to(scale_a, depth, a) for depth in DEPTHS[0])
        deep_b = sum(row[7 + depth] * Scale.up_to(scale_b, depth, b) for depth in DEPTHS[1])
        results = [mixture.operation(name)(deep_a, deep_b) for name in mixture.choices]
        a, b = (sum(share * result[side] for share, result in zip(row, results, strict=False)) for side in (0, 1))
    expected = (cell.expand_a(a) + cell.expand_b(b) + cell.project(x)).relu()
    torch.testing.assert_close(cell(x, shares), expected)


@pytest.mark.parametrize("place", [Place("exchange", 0, 0), Place("channel_gate", 2, 1), Place("cross_attention", 1, 3)])
@torch.no_grad()
def test_a_place_in_a_mixtures_stead_is_that_network_alone(double, place):
    searched = settled(MultiScaleCell(16, 32, [InteractionMixture(8)], [DEPTHS]))
    alone = MultiScaleCell(16, 32, [INTERACTIONS[place.interaction](8)], [((place.depth_a,), (place.depth_b,))]).eval()
    tensors = {
        name.replace(f"interactions.0.{place.interaction}.", "interactions.0."): t
        for name, t in searched.state_dict().items()
    }
    alone.load_state_dict({name: tensors[name] for name in alone.state_dict()})
    x = torch.randn(2, 16, 6, 5)
    assert searched(x, (place,)).equal(alone(x))


@torch.no_grad()
def test_branches_meet_in_the_interactions_alone():
    """What closes branch a hears of branch b's first convolutions only through an exchange."""
    x = torch.rand(1, 8, 9, 9)
    changed = {}
    for name, interactions in {"keep": [Keep(8), Keep(8)], "exchange": [Keep(8), Exchange(8)]}.items():
        cell = MultiScaleCell(8, 8, interactions).eval()
        nn.init.zeros_(cell.expand_b[0].weight)
        before = cell(x)
        cell.reduce_b[0].weight.mul_(-1)
        changed[name] = not torch.equal(before, cell(x))
    assert changed == {"keep": False, "exchange": True}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_interactions(count):
    cell = MultiScaleCell(16, 64, [InteractionMixture(16) for _ in range(count)])
    weights = torch.full((count, 4), 0.25, requires_grad=True)
    cell(torch.rand(2, 16, 6, 6), weights).square().sum().backward()
    assert weights.grad is not None
    assert weights.grad.abs().sum(1).gt(0).all()


@torch.no_grad()
def test_an_exchange_at_a_cells_end_is_none_with_the_closing_convolutions_changed_places():
    """So the search space has 4 different networks at a cell's middle, and 3 at its end."""
    cell = MultiScaleCell(16, 64, [Keep(8), Exchange(8)]).eval()
    x = torch.randn(2, 16, 6, 5)
    exchanged = cell(x)
    cell.interactions[1] = Keep(8)
    cell.expand_a, cell.expand_b = cell.expand_b, cell.expand_a
    torch.testing.assert_close(cell(x), exchanged)
    cell.interactions[0] = Exchange(8)
    assert not torch.allclose(cell(x), exchanged)
