import numpy as np
import pytest
from scipy.stats import norm

from msinet.gallery.calibration.false_positives import Scores
from msinet.gallery.calibration.probability import Knots, fit_probability


def drawn(count, seed):
    """Right matches of known queries and wrong ones of unknown queries, both normally distributed."""
    random = np.random.default_rng(seed)
    known, unknown = 0.7 + 0.1 * random.standard_normal(count), 0.5 + 0.1 * random.standard_normal(count)
    return Scores(known, np.arange(count)), np.ones(count, bool), Scores(unknown, np.arange(count))


def test_the_probability_of_two_normal_distributions_is_that_of_bayes():
    knots = fit_probability(*drawn(5000, 0))
    places = np.linspace(0.4, 0.8, 30)
    right, wrong = norm.pdf(places, 0.7, 0.1), norm.pdf(places, 0.5, 0.1)
    assert knots.at(places) == pytest.approx(right / (right + wrong), abs=0.02)


def test_known_and_unknown_queries_weigh_the_same():
    """Five times the unknown identities, of the same similarities, change nothing but the smoothing."""
    known, right, unknown = drawn(400, 0)
    five = Scores(np.repeat(unknown.similarities, 5), np.arange(2000))
    places = np.linspace(0, 1, 20)
    assert fit_probability(known, right, five).at(places) == pytest.approx(
        fit_probability(known, right, unknown).at(places), abs=0.01
    )


@pytest.mark.parametrize("right", [True, False])
def test_nothing_is_certain(right):
    known = Scores(np.full(20, 0.99), np.arange(20))
    probabilities = np.array(
        fit_probability(known, np.full(20, right), Scores(np.full(20, 0.1), np.arange(20))).probabilities
    )
    assert probabilities.min() > 0.001
    assert probabilities.max() < 0.999
    assert (np.diff(probabilities) >= 0).all()
    assert (probabilities[-1] > 0.8) == right


def test_between_knots_it_is_a_straight_line_and_beyond_them_constant():
    knots = Knots((0.2, 0.4), (0.1, 0.5))
    assert knots.at(np.array([-1, 0.2, 0.3, 0.4, 1])) == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.5])
