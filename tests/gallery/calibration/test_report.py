import re

import numpy as np
import pytest

from msinet.gallery.calibration.calibration import calibrate
from msinet.gallery.calibration.labelled_vectors import LabelledVectors
from msinet.gallery.calibration.line_charts import Line, line_chart, round_numbers
from msinet.gallery.calibration.report import calibration_page, percent


@pytest.fixture(scope="module")
def calibration():
    vectors = np.random.default_rng(0).standard_normal((240, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labelled = LabelledVectors(vectors[:80], [f"{place // 2}" for place in range(80)], ["left", "right"] * 40)
    return calibrate(LabelledVectors(vectors[80:], [None] * 160), labelled, rate=0.05)


def test_the_page_shows_threshold_rates_and_sizes(calibration):
    page = calibration_page(calibration, "Yard")
    for words in (
        f"{calibration.threshold:.4f}",
        percent(calibration.false_positives.high),
        percent(calibration.detections.found),
        "80 images of 40 identities",
        "16,000",
    ):
        assert words in page
    assert page.count("<svg") == 3


def test_the_page_needs_nothing_else(calibration):
    page = calibration_page(calibration, "Yard")
    assert not re.search(r"<script|<link|src=|href=|url\(|nan|None", page)


def test_the_title_is_text(calibration):
    assert "<h1>A &lt;b&gt;</h1>" in calibration_page(calibration, "A <b>")


@pytest.mark.parametrize(
    ("rate", "words"), [(0.5, "50 %"), (0.0123, "1.2 %"), (0.01, "1 %"), (0.00123, "0.12 %"), (0, "0 %"), (1, "100 %")]
)
def test_percent_has_two_digits(rate, words):
    assert percent(rate) == words


def test_a_chart_spans_its_lines():
    chart = line_chart([Line("a", "red", [0.2, 0.6], [0.0, 1.0])], "a", "x")
    assert chart.lines[0].points == ((chart.left, chart.bottom), (chart.right, chart.top))
    assert [tick.words for tick in chart.across] == ["0.2", "0.3", "0.4", "0.5", "0.6"]


def test_round_numbers_lie_within():
    assert round_numbers(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert round_numbers(-0.13, 0.21) == [-0.1, 0, 0.1, 0.2]
