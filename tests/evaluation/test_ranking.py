from pathlib import Path

import numpy as np
import pytest

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.ranking import rank_embeddings, rank_similarities

MARKET, NO_CAMERA = PROTOCOLS["market"], PROTOCOLS["no-camera"]


def image(name: str, identity: str, camera: str | None = None) -> ImageRecord:
    return ImageRecord(Path(name), identity, camera)


def wrong_before(similarities, query, gallery, protocol=MARKET) -> list[list[int]]:
    return [row.tolist() for row in rank_similarities(np.array(similarities), query, gallery, protocol).wrong_before]


def test_wrong_images_before_each_right_one_are_counted():
    gallery = [image("g0", "2", "c2"), image("g1", "1", "c2"), image("g2", "3", "c2"), image("g3", "1", "c3")]
    # In the order of similarity: wrong g0, right g1, wrong g2, right g3.
    assert wrong_before([[0.9, 0.8, 0.7, 0.6]], [image("q", "1", "c1")], gallery) == [[1, 2]]


def test_the_querys_identity_in_its_own_camera_is_junk():
    gallery = [image("g0", "1", "c1"), image("g1", "1", "c2"), image("g2", "2", "c1")]
    # g0 is neither a hit nor a miss; g2, another identity in the same camera, is wrong.
    assert wrong_before([[0.9, 0.5, 0.7]], [image("q", "1", "c1")], gallery) == [[1]]


def test_without_cameras_only_the_query_image_itself_is_junk():
    gallery = [image("q", "1"), image("g1", "1"), image("g2", "2")]
    assert wrong_before([[1.0, 0.5, 0.7]], [image("q", "1")], gallery, NO_CAMERA) == [[1]]


def test_a_tie_stands_before_the_right_answer():
    gallery = [image("g0", "1", "c2"), image("g1", "2", "c2"), image("g2", "3", "c2"), image("g3", "4", "c2")]
    assert wrong_before([[0.5, 0.5, 0.5, 0.4]], [image("q", "1", "c1")], gallery) == [[2]]


def test_right_answers_that_tie_do_not_stand_before_each_other():
    gallery = [image("g0", "1", "c2"), image("g1", "1", "c3"), image("g2", "2", "c2")]
    assert wrong_before([[0.5, 0.5, 0.4]], [image("q", "1", "c1")], gallery) == [[0, 0]]


def test_a_query_without_right_answer_has_no_counts():
    assert wrong_before([[0.5]], [image("q", "1", "c1")], [image("g", "2", "c2")]) == [[]]


def test_distances_are_ranked_by_their_negative():
    gallery = [image("near", "1", "c2"), image("far", "2", "c2")]
    assert wrong_before(-np.array([[0.1, 3.0]]), [image("q", "1", "c1")], gallery) == [[0]]


def test_the_size_of_a_block_changes_nothing():
    rng = np.random.default_rng(0)
    vectors = rng.choice([-0.5, 0.5], size=(30, 4)).astype(np.float32)  # products are exact, and many tie
    records = [image(f"{i}", str(rng.integers(4)), str(rng.integers(3))) for i in range(30)]
    images = Embeddings(vectors, records)
    whole = rank_embeddings(images, images, MARKET)
    for block_bytes in (1, 2 * 4 * 30, 7 * 4 * 30):  # one, two and seven queries a block
        blocks = rank_embeddings(images, images, MARKET, block_bytes=block_bytes)
        for expected, found in zip(whole.wrong_before, blocks.wrong_before, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_embedding_that_is_not_finite_is_named(value):
    vectors = np.eye(3, dtype=np.float32)
    vectors[1, 0] = value
    images = Embeddings(vectors, [image(f"{i}.jpg", "1", "c1") for i in range(3)])
    with pytest.raises(DatasetError, match=r"embedding of 1\.jpg.* is not finite"):
        rank_embeddings(images, images, MARKET)


def test_an_embedding_that_is_not_of_unit_length_is_named():
    images = Embeddings(np.full((1, 4), 2, dtype=np.float32), [image("a.jpg", "1", "c1")])
    with pytest.raises(DatasetError, match=r"embedding of a\.jpg.* has length 4: scale it to 1"):
        rank_embeddings(images, images, MARKET)


def test_embeddings_of_two_models_cannot_be_compared():
    query = Embeddings(np.eye(1, 4, dtype=np.float32), [image("q", "1", "c1")])
    gallery = Embeddings(np.eye(1, 8, dtype=np.float32), [image("g", "1", "c2")])
    with pytest.raises(DatasetError, match=r"4 dimensions and gallery embeddings 8.*same model"):
        rank_embeddings(query, gallery, MARKET)


def test_a_similarity_that_is_not_finite_names_both_images():
    with pytest.raises(DatasetError, match="similarity of q and g1 "):
        wrong_before([[0.5, np.nan]], [image("q", "1", "c1")], [image("g0", "1", "c2"), image("g1", "2", "c2")])


def test_similarities_must_fit_the_records():
    with pytest.raises(ValueError, match=r"shape \(1, 1\), not \(1, 2\)"):
        wrong_before([[0.5, 0.4]], [image("q", "1", "c1")], [image("g", "1", "c2")])
