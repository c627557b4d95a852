from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.errors import SettingsError
from msinet.evaluation.pair_counts import BINS
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.ranking import rank
from msinet.evaluation.relevance import relevance_of
from msinet.evaluation.similarities import Cosine


@pytest.fixture(params=["market", "no-camera"])
def case(request):
    """Sixty images of six identities in three cameras, both query and gallery, and the similarities of their pairs."""
    rng = np.random.default_rng(0)
    records = [ImageRecord(Path(f"{i}.jpg"), f"v{i % 6}", camera=f"c{i % 3 if i < 20 else 0}") for i in range(60)]
    vectors = rng.normal(size=(6, 8))[[i % 6 for i in range(60)]] + 0.9 * rng.normal(size=(60, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    protocol = PROTOCOLS[request.param]
    images = Embeddings(vectors, records)
    same, different = [], []
    for i, one in enumerate(records):
        for j, other in enumerate(records):
            if protocol.junk_key(one) != protocol.junk_key(other):
                (same if one.identity == other.identity else different).append(float(vectors[i] @ vectors[j]))
    relevance = relevance_of(records, records, protocol)
    return rank(Cosine(images, images), relevance, pairs=True).pairs, np.array(same), np.array(different)


def test_every_pair_is_counted_once_and_junk_never(case):
    pairs, same, different = case
    assert (pairs.same.sum(), pairs.different.sum()) == (len(same), len(different))


def test_pairs_lie_where_their_similarity_is(case):
    pairs, same, different = case
    edges = np.linspace(-1, 1, BINS + 1)
    for counts, values in ((pairs.same, same), (pairs.different, different)):
        assert np.abs(np.repeat(edges[:-1], counts) - np.sort(values)).max() < 4 / BINS


@pytest.mark.parametrize("rate", [0, 1e-3, 1e-2, 0.1, 0.5, 1])
def test_the_true_positive_rate_is_that_of_the_best_threshold(case, rate):
    pairs, same, different = case
    thresholds = np.concatenate([same, different, [2]])
    allowed = [t for t in thresholds if (different >= t).mean() <= rate]
    assert pairs.true_positive_rates([rate]) == [pytest.approx(max((same >= t).mean() for t in allowed))]


def test_the_histogram_holds_every_pair_over_the_similarities_that_occur(case):
    pairs, same, different = case
    found = pairs.histogram()
    assert (sum(found.same), sum(found.different)) == (len(same), len(different))
    assert len(found.edges) == len(found.same) + 1
    everything = np.concatenate([same, different])
    width = found.edges[1] - found.edges[0]
    assert found.edges[0] == pytest.approx(everything.min(), abs=width)
    assert found.edges[-1] == pytest.approx(everything.max(), abs=width)


def test_the_curve_rises_through_the_points_that_papers_report(case):
    roc = case[0].roc()
    rates = [point.true_positive_rate for point in roc.curve]
    assert (np.diff(rates) >= 0).all()
    assert (len(rates), rates[-1]) == (61, 1)
    assert [point.false_positive_rate for point in roc.points] == [1e-2, 1e-3, 1e-4]
    assert [roc.true_positive_rate(rate) for rate in (1e-2, 1e-3, 1e-4)] == case[0].true_positive_rates([1e-2, 1e-3, 1e-4])


def test_a_rate_that_was_not_computed_is_an_error(case):
    with pytest.raises(SettingsError, match=r"false_positive_rate is 0\.5: choose one of 1e-02, 1e-03, 1e-04"):
        case[0].roc().true_positive_rate(0.5)


@given(st.integers(0, 2**32 - 1))
def test_equal_pairs_are_never_told_apart(seed):
    """All similarities the same: a threshold lets all through or none."""
    records = [ImageRecord(Path(f"{i}"), f"v{i % 2}", f"c{i}") for i in range(6)]
    direction = np.random.default_rng(seed).normal(size=(1, 4))
    vectors = np.repeat(direction / np.linalg.norm(direction), 6, axis=0).astype(np.float32)
    images = Embeddings(vectors, records)
    pairs = rank(Cosine(images, images), relevance_of(records, records, PROTOCOLS["market"]), pairs=True).pairs
    assert pairs.true_positive_rates([0.99, 1]) == [0, 1]
