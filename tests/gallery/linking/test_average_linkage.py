"""Average linkage under constraints, against a slow version that compares all pairs of clusters after each merge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from msinet.errors import SettingsError
from msinet.gallery.linking import average_linkage
from msinet.gallery.linking.average_linkage import Cluster, merge_clusters, near_pairs


def unit_vectors(seed, count, length=4):
    vectors = np.random.default_rng(seed).standard_normal((count, length)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nothing(one, other):
    return np.zeros(np.broadcast_shapes(one.shape, other.shape), bool)


def merged(vectors, threshold, apart=nothing, starts=None):
    clusters = [Cluster(np.array(members)) for members in starts or [[place] for place in range(len(vectors))]]
    return merge_clusters(vectors, clusters, near_pairs(vectors, threshold), threshold, apart)


def partition(clusters):
    return {frozenset(cluster.members.tolist()) for cluster in clusters}


def slow(vectors, threshold, apart, starts):
    """Return the partition, and the least similarity of a merge."""
    similarities = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    clusters, least = [list(members) for members in starts], np.inf
    while True:
        options = [
            (similarities[np.ix_(one, other)].mean(), place, second)
            for place, one in enumerate(clusters)
            for second, other in enumerate(clusters[:place])
            if not apart[np.ix_(one, other)].any()
        ]
        if not options or max(options)[0] < threshold:
            return {frozenset(members) for members in clusters}, least
        similarity, one, other = max(options)
        least = min(least, similarity)
        clusters[other] += clusters.pop(one)


@settings(max_examples=150, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 16), st.floats(-0.5, 0.9), st.floats(0, 0.3), st.integers(0, 4))
def test_the_best_merge_that_is_allowed_comes_first(seed, count, threshold, share_apart, together):
    vectors, random = unit_vectors(seed, count), np.random.default_rng(seed)
    apart = np.triu(random.random((count, count)) < share_apart, 1)
    apart |= apart.T
    starts = [list(range(together))] * (0 < together <= count) + [[place] for place in range(count) if place >= together]
    starts = starts if together <= count else [[place] for place in range(count)]
    found = merged(vectors, threshold, lambda one, other: apart[one, other], starts)
    groups, least = slow(vectors, threshold, apart, starts)
    assert partition(found) == groups
    weakest = min((cluster.weakest.similarity for cluster in found if cluster.weakest), default=np.inf)
    assert weakest == pytest.approx(least, abs=1e-5)


def test_without_constraints_it_is_the_average_linkage_of_scipy():
    vectors = unit_vectors(0, 300, 8)
    numbers = fcluster(linkage(vectors, "average", "cosine"), 1 - 0.5, "distance")
    assert partition(merged(vectors, 0.5)) == {frozenset(np.flatnonzero(numbers == one).tolist()) for one in set(numbers)}


def test_vectors_between_two_that_are_kept_apart_join_the_nearer_and_do_not_connect_them():
    angles = np.radians([0, 10, 25])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    assert partition(merged(vectors, 0.8)) == {frozenset({0, 1, 2})}
    ends = np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], bool)
    assert partition(merged(vectors, 0.8, lambda one, other: ends[one, other])) == {frozenset({0, 1}), frozenset({2})}


def test_the_weakest_merge_says_which_sides_it_joined():
    angles = np.radians([0, 2, 20, 23])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    (cluster,) = merged(vectors, 0.8)
    assert cluster.weakest
    assert {frozenset(side.tolist()) for side in (cluster.weakest.first, cluster.weakest.second)} == {
        frozenset({0, 1}),
        frozenset({2, 3}),
    }
    assert cluster.weakest.similarity == pytest.approx(np.cos(np.radians([20, 23, 18, 21])).mean(), abs=1e-6)


@pytest.mark.parametrize("block", [3, 1000])
def test_near_pairs_are_those_of_the_full_matrix(monkeypatch, block):
    monkeypatch.setattr(average_linkage, "BLOCK", block)
    vectors = unit_vectors(1, 40)
    one, other = np.nonzero(np.triu(vectors @ vectors.T >= 0.3, 1))
    assert sorted(map(tuple, near_pairs(vectors, 0.3).tolist())) == list(zip(one.tolist(), other.tolist(), strict=True))


def test_more_near_pairs_than_fit_into_memory_are_refused(monkeypatch):
    monkeypatch.setattr(average_linkage, "MOST_PAIRS", 100)
    with pytest.raises(SettingsError, match="raise the threshold"):
        near_pairs(np.ones((20, 1), np.float32), 0.5)
