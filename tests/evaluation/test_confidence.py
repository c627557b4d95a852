import numpy as np
import pytest

from msinet.evaluation.confidence import intervals


def test_the_interval_of_independent_values_is_that_of_the_standard_error():
    values = np.random.default_rng(0).normal(size=400)
    low, high = intervals([str(i) for i in range(400)], {"score": values})["score"]
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)


def test_images_of_an_identity_stand_or_fall_together():
    """Ten copies of each value say no more than one of each."""
    values = np.random.default_rng(0).normal(size=50)
    once = intervals([str(i) for i in range(50)], {"score": values})["score"]
    ten_times = intervals([str(i // 10) for i in range(500)], {"score": np.repeat(values, 10)})["score"]
    assert ten_times == pytest.approx(once)


def test_one_identity_leaves_nothing_to_vary():
    low, high = intervals(["1", "1"], {"score": np.array([0.0, 1.0])})["score"]
    assert low == high == 0.5


def test_the_same_input_gives_the_same_interval():
    values = {"score": np.arange(9.0)}
    assert intervals(list("abcabcabc"), values) == intervals(list("abcabcabc"), values)
