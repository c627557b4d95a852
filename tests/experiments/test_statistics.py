import math
from itertools import permutations

import numpy as np
import pytest

from msinet.experiments import statistics
from msinet.experiments.statistics import (
    Spread,
    chance_of_better,
    chance_of_correlation,
    chance_of_difference,
    deviation_of_one_column,
    interval_of_correlation,
    ranks,
    spearman,
)


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ([9.0], [[1.0, 2.0, 3.0]], 1 / 4),
        ([0.0], [[1.0, 2.0, 3.0]], 1),
        ([8.0, 9.0], [[1.0, 2.0, 3.0], [1.0, 2.0]], 1 / 12),
        ([2.0, 3.0], [[1.0, 4.0], [0.0]], 2 / 6),  # 2+3 and 4+3 come to 5 at least
        ([5.0], [[5.0, 5.0]], 1),
        ([12.0, 1.0], [[11.0, 10.0], [0.5, 0.0]], 1 / 9),  # the easier group does not count for the other
    ],
)
def test_the_chance_that_as_many_drawn_do_as_well(own, others, expected):
    assert chance_of_better(own, others) == pytest.approx(expected)


def test_drawing_comes_near_to_counting_all(monkeypatch):
    own, others = [3.0, 5.0, 6.0], [[1.0, 2.0, 4.0, 5.5], [3.5, 2.5, 0.5, 6.5], [8.0, 1.0, 7.0]]
    exact = chance_of_better(own, others)
    monkeypatch.setattr(statistics, "DRAWS", 99)
    assert chance_of_better(own, others) == pytest.approx(exact, abs=0.1)


def test_the_chance_that_rows_differ_as_much():
    """Of the (3!)^2 ways to shuffle two columns, 6 keep the rows' order and differ most."""
    assert chance_of_difference(np.array([[1.0, 11], [2, 12], [3, 13]])) == pytest.approx(1 / 6, abs=0.02)
    assert chance_of_difference(np.array([[1.0, 13], [2, 12], [3, 11]])) == 1


def test_a_spread_is_mean_and_range():
    assert Spread.of([0.5, 0.7, 0.3]) == Spread(pytest.approx(0.5), 0.3, 0.7, 3)


def test_the_deviation_of_one_value_leaves_rows_and_columns_out():
    """Of values that are a row's plus a column's it is 0; of noise on top it is the noise's."""
    additive = np.arange(40.0)[:, None] + np.array([0.0, 5, 1, 9])
    noise = np.random.default_rng(0).normal(scale=3, size=additive.shape)
    assert deviation_of_one_column(additive) == pytest.approx(0, abs=1e-9)
    assert deviation_of_one_column(additive + noise) == pytest.approx(3, rel=0.1)


def test_equal_values_share_their_ranks():
    assert ranks([10, 30, 20, 20]).tolist() == [0, 3, 1.5, 1.5]


def test_spearman_is_the_one_of_the_squared_differences():
    """Without ties, 1 - 6 sum d^2 / (n (n^2 - 1))."""
    one, other = np.random.default_rng(0).normal(size=(2, 9))
    squares = ((np.argsort(np.argsort(one)) - np.argsort(np.argsort(other))) ** 2).sum()
    assert spearman(one, other) == pytest.approx(1 - 6 * squares / (9 * 80))
    assert (spearman(one, one**3), spearman(one, -one)) == (pytest.approx(1), pytest.approx(-1))


def test_spearman_of_equal_values_is_not_a_number():
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))


def test_the_chance_of_a_correlation():
    """Against all 720 orders."""
    one, other = [1.0, 2, 3, 4, 5, 6], [2.0, 1, 4, 3, 6, 5]
    found = abs(spearman(one, other))
    expected = np.mean([abs(spearman(one, order)) >= found - 1e-9 for order in permutations(other)])
    assert chance_of_correlation(one, other) == pytest.approx(expected, abs=0.01)


def test_the_interval_of_a_correlation_is_that_of_its_transform_for_many_values():
    """Fisher's: atanh(r) has a standard error of about 1 / sqrt(n - 3)."""
    random = np.random.default_rng(0)
    one = random.standard_normal(400)
    other = one + random.standard_normal(400)
    middle = np.arctanh(spearman(one, other))
    expected = np.tanh([middle - 1.96 / np.sqrt(397), middle + 1.96 / np.sqrt(397)])
    assert interval_of_correlation(one, other) == pytest.approx(tuple(expected), abs=0.02)


def test_the_interval_holds_the_correlation_and_that_of_equal_values_is_none():
    low, high = interval_of_correlation([1, 2, 3, 4, 6, 5], [2, 1, 3, 5, 4, 6])
    assert low < spearman([1, 2, 3, 4, 6, 5], [2, 1, 3, 5, 4, 6]) < high
    assert np.isnan(interval_of_correlation([1, 1, 1], [1, 2, 3])).all()
