import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from msinet.gallery.calibration.false_positives import (
    FoundRate,
    Scores,
    bootstrap_interval,
    choices_of,
    curve_of,
    exact_interval,
    least_threshold,
)

queries = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=40)


def scores_of(pairs):
    similarities = np.array([value for value, _ in pairs], np.float32) / 20
    return Scores(similarities, np.unique([identity for _, identity in pairs], return_inverse=True)[1])


def slow_rate(scores, threshold):
    """Mean over identities of the share of each that reaches the threshold."""
    return np.mean([(scores.similarities[scores.identities == i] >= threshold).mean() for i in range(scores.count)])


@given(queries, st.integers(0, 44))
def test_the_rate_is_the_mean_over_identities(pairs, half_steps):
    """At a similarity that was seen, at one between two, and above all."""
    scores, threshold = scores_of(pairs), float(np.float32(half_steps / 40))
    assert scores.rates(np.array([threshold]))[0] == pytest.approx(slow_rate(scores, threshold), abs=1e-9)
    assert scores.by_identity(threshold).mean() == pytest.approx(slow_rate(scores, threshold))


@given(queries, st.floats(0.01, 0.99))
def test_the_threshold_is_the_least_similarity_that_keeps_the_rate(pairs, rate):
    scores = scores_of(pairs)
    threshold = least_threshold(scores.similarities, scores.weights, rate)
    assert slow_rate(scores, threshold) <= rate + 1e-6
    lower = scores.similarities[scores.similarities < threshold]
    assert not len(lower) or slow_rate(scores, lower.max()) > rate - 1e-6


def test_new_unknown_queries_pass_as_often_as_allowed():
    """Of 19 queries, the highest is passed by one new query in twenty: exactly, whatever their distribution."""
    random = np.random.default_rng(0)
    passed = 0
    for _ in range(4000):
        seen, new = random.standard_exponential(19).astype(np.float32), random.standard_exponential()
        passed += new >= least_threshold(seen, np.full(19, 1 / 19), 0.06)
    assert 0.04 < passed / 4000 < 0.06


def test_more_images_of_an_identity_do_not_weigh_more():
    one = Scores(np.array([0.9, 0.5, 0.3]), np.array([0, 1, 2]))
    many = Scores(np.array([0.9] * 50 + [0.5, 0.3]), np.array([0] * 50 + [1, 2]))
    assert one.rates(np.array([0.6])) == pytest.approx(many.rates(np.array([0.6])))


def test_the_exact_interval_of_none_in_a_hundred_ends_where_none_is_a_surprise():
    interval = exact_interval(np.zeros(100))
    assert interval.found == interval.low == 0
    assert (1 - interval.high) ** 100 == pytest.approx(0.025)


@given(st.integers(0, 30))
def test_the_exact_interval_leaves_two_and_a_half_percent_on_each_side(count):
    interval = exact_interval(np.arange(30) < count)
    assert count == 30 or binom.cdf(count, 30, interval.high) == pytest.approx(0.025)
    assert count == 0 or binom.sf(count - 1, 30, interval.low) == pytest.approx(0.025)


def test_the_bootstrap_interval_is_that_of_the_standard_error():
    shares = np.random.default_rng(0).random(400)
    error = 1.96 * shares.std() / 20
    interval = bootstrap_interval(shares, 0)
    assert interval.low == pytest.approx(shares.mean() - error, abs=0.15 * error)
    assert interval.high == pytest.approx(shares.mean() + error, abs=0.15 * error)
    assert interval == bootstrap_interval(shares, 0) != bootstrap_interval(shares, 1)


def test_the_bootstrap_cannot_see_what_never_happened():
    assert bootstrap_interval(np.zeros(50), 0) == exact_interval(np.zeros(50))
    assert bootstrap_interval(np.ones(50), 0) == FoundRate(1.0, pytest.approx(0.929, abs=1e-3), 1.0)  # pyright: ignore


def test_curve_and_choices_fall_with_the_threshold_and_agree():
    random = np.random.default_rng(0)
    unknown = Scores(random.random(300).astype(np.float32), np.arange(300))
    known = Scores(np.where(random.random(200) < 0.3, -np.inf, random.random(200) + 0.4), np.arange(200))
    curve = curve_of(unknown, known)
    assert len(curve.thresholds) == 100
    assert curve.false_positives[0] == 1
    assert (np.diff(curve.false_positives) <= 0).all()
    assert (np.diff(curve.detections) <= 0).all()
    assert curve.detections[0] == pytest.approx(np.isfinite(known.similarities).mean())
    choices = choices_of(unknown, known)
    assert [choice.rate for choice in choices] == [0.1, 0.05, 0.02, 0.01, 0.005]  # 300 cannot show 0.001
    for choice in choices:
        assert choice.false_positives == pytest.approx(slow_rate(unknown, choice.threshold))
        assert choice.false_positives <= choice.rate + 1e-9
        assert choice.detections == pytest.approx(slow_rate(known, choice.threshold))
