from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError
from msinet.evaluation import counting_on_gpu, ranking
from msinet.evaluation.judgement import judge
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.ranking import join_rankings, rank, rank_within
from msinet.evaluation.similarities import Cosine, Given, as_array

MARKET, NO_CAMERA = PROTOCOLS["market"], PROTOCOLS["no-camera"]


def image(name: str, identity: str, camera: str | None = None) -> ImageRecord:
    return ImageRecord(Path(name), identity, camera)


def by_query(found) -> list[list[int]]:
    """Return the counts of a ranking, a list a query."""
    return [part.tolist() for part in np.split(found.wrong_before, np.cumsum(found.lengths)[:-1])]


def wrong_before(similarities, query, gallery, protocol=MARKET) -> list[list[int]]:
    return by_query(rank(Given(np.array(similarities)), judge(query, gallery, protocol)))


def slowly(similarities, query, gallery, protocol) -> list[list[int]]:
    """Sort each row, a wrong image before a right one of the same similarity, and count."""
    counts = []
    for asked, row in zip(query, similarities, strict=True):
        valid = [i for i, r in enumerate(gallery) if protocol.junk_key(r) != protocol.junk_key(asked)]
        valid.sort(key=lambda i: (-row[i], gallery[i].identity == asked.identity))
        verdicts = [gallery[i].identity == asked.identity for i in valid]
        counts.append([verdicts[:place].count(False) for place, right in enumerate(verdicts) if right])
    return counts


labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12)


@st.composite
def cases(draw):
    """Queries, a gallery and similarities with many ties; at least one query has a right answer."""
    query = [image(f"q{i}", f"v{v}", f"c{c}") for i, (v, c) in enumerate([(0, 0), *draw(labels)])]
    gallery = [image(f"g{i}", f"v{v}", f"c{c}") for i, (v, c) in enumerate([(0, 1), *draw(labels)])]
    values = st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0]), min_size=len(gallery), max_size=len(gallery))
    return query, gallery, np.array([draw(values) for _ in query], np.float32)


@settings(deadline=None)
@given(cases(), st.sampled_from([MARKET, NO_CAMERA]))
def test_counting_gives_what_sorting_gives(case, protocol):
    query, gallery, similarities = case
    assert wrong_before(similarities, query, gallery, protocol) == slowly(similarities, query, gallery, protocol)


@settings(deadline=None)
@given(cases(), st.integers(0, 3))
def test_tensors_are_counted_as_arrays_are(case, first):
    """What a GPU does, on the CPU."""
    query, gallery, similarities = case
    judgement = judge(query, gallery, MARKET)
    first = min(first, len(query) - 1)
    found = counting_on_gpu.count_wrong_before(torch.from_numpy(similarities[first:]), first, judgement)
    expected = slowly(similarities[first:], query[first:], gallery, MARKET)
    assert found.tolist() == [count for counts in expected for count in counts]
    bins = counting_on_gpu.count_by_similarity(torch.from_numpy(similarities), -1.0, 4.0, 8)
    assert bins.tolist() == np.histogram(similarities, np.arange(-1, 1.25, 0.25))[0].tolist()


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
    query, gallery = [image("q0", "2", "c1"), image("q1", "1", "c1")], [image("g", "1", "c2")]
    assert wrong_before([[0.5], [0.5]], query, gallery) == [[], [0]]


def test_distances_are_ranked_by_their_negative():
    gallery = [image("near", "1", "c2"), image("far", "2", "c2")]
    assert wrong_before(-np.array([[0.1, 3.0]]), [image("q", "1", "c1")], gallery) == [[0]]


@pytest.fixture
def crowd():
    """Two hundred images of four identities in three cameras, whose exact products tie often."""
    rng = np.random.default_rng(0)
    records = [image(f"{i}", str(rng.integers(4)), str(rng.integers(3))) for i in range(200)]
    return Embeddings(rng.choice([-0.5, 0.5], size=(200, 4)).astype(np.float32), records)


def test_the_size_of_a_block_and_of_a_part_change_nothing(crowd, monkeypatch):
    similarities, judgement = Cosine(crowd, crowd), judge(crowd.records, crowd.records, MARKET)
    whole = rank(similarities, judgement, pairs=True)
    monkeypatch.setattr(ranking, "BLOCK_BYTES", 1)
    for height in (1, 2, 64):
        monkeypatch.setattr(ranking, "FEWEST_ROWS", height)
        parts = [rank(similarities, judgement, queries, pairs=True) for queries in (slice(0, 67), slice(67, 200))]
        joined = join_rankings(parts)
        np.testing.assert_array_equal(joined.wrong_before, whole.wrong_before)
        np.testing.assert_array_equal(joined.lengths, whole.lengths)
        np.testing.assert_array_equal(joined.pairs.different, whole.pairs.different)
        np.testing.assert_array_equal(joined.pairs.same, whole.pairs.same)


def test_a_ranking_within_a_part_of_the_gallery_is_that_of_the_part_alone(crowd):
    group = np.array([3, 190, 7, 50, 51, 52, 20])
    part = Embeddings(crowd.vectors[group], [crowd.records[i] for i in group])
    within = rank_within(Cosine(crowd, crowd), judge(crowd.records, crowd.records, MARKET), [group])[0]
    alone = rank(Cosine(crowd, part), judge(crowd.records, part.records, MARKET))
    assert by_query(within) == by_query(alone)


def test_embeddings_on_a_torch_device_rank_alike(crowd, monkeypatch):
    """The device is the CPU here: what is tested is the way of the tensors."""
    arrays, judgement = Cosine(crowd, crowd), judge(crowd.records, crowd.records, MARKET)
    tensors = Cosine(crowd, crowd)
    tensors.query, tensors.gallery = torch.from_numpy(crowd.vectors), torch.from_numpy(crowd.vectors)
    assert torch.is_tensor(tensors.rows(0, 2))
    np.testing.assert_array_equal(as_array(tensors.rows(0, 2)), arrays.rows(0, 2))
    one, other = rank(arrays, judgement, pairs=True), rank(tensors, judgement, pairs=True)
    np.testing.assert_array_equal(one.wrong_before, other.wrong_before)
    np.testing.assert_array_equal(one.pairs.different, other.pairs.different)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_embedding_that_is_not_finite_is_named(value):
    vectors = np.eye(3, dtype=np.float32)
    vectors[1, 0] = value
    images = Embeddings(vectors, [image(f"{i}.jpg", "1", "c1") for i in range(3)])
    with pytest.raises(DatasetError, match=r"embedding of 1\.jpg.* is not finite"):
        Cosine(images, images)


def test_an_embedding_that_is_not_of_unit_length_is_named():
    images = Embeddings(np.full((1, 4), 2, dtype=np.float32), [image("a.jpg", "1", "c1")])
    with pytest.raises(DatasetError, match=r"embedding of a\.jpg.* has length 4: scale it to 1"):
        Cosine(images, images)


def test_embeddings_of_two_models_cannot_be_compared():
    query = Embeddings(np.eye(1, 4, dtype=np.float32), [image("q", "1", "c1")])
    gallery = Embeddings(np.eye(1, 8, dtype=np.float32), [image("g", "1", "c2")])
    with pytest.raises(DatasetError, match=r"4 dimensions and gallery embeddings 8.*same model"):
        Cosine(query, gallery)
