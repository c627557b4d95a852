import pytest
import torch

from msinet.model.msinet.backbone import Backbone, Stage
from msinet.model.msinet.cell import MultiScaleCell
from msinet.model.msinet.interactions.exchange import Exchange
from msinet.model.msinet.interactions.mixture import InteractionMixture
from msinet.model.msinet.search_space import Place
from msinet.model.msinet.widths import CHANNELS, channels_at


def exchanging(channels, cells=(2, 2, 2), interactions_per_cell=2, **more) -> Backbone:
    """Return a backbone whose cells exchange everywhere."""
    return Backbone(channels, cells, lambda *_: [Exchange(8) for _ in range(interactions_per_cell)], **more).eval()


@torch.no_grad()
def test_maps_of_the_published_network():
    maps = exchanging(CHANNELS)(torch.rand(1, 3, 64, 32))
    assert maps.middle.shape == (1, 384, 4, 2)
    assert maps.last.shape == (1, 512, 4, 2)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (50, 70), (63, 63)])
@torch.no_grad()
def test_odd_sizes_give_finite_maps_of_one_resolution(size):
    maps = exchanging(channels_at(0.25))(torch.rand(2, 3, *size))
    assert maps.middle.shape[2:] == maps.last.shape[2:]
    assert all(x.isfinite().all() for x in maps)


@pytest.mark.parametrize(("cells", "interactions"), [((1, 1, 1), 1), ((1, 1, 1), 3), ((3, 3, 3), 2), ((2, 1, 3), 2)])
@torch.no_grad()
def test_other_numbers_of_cells_and_interactions(cells, interactions):
    backbone = exchanging(channels_at(0.25), cells, interactions)
    assert [len(stage.cells) for stage in backbone.stages] == [*cells]
    assert backbone(torch.rand(1, 3, 32, 32)).last.shape == (1, 128, 2, 2)


def test_interactions_are_asked_for_by_stage_cell_and_branch_width():
    asked = []

    def interactions(*place):
        asked.append(place)
        return [Exchange(8)]

    Backbone(channels_at(0.25), [2, 1, 2], interactions, lambda *_: [((1,), (3,))])
    assert asked == [(0, 0, 16), (0, 1, 16), (1, 0, 24), (2, 0, 32), (2, 1, 32)]


@pytest.mark.parametrize("cells", [(2, 2), (2, 2, 2, 2)], ids=["a stage less", "a stage more"])
def test_there_is_a_number_of_cells_for_each_stage(cells):
    with pytest.raises(ValueError, match="zip"):
        exchanging(channels_at(0.25), cells)


def test_depths_are_asked_for_by_stage_and_cell():
    """Branch a and branch b of each interaction have their own; by default one light 3x3 and three."""
    asked = []

    def depths(*place):
        asked.append(place)
        return [((place[0],), (1,)), ((0,), (2 + place[1],))]

    def lengths(backbone):
        cells = [cell for stage in backbone.stages for cell in stage.cells]
        return [[len(scale) for scale in (*cell.scales_a, *cell.scales_b)] for cell in cells]

    assert lengths(exchanging(channels_at(0.25), (2, 1, 1), depths=depths)) == [
        [0, 0, 1, 2],
        [0, 0, 1, 3],
        [1, 0, 1, 2],
        [2, 0, 1, 2],
    ]
    assert asked == [(0, 0), (0, 1), (1, 0), (2, 0)]
    assert lengths(exchanging(channels_at(0.25), (1, 1, 1))) == [[1, 1, 3, 3]] * 3


@torch.no_grad()
def test_shares_weigh_the_maps_after_each_number_of_cells(double):
    """One pass holds them all: each cell works on the map of the one before, whatever their shares."""
    cells = [MultiScaleCell(before, 16, [InteractionMixture(4, ("none",))]) for before in (8, 16, 16)]
    stage, x, maps = Stage(cells, fewer=True).eval(), torch.rand(2, 8, 6, 5), []
    shares = torch.cat([torch.ones(3, 1, 1), torch.rand(3, 1, 3)], -1)  # of "none", then of one, two and three cells
    for cell in cells:
        maps.append(cell(maps[-1] if maps else x, torch.ones(1, 1)))
    weights = shares[0, 0, 1:]
    torch.testing.assert_close(stage(x, shares), weights[0] * maps[0] + weights[1] * maps[1] + weights[2] * maps[2])
    for count, expected in enumerate(maps, 1):
        torch.testing.assert_close(stage(x, ((Place("none"),),) * count), expected)
    torch.testing.assert_close(Stage(cells).eval()(x, shares), maps[2])
