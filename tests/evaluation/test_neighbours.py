import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from msinet.evaluation.neighbours import nearest, nearest_among
from msinet.evaluation.similarities import Given


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_the_nearest_are_those_of_a_stable_sort(seed, k):
    matrix = np.random.default_rng(seed).integers(0, 5, (4, 7)).astype(np.float32)
    found = nearest(Given(matrix), k)
    np.testing.assert_array_equal(found.nearest, np.argsort(-matrix, axis=1, kind="stable")[:, :k])
    np.testing.assert_array_equal(found.lowest, matrix.min(axis=1))


def test_the_nearest_among_all_are_those_of_the_whole_product(make_images):
    vectors = make_images(9, 5).vectors
    products = vectors @ vectors.T
    found = nearest_among(vectors, 6, tile=7)
    np.testing.assert_array_equal(np.sort(found.nearest), np.sort(np.argsort(-products, axis=1)[:, :6]))
    np.testing.assert_allclose(found.lowest, products.min(axis=1), rtol=1e-5)
