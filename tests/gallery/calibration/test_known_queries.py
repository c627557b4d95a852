import numpy as np
import pytest

from msinet.gallery.calibration.known_queries import known_queries
from msinet.gallery.calibration.labelled_vectors import LabelledVectors


def images(identities, cameras):
    vectors = np.random.default_rng(0).standard_normal((len(identities), 5)).astype(np.float32)
    return LabelledVectors(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), identities, cameras)


def test_each_camera_is_enrolled_in_turn():
    labelled = images(["a"] * 3, ["1", "1", "2"])
    queries, similar = known_queries(labelled), labelled.vectors @ labelled.vectors.T
    assert queries.images.tolist() == [2, 0, 1]
    assert queries.similarities == pytest.approx([max(similar[2, 0], similar[2, 1]), similar[0, 2], similar[1, 2]])


def test_an_identity_that_one_camera_saw_is_no_known_query():
    assert known_queries(images(["a", "a", "b", "b"], ["1", "1", "1", "2"])).names == ("b",)


def test_without_cameras_each_image_is_enrolled_in_turn():
    queries = known_queries(images(["a", "a", "a", "b"], None))
    assert queries.images.tolist() == [1, 2, 0, 2, 0, 1]
    assert queries.names == ("a",)


def test_an_image_without_a_camera_may_be_of_the_enrolled_one():
    assert known_queries(images(["a"] * 3, ["1", None, "2"])).images.tolist() == [2, 0]
    assert known_queries(images(["a"] * 2, ["1", None])).names == ()
