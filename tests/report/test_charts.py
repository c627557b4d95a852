import numpy as np
import pytest

from msinet.evaluation.evidence import Histogram
from msinet.report import charts


def test_the_same_result_gives_the_same_charts():
    drawn = [charts.similarities(Histogram((0, 0.5, 1), (1, 5), (7, 2))) for _ in range(2)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("same", "different"), [((0, 0, 0, 3), (0,) * 4), ((0,) * 4, (0,) * 4), ((1, 0, 0, 3), (0, 2, 0, 0))]
)
def test_histograms_of_little(same, different):
    assert charts.similarities(Histogram((-1, -0.5, 0, 0.5, 1), same, different)).startswith("<svg")


@pytest.mark.parametrize(("count", "across"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 3), (8, 4), (10, 5), (12, 4), (7, 4)])
def test_charts_beside_each_other_leave_few_blanks(count, across):
    assert charts.charts_across(count) == across


@pytest.mark.parametrize("count", [1, 7, 10])
def test_any_number_of_places_has_its_charts(count):
    places = [f"place {i}" for i in range(count)]
    drawn = charts.shares_over_time(np.full((2, count, 2), 0.5), ["none", "exchange"], ["none"] * count, places)
    assert all(f">{place}</text>" in drawn for place in places)
