from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.evaluation import gpu
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.ranking import join_rankings, rank, rank_within
from msinet.evaluation.relevance import relevance_of
from msinet.evaluation.similarities import Cosine, Given, as_array

MARKET, NO_CAMERA = PROTOCOLS["market"], PROTOCOLS["no-camera"]


def image(name: str, identity: str, camera: str | None = None) -> ImageRecord:
    return ImageRecord(Path(name), identity, camera)


def by_query(found) -> list[list[int]]:
    """Return the counts of a ranking, a list a query."""
    return [part.tolist() for part in np.split(found.before, np.cumsum(found.lengths)[:-1])]


def before(similarities, query, gallery, protocol=MARKET) -> list[list[int]]:
    return by_query(rank(Given(np.array(similarities)), relevance_of(query, gallery, protocol)))


def slowly(similarities, query, gallery, protocol) -> list[list[int]]:
    """Sort each row, a non-match before a match of the same similarity, and count."""
    counts = []
    for asked, row in zip(query, similarities, strict=True):
        valid = [i for i, r in enumerate(gallery) if protocol.junk_key(r) != protocol.junk_key(asked)]
        valid.sort(key=lambda i: (-row[i], gallery[i].identity == asked.identity))
        verdicts = [gallery[i].identity == asked.identity for i in valid]
        counts.append([verdicts[:place].count(False) for place, is_match in enumerate(verdicts) if is_match])
    return counts


labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12)


@st.composite
def cases(draw):
    """Queries, a gallery and similarities with many ties; at least one query has a match."""
    query = [image(f"q{i}", f"v{v}", f"c{c}") for i, (v, c) in enumerate([(0, 0), *draw(labels)])]
    gallery = [image(f"g{i}", f"v{v}", f"c{c}") for i, (v, c) in enumerate([(0, 1), *draw(labels)])]
    values = st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0]), min_size=len(gallery), max_size=len(gallery))
    return query, gallery, np.array([draw(values) for _ in query], np.float32)


@given(cases(), st.sampled_from([MARKET, NO_CAMERA]))
def test_counting_gives_what_sorting_gives(case, protocol):
    query, gallery, similarities = case
    assert before(similarities, query, gallery, protocol) == slowly(similarities, query, gallery, protocol)


@given(cases(), st.integers(0, 3))
def test_tensors_are_counted_as_arrays_are(case, first):
    """What a GPU does, on the CPU."""
    query, gallery, similarities = case
    relevance = relevance_of(query, gallery, MARKET)
    first = min(first, len(query) - 1)
    found = gpu.count_before(torch.from_numpy(similarities[first:]), first, relevance)
    expected = slowly(similarities[first:], query[first:], gallery, MARKET)
    assert found.tolist() == [count for counts in expected for count in counts]
    bins = gpu.count_by_similarity(torch.from_numpy(similarities), -1.0, 4.0, 8)
    assert bins.tolist() == np.histogram(similarities, np.arange(-1, 1.25, 0.25))[0].tolist()


def test_non_matches_before_each_match_are_counted():
    gallery = [image("g0", "2", "c2"), image("g1", "1", "c2"), image("g2", "3", "c2"), image("g3", "1", "c3")]
    # In the order of similarity: non-match g0, match g1, non-match g2, match g3.
    assert before([[0.9, 0.8, 0.7, 0.6]], [image("q", "1", "c1")], gallery) == [[1, 2]]


def test_the_querys_identity_in_its_own_camera_is_junk():
    gallery = [image("g0", "1", "c1"), image("g1", "1", "c2"), image("g2", "2", "c1")]
    # g0 is neither a hit nor a miss; g2, another identity in the same camera, is a non-match.
    assert before([[0.9, 0.5, 0.7]], [image("q", "1", "c1")], gallery) == [[1]]


def test_without_cameras_only_the_query_image_itself_is_junk():
    gallery = [image("q", "1"), image("g1", "1"), image("g2", "2")]
    assert before([[1.0, 0.5, 0.7]], [image("q", "1")], gallery, NO_CAMERA) == [[1]]


def test_a_tie_stands_before_the_match():
    gallery = [image("g0", "1", "c2"), image("g1", "2", "c2"), image("g2", "3", "c2"), image("g3", "4", "c2")]
    assert before([[0.5, 0.5, 0.5, 0.4]], [image("q", "1", "c1")], gallery) == [[2]]


def test_matches_that_tie_do_not_stand_before_each_other():
    gallery = [image("g0", "1", "c2"), image("g1", "1", "c3"), image("g2", "2", "c2")]
    assert before([[0.5, 0.5, 0.4]], [image("q", "1", "c1")], gallery) == [[0, 0]]


def test_a_query_without_a_match_has_no_counts():
    query, gallery = [image("q0", "2", "c1"), image("q1", "1", "c1")], [image("g", "1", "c2")]
    assert before([[0.5], [0.5]], query, gallery) == [[], [0]]


def test_distances_are_ranked_by_their_negative():
    gallery = [image("near", "1", "c2"), image("far", "2", "c2")]
    assert before(-np.array([[0.1, 3.0]]), [image("q", "1", "c1")], gallery) == [[0]]


@pytest.fixture
def crowd():
    """Two hundred images of four identities in three cameras, whose exact products tie often."""
    rng = np.random.default_rng(0)
    records = [image(f"{i}", str(rng.integers(4)), str(rng.integers(3))) for i in range(200)]
    return Embeddings(rng.choice([-0.5, 0.5], size=(200, 4)).astype(np.float32), records)


@pytest.mark.parametrize("height", [1, 2, 64])
def test_the_size_of_a_block_and_of_a_part_change_nothing(crowd, height):
    similarities, relevance = Cosine(crowd, crowd), relevance_of(crowd.records, crowd.records, MARKET)
    whole = rank(similarities, relevance, pairs=True)
    parts = [rank(similarities, relevance, queries, True, height) for queries in (slice(0, 67), slice(67, 200))]
    joined = join_rankings(parts)
    np.testing.assert_array_equal(joined.before, whole.before)
    np.testing.assert_array_equal(joined.lengths, whole.lengths)
    np.testing.assert_array_equal(joined.pairs.different, whole.pairs.different)
    np.testing.assert_array_equal(joined.pairs.same, whole.pairs.same)


def test_a_ranking_within_a_part_of_the_gallery_is_that_of_the_part_alone(crowd):
    group = np.array([3, 190, 7, 50, 51, 52, 20])
    part = Embeddings(crowd.vectors[group], [crowd.records[i] for i in group])
    within = rank_within(Cosine(crowd, crowd), relevance_of(crowd.records, crowd.records, MARKET), [group])[0]
    alone = rank(Cosine(crowd, part), relevance_of(crowd.records, part.records, MARKET))
    assert by_query(within) == by_query(alone)


def test_embeddings_on_a_torch_device_rank_alike(crowd):
    """The device is the CPU here: what is tested is the way of the tensors."""
    arrays, tensors = Cosine(crowd, crowd), gpu.CosineOnDevice(crowd, crowd, "cpu")
    relevance = relevance_of(crowd.records, crowd.records, MARKET)
    assert torch.is_tensor(tensors.rows(0, 2))
    assert tensors.shape == arrays.shape
    np.testing.assert_array_equal(as_array(tensors.rows(0, 2)), arrays.rows(0, 2))
    one, other = rank(arrays, relevance, pairs=True), rank(tensors, relevance, pairs=True)
    np.testing.assert_array_equal(one.before, other.before)
    np.testing.assert_array_equal(one.pairs.different, other.pairs.different)
