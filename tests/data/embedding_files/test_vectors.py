"""Vectors of others: their kinds and lengths."""

from pathlib import Path

import numpy as np
import pytest

from msinet.data.embedding_files.vectors import scale_to_unit_length, unit_vectors
from msinet.errors import DatasetError

PATH = Path("e.npz")
RANDOM = np.random.default_rng(0).normal(size=(8, 16))
UNIT = RANDOM / np.linalg.norm(RANDOM, axis=1, keepdims=True)


@pytest.mark.parametrize("length", [1e25, 1e-25, 1e300, 1e-300, 5e-324 * 2**60])
def test_vectors_of_any_length_keep_their_direction(length):
    np.testing.assert_allclose(scale_to_unit_length(UNIT * length), UNIT, atol=1e-7)


@pytest.mark.parametrize("length", [1e30, 1e-30])
def test_so_do_those_of_float32(length):
    np.testing.assert_allclose(scale_to_unit_length((UNIT * length).astype(np.float32)), UNIT, atol=1e-6)


def test_lengths_may_differ_within_a_file():
    lengths = np.array([[1e-200], [1e200], [1], [3], [1e25], [1e-25], [7], [1e-5]])
    np.testing.assert_allclose(scale_to_unit_length(UNIT * lengths), UNIT, atol=1e-7)


def test_float16_whose_squares_overflow():
    vectors = np.array([[60000, 60000], [6e-8, 0]], np.float16)
    np.testing.assert_allclose(scale_to_unit_length(vectors), [[0.5**0.5, 0.5**0.5], [1, 0]], rtol=1e-6)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.uint64, ">f4", np.longdouble])
def test_numbers_of_any_kind(kind):
    np.testing.assert_allclose(scale_to_unit_length(np.array([[3, 4]], kind)), [[0.6, 0.8]], rtol=1e-6)


def test_the_smallest_integer_has_a_length():
    np.testing.assert_array_equal(scale_to_unit_length(np.array([[-128, 0]], np.int8)), [[-1, 0]])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_vectors_of_usual_length_are_divided_by_it_and_nothing_else(kind, order):
    vectors = np.array(RANDOM * 3, kind, order=order)
    narrow = np.ascontiguousarray(vectors, np.float32)
    expected = narrow / np.sqrt(np.einsum("nd,nd->n", narrow, narrow))[:, None]
    assert scale_to_unit_length(vectors).tobytes() == expected.tobytes()


@pytest.mark.parametrize("wrong", [0.0, np.nan, np.inf])
def test_a_vector_that_is_zero_or_not_finite_is_named(wrong):
    vectors = RANDOM.copy()
    vectors[2] *= wrong
    with pytest.raises(DatasetError, match=r"zero or not finite: embed these images again\n  vector 2 c\.jpg$"):
        unit_vectors(PATH, vectors, {"path": [f"{letter}.jpg" for letter in "abcdefgh"]})


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (RANDOM[0], r"of shape \(N, D\), and are of \(16,\): write a row for each image"),
        (RANDOM.reshape(8, 4, 4), "flatten each to one row"),
        (RANDOM > 0, "are bool: .*True and False"),
        (RANDOM + 1j, "are complex128: write real numbers"),
        (RANDOM.astype(str), "are <U.*dtype=np.float32"),
        (np.empty((0, 16)), "holds nothing to score"),
        (np.empty((8, 0)), "holds nothing to score"),
    ],
)
def test_what_is_no_matrix_of_numbers_says_how_to_write_one(vectors, words):
    with pytest.raises(DatasetError, match=words):
        unit_vectors(PATH, vectors, {"identity": ["a"] * len(vectors)})


def test_a_matrix_on_its_side_is_recognised():
    with pytest.raises(
        DatasetError, match=r"has 16 vectors and 8 of identity: .* on its side, so write vectors\.T, \(8, 16\)"
    ):
        unit_vectors(PATH, RANDOM.T, {"identity": list("aabbccdd")})
