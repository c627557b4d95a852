import pytest
import torch
from torch import nn

from msinet.model.msinet.cell import MultiScaleCell
from msinet.model.msinet.interactions.exchange import Exchange
from msinet.model.msinet.interactions.mixture import InteractionMixture
from msinet.model.msinet.interactions.none import Keep


def receptive_field(cell: MultiScaleCell) -> int:
    """Return the width of the window that one position of the cell's output hangs on."""
    for parameter in cell.parameters():
        parameter.data.abs_()  # so that no ReLU is closed
    x = torch.ones(1, 8, 31, 31, requires_grad=True)
    cell(x)[0, :, 15, 15].sum().backward()
    assert x.grad is not None
    return int((x.grad.abs().sum((0, 1)) > 0).any(0).sum())


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
