"""Activation and matching of two maps, against loops over their positions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from msinet.serve.comparing import activation, matches


def a_map(seed, height, width, channels=5):
    return np.random.default_rng(seed).standard_normal((channels, height, width)).astype(np.float32)


@given(st.integers(0, 1_000), st.integers(1, 5), st.integers(1, 4))
def test_each_position_goes_to_the_one_with_the_largest_product(seed, height, width):
    one, other = a_map(seed, height, width), a_map(seed + 1, width, height)
    found = matches(one, other)
    assert sorted(match["from"] for match in found) == [[row, column] for row in range(height) for column in range(width)]
    products = {}
    for match in found:
        (row, column), (to_row, to_column) = match["from"], match["to"]
        largest = max(float(one[:, row, column] @ other[:, y, x]) for y in range(width) for x in range(height))
        assert np.isclose(one[:, row, column] @ other[:, to_row, to_column], largest, rtol=1e-4, atol=1e-5)
        products[row, column] = largest
    weights = [match["weight"] for match in found]
    assert weights == sorted(weights, reverse=True)
    top = max(products.values())
    for match in found:
        expected = max(products[tuple(match["from"])], 0) / top if top > 0 else 0
        assert abs(match["weight"] - expected) < 1e-3


def test_activation_is_the_energy_of_the_channels_from_0_to_1():
    drawn = a_map(3, 4, 6)
    energy = np.array([[(drawn[:, row, column] ** 2).mean() for column in range(6)] for row in range(4)])
    expected = (energy - energy.min()) / (energy.max() - energy.min())
    assert np.allclose(activation(drawn), expected)
    assert not activation(np.ones((2, 3, 3))).any()
