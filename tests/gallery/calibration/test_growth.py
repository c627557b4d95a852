import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.gallery.calibration.false_positives import Scores, least_threshold
from msinet.gallery.calibration.growth import LARGER, SMALLER, after_growth, growth_of
from msinet.gallery.calibration.nearest_identities import Nearest

QUERIES, IDENTITIES = 300, 64


@pytest.fixture(scope="module")
def world():
    """Similarities of unknown queries, some of which look like many identities."""
    random = np.random.default_rng(0)
    similarities = np.tanh(0.3 * random.standard_normal((QUERIES, IDENTITIES)) + 0.3 * random.standard_normal((QUERIES, 1)))
    return similarities.astype(np.float32)


def nearest_of(similarities):
    return Nearest(-np.sort(-similarities, axis=1), similarities.shape[1])


def scores_of(nearest):
    return Scores(nearest.best, np.arange(len(nearest.best)))


def test_smaller_galleries_are_the_mean_of_random_subsets(world):
    nearest = nearest_of(world)
    unknown = scores_of(nearest)
    threshold = least_threshold(unknown.similarities, unknown.weights, 0.1)
    points = growth_of(nearest, unknown, threshold, 0.1)
    random = np.random.default_rng(1)
    for share, point in zip(SMALLER, points, strict=False):
        kept = random.random((2000, IDENTITIES)) < share
        found = [(world[:, one] >= threshold).any(1).mean() for one in kept]
        assert point.false_positives == pytest.approx(np.mean(found), abs=4 * np.std(found) / 2000**0.5)


def test_the_whole_gallery_is_what_was_measured(world):
    nearest = nearest_of(world)
    unknown = scores_of(nearest)
    threshold = least_threshold(unknown.similarities, unknown.weights, 0.05)
    points = growth_of(nearest, unknown, threshold, 0.05)
    whole = next(point for point in points if point.times == 1)
    assert whole.false_positives == pytest.approx(0.05)
    assert whole.threshold == threshold
    assert [point.times for point in points] == [*SMALLER, 1.0, *LARGER]
    assert (np.diff([point.threshold for point in points]) > 0).all()
    assert (np.diff([point.false_positives for point in points]) > 0).all()
    assert points[-1].threshold < 1


def test_the_estimate_of_the_whole_from_an_eighth_is_nearer_than_independence(world):
    random, errors = np.random.default_rng(2), []
    whole = scores_of(nearest_of(world))
    for _ in range(20):
        eighth = scores_of(nearest := nearest_of(world[:, random.permutation(IDENTITIES)[: IDENTITIES // 8]]))
        threshold = least_threshold(eighth.similarities, eighth.weights, 0.05)
        points = growth_of(nearest, eighth, threshold, 0.05)
        ten_times = next(point for point in points if point.times == 10)
        true = whole.rates(np.array([threshold]))[0]
        errors.append((abs(ten_times.false_positives - true), abs(ten_times.pessimistic - true)))
    estimate, independence = np.mean(errors, axis=0)
    assert estimate < 0.7 * independence


rates, shapes = st.floats(1e-4, 0.9), st.floats(0.05, 1e4)


@given(rates, st.floats(1, 100), shapes)
def test_growth_by_a_mean_and_a_shape(reached, times, shape):
    mean = shape * ((1 - reached) ** (-1 / shape) - 1)
    assert after_growth(reached, times, shape) == pytest.approx(1 - (1 + times * mean / shape) ** -shape, rel=1e-5)


@given(rates, st.floats(1, 100), shapes)
def test_objects_that_differ_are_taken_for_known_ones_less_often_than_equal_ones(reached, times, shape):
    assert reached * (1 - 1e-9) <= after_growth(reached, times, shape) <= after_growth(reached, times) + 1e-9


def test_equal_objects_pass_each_new_gallery_alike():
    assert after_growth(0.01, 10) == pytest.approx(1 - 0.99**10)
    assert after_growth(0.0, 10) == 0
