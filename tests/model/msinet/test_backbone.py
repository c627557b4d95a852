import pytest
import torch

from msinet.model.msinet.backbone import Backbone
from msinet.model.msinet.interactions.exchange import Exchange
from msinet.model.msinet.widths import CHANNELS, channels_at


def exchanging(channels, cells_per_stage=2, interactions_per_cell=2) -> Backbone:
    """Return a backbone whose cells exchange everywhere."""
    return Backbone(channels, cells_per_stage, lambda *_: [Exchange(8) for _ in range(interactions_per_cell)]).eval()


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


@pytest.mark.parametrize(("cells", "interactions"), [(1, 1), (1, 3), (3, 2)])
@torch.no_grad()
def test_other_numbers_of_cells_and_interactions(cells, interactions):
    backbone = exchanging(channels_at(0.25), cells, interactions)
    assert [len(stage.cells) for stage in backbone.stages] == [cells] * 3
    assert backbone(torch.rand(1, 3, 32, 32)).last.shape == (1, 128, 2, 2)


def test_interactions_are_asked_for_by_stage_cell_and_branch_width():
    asked = []

    def interactions(*place):
        asked.append(place)
        return [Exchange(8)]

    Backbone(channels_at(0.25), 2, interactions)
    assert asked == [(0, 0, 16), (0, 1, 16), (1, 0, 24), (1, 1, 24), (2, 0, 32), (2, 1, 32)]
