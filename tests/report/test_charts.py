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
