import numpy as np
import pytest

from msinet.evaluation.reranking import Reranked
from msinet.evaluation.result import RetrievalResult
from msinet.evaluation.scoring import evaluate_embeddings, evaluate_similarities
from msinet.evaluation.settings import ScoringSettings


def textbook_distances(query: np.ndarray, gallery: np.ndarray, k1: int, k2: int, keep: float) -> np.ndarray:
    """Re-rank as in the paper, on whole matrices: (Q, G) mixed distances."""
    vectors = np.concatenate([query, gallery]).astype(np.float64)
    original = 2 - 2 * vectors @ vectors.T
    original /= original.max(axis=1, keepdims=True)
    ranked = np.argsort(original, axis=1, kind="stable")

    def reciprocal(image: int, k: int) -> np.ndarray:
        forward = ranked[image, : k + 1]
        return np.array([other for other in forward if image in ranked[other, : k + 1]], int)

    described = np.zeros_like(original)
    for image in range(len(vectors)):
        own = reciprocal(image, k1)
        everyone = own
        for other in own:
            theirs = reciprocal(other, round(k1 / 2))
            if len(np.intersect1d(theirs, own)) > 2 / 3 * len(theirs):
                everyone = np.append(everyone, theirs)
        everyone = np.unique(everyone)
        weights = np.exp(-original[image, everyone])
        described[image, everyone] = weights / weights.sum()
    averaged = np.stack([described[ranked[image, :k2]].mean(axis=0) for image in range(len(vectors))])
    count = len(query)
    shared = np.minimum(averaged[:count, None, :], averaged[None, count:, :]).sum(2)
    return (1 - keep) * (1 - shared / (2 - shared)) + keep * original[:count, count:]


@pytest.mark.parametrize(("k1", "k2", "keep"), [(20, 6, 0.3), (5, 1, 0.0), (7, 3, 1.0), (200, 6, 0.5)])
def test_distances_are_those_of_the_textbook(make_images, k1, k2, keep):
    query, gallery = make_images(images=3, seed=1, name="q"), make_images(images=7, seed=2)
    expected = textbook_distances(query.vectors, gallery.vectors, k1, k2, keep)
    found = Reranked(query, gallery, k1, k2, keep).rows(0, len(query))
    np.testing.assert_allclose(-found, expected, atol=2e-5)


def test_rows_do_not_depend_on_the_block_they_are_in(make_images):
    query, gallery = make_images(images=2, seed=1, name="q"), make_images(seed=2)
    reranked = Reranked(query, gallery)
    np.testing.assert_allclose(reranked.rows(5, 9), reranked.rows(0, len(query))[5:9], rtol=0, atol=1e-6)  # Of BLAS.


def test_it_helps_where_neighbours_agree(make_images):
    query = make_images(40, 2, dim=32, noise=0.5, seed=1, name="q")
    gallery = make_images(40, 9, dim=32, noise=0.5, seed=2)

    def scored(**options) -> RetrievalResult:
        return evaluate_embeddings(query, gallery, scoring=ScoringSettings(**options))

    plain, reranked = scored(), scored(rerank=True)
    assert reranked.mAP > plain.mAP + 0.02
    expected = textbook_distances(query.vectors, gallery.vectors, 20, 6, 0.3)
    assert reranked.mAP == pytest.approx(evaluate_similarities(-expected, query.records, gallery.records).mAP, abs=1e-4)
