import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from msinet.errors import SettingsError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import CHANNELS, WIDTHS, channels_at, largest_width


def test_every_width_is_that_multiple_of_the_channels_and_divides_the_branches():
    for width in WIDTHS:
        assert channels_at(width) == tuple(width * channels for channels in CHANNELS)
        assert all(channels % 4 == 0 for channels in channels_at(width)[1:])
    assert WIDTHS[-1] == 1


@pytest.mark.parametrize("width", [0.0, 0.3, 1.5, float("nan")])
def test_other_widths_are_refused_with_the_nearest(width):
    with pytest.raises(SettingsError, match=r"multiple of 1/32 from 0\.125 to 1\.0, such as"):
        channels_at(width)


@given(st.lists(st.integers(0, 50), min_size=len(WIDTHS), max_size=len(WIDTHS)), st.integers(-10, 60))
def test_the_largest_width_is_that_of_all_within_the_limit(costs, limit):
    by_width = dict(zip(WIDTHS, sorted(costs), strict=True))
    within = [width for width, cost in by_width.items() if cost <= limit]
    assert largest_width(by_width.__getitem__, limit) == max(within, default=WIDTHS[0])


@pytest.mark.parametrize("name", INTERACTIONS)
@pytest.mark.parametrize("width", [0.125, 0.15625, 0.96875])
@torch.no_grad()
def test_all_interactions_compute_at_odd_widths(name, width):
    network = MSINet(Architecture.uniform(name), 3, channels_at(width)).eval()
    assert network(torch.randn(2, 3, 32, 32)).embedding.isfinite().all()
