"""Scores of groups against identities, against slow versions and numbers by hand."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.gallery.linking.clustering_scores import clustering_scores

labelled = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("ABCD")), min_size=1, max_size=20)


def harmonic(precision, recall):
    return 2 * precision * recall / (precision + recall) if precision + recall else 0


@given(labelled)
def test_pairwise_scores_count_pairs(labels):
    pairs = list(combinations(labels, 2))
    grouped = [one[0] == other[0] for one, other in pairs]
    same = [one[1] == other[1] for one, other in pairs]
    right = sum(both == (True, True) for both in zip(grouped, same, strict=True))
    found = clustering_scores(*zip(*labels, strict=True)).pairwise
    assert found.precision == pytest.approx(right / sum(grouped) if any(grouped) else 1)
    assert found.recall == pytest.approx(right / sum(same) if any(same) else 1)
    assert found.f1 == pytest.approx(harmonic(found.precision, found.recall))


@given(labelled)
def test_bcubed_scores_are_means_over_passes(labels):
    precision = recall = 0
    for group, identity in labels:
        both = labels.count((group, identity))
        precision += both / sum(other == group for other, _ in labels) / len(labels)
        recall += both / sum(other == identity for _, other in labels) / len(labels)
    found = clustering_scores(*zip(*labels, strict=True)).bcubed
    assert (found.precision, found.recall) == (pytest.approx(precision), pytest.approx(recall))
    assert found.f1 == pytest.approx(harmonic(precision, recall))


@given(labelled)
def test_pairwise_scores_are_those_of_scikit_learn(labels):
    cluster = pytest.importorskip("sklearn.metrics.cluster", reason="scikit-learn is not installed")
    groups, identities = zip(*labels, strict=True)
    (_, wrong), (missed, right) = cluster.pair_confusion_matrix(identities, groups)
    found = clustering_scores(groups, identities).pairwise
    assert found.precision == pytest.approx(right / (right + wrong) if right + wrong else 1)
    assert found.recall == pytest.approx(right / (right + missed) if right + missed else 1)


def test_one_wrong_merge_costs_pairs_and_passes():
    found = clustering_scores([1, 1, 1, 2], ["a", "a", "b", "b"])
    assert (found.pairwise.precision, found.pairwise.recall) == (1 / 3, 1 / 2)
    assert (found.bcubed.precision, found.bcubed.recall) == (pytest.approx((2 / 3 * 2 + 1 / 3 + 1) / 4), 3 / 4)
    assert (found.groups, found.identities, found.passes) == (2, 2, 4)


def test_the_names_of_groups_do_not_matter():
    identities = ["a", "a", "b", "b", "c"]
    assert clustering_scores(identities, identities) == clustering_scores([3, 3, None, None, 0], identities)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="3 groups and 2 identities"):
        clustering_scores([1, 2, 3], ["a", "b"])
