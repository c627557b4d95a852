"""Metrics of rankings, worked out by hand and against slow versions by the definitions."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.result import RetrievalResult
from msinet.evaluation.scoring import evaluate_embeddings, evaluate_similarities


def image(name: str, identity: str, camera: str | None = None) -> ImageRecord:
    return ImageRecord(Path(name), identity, camera)


def scored(similarities, query, gallery, protocol="market") -> RetrievalResult:
    return evaluate_similarities(np.array(similarities), query, gallery, protocol)


def test_scores_worked_out_by_hand():
    query = [image("q0", "1", "c1"), image("q1", "2", "c1")]
    gallery = [
        image("g0", "3", "c2"),
        image("g1", "1", "c2"),
        image("g2", "1", "c1"),
        image("g3", "2", "c2"),
        image("g4", "1", "c3"),
    ]
    result = scored(
        [
            [0.9, 0.8, 0.7, 0.6, 0.5],  # non-match, match, junk, non-match, match: matches at the positions 2 and 4
            [0.1, 0.2, 0.3, 0.9, 0.4],  # one match, at position 1
        ],
        query,
        gallery,
    )
    np.testing.assert_allclose(result.average_precision, [(1 / 2 + 2 / 4) / 2, 1])
    # By trapezoids: at each hit the mean of the precision there and one place before, which is 1 at the top.
    assert result.mAP_trapezoid == pytest.approx(((0 / 1 + 1 / 2) / 2 + (1 / 3 + 2 / 4) / 2) / 2 / 2 + (1 + 1) / 2 / 2)
    np.testing.assert_array_equal(result.per_query.first_right, [2, 1])
    np.testing.assert_allclose(result.per_query.inverse_penalty, [2 / 4, 1])
    assert result.mAP == pytest.approx(0.75)
    assert result.mINP == pytest.approx((2 / 4 + 1) / 2)
    np.testing.assert_allclose(result.cmc, [0.5, 1, 1, 1, 1])
    assert (result.queries, result.gallery, result.without_right_answer) == (2, 5, ())


def test_all_ties_are_the_worst_ranking():
    gallery = [image("g0", "1", "c2"), image("g1", "2", "c2"), image("g2", "3", "c2"), image("g3", "4", "c2")]
    result = scored([[0.5, 0.5, 0.5, 0.5]], [image("q", "1", "c1")], gallery)
    assert (result.mAP, result.rank(3), result.rank(4)) == (1 / 4, 0, 1)


def test_a_query_without_a_match_is_named_and_not_scored():
    query = [image("camera/known.jpg", "1", "c1"), image("camera/unknown.jpg", "9", "c1")]
    result = scored([[0.5], [0.9]], query, [image("g", "1", "c2")])
    assert (result.queries, result.mAP, result.without_right_answer) == (1, 1, ("camera/unknown.jpg",))


def test_a_gallery_smaller_than_the_rank_asked_for():
    result = scored([[0.5, 0.9]], [image("q", "1", "c1")], [image("g0", "1", "c2"), image("g1", "2", "c2")])
    assert [result.rank(k) for k in (1, 2, 10)] == [0, 1, 1]
    assert result.table() == [
        ("rank-1", 0),
        ("rank-5", 100),
        ("rank-10", 100),
        ("rank-20", 100),
        ("mAP", 50),
        ("mINP", 50),
    ]


def test_ranks_end_at_50_and_say_so():
    gallery = [image(f"g{i}", str(i), "c2") for i in range(60)]
    result = scored([np.arange(60.0)], [image("q", "5", "c1")], gallery)  # the match at position 55
    assert result.rank(50) == 0
    for k in (0, 51):
        with pytest.raises(SettingsError, match="choose k from 1 to 50"):
            result.rank(k)


def test_perfect_embeddings_score_one(along):
    query = along([0, 1, 2], [image(f"q{i}", str(i), "c1") for i in range(3)])
    gallery = along([2, 1, 0, 2], [image(f"g{k}", str(i), "c2") for k, i in enumerate([2, 1, 0, 2])])
    result = evaluate_embeddings(query, gallery)
    assert (result.protocol, result.mAP, result.rank(1), result.mINP) == ("market", 1, 1, 1)


def test_without_cameras_images_are_searched_among_themselves(along):
    images = along([0, 0, 1, 1], [image(f"{i}.jpg", identity) for i, identity in enumerate("aabb")])
    result = evaluate_embeddings(images, images)
    assert (result.protocol, result.mAP, result.queries) == ("no-camera", 1, 4)


def test_identities_that_never_appear_in_the_gallery_are_an_error(along):
    with pytest.raises(DatasetError, match=r"query identities do not appear in the gallery.*'0001' and '1'"):
        evaluate_embeddings(along([0], [image("q", "0001", "c1")]), along([0], [image("g", "1", "c2")]))


def test_a_gallery_of_junk_is_an_error(along):
    with pytest.raises(DatasetError, match=r"no query has a match in another camera: .* 'market' leaves those out"):
        evaluate_embeddings(along([0], [image("q", "1", "c1")]), along([0], [image("g", "1", "c1")]))


def test_nothing_to_score_is_an_error(along):
    with pytest.raises(DatasetError, match="nothing to score: 0 query and 1 gallery images"):
        evaluate_embeddings(along([], []), along([0], [image("g", "1", "c1")]))


def slow_scores(similarities, query, gallery, protocol):
    """Score by the definitions: sort each query's gallery, non-matches before matches at ties, and walk down."""
    precisions, firsts, penalties = [], [], []
    for row, asked in zip(similarities, query, strict=True):
        ranked = []
        for similarity, found in zip(row, gallery, strict=True):
            if protocol == "market":
                junk = (found.identity, found.camera) == (asked.identity, asked.camera)
            else:
                junk = found.path == asked.path
            if not junk:
                ranked.append((-similarity, found.identity == asked.identity))
        ranked.sort()
        hits, precision, last = 0, 0.0, 0
        for position, (_, is_match) in enumerate(ranked, start=1):
            if is_match:
                hits += 1
                precision += hits / position
                last = position
                if hits == 1:
                    firsts.append(position)
        if hits:
            precisions.append(precision / hits)
            penalties.append(hits / last)
    if not precisions:
        return None
    n = len(precisions)
    cmc = [sum(first <= k for first in firsts) / n for k in range(1, min(50, len(gallery)) + 1)]
    return sum(precisions) / n, cmc, sum(penalties) / n


@st.composite
def rankings(draw):
    """Draw similarities of few values, so that many tie, and records of few labels; query and gallery share files."""
    records = st.lists(
        st.builds(image, st.sampled_from("abcdefgh"), st.sampled_from("123"), st.sampled_from(["c1", "c2", "c3"])),
        min_size=1,
        max_size=60,
    )
    query, gallery = draw(records), draw(records)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    similarities = rng.integers(0, draw(st.integers(1, 30)), size=(len(query), len(gallery))) / 8
    return similarities, query, gallery, draw(st.sampled_from(["market", "no-camera"]))


@given(rankings())
def test_scores_agree_with_sorting_and_walking_down(ranking):
    expected = slow_scores(*ranking)
    if expected is None:
        with pytest.raises(DatasetError):
            scored(*ranking)
        return
    result = scored(*ranking)
    mean_precision, cmc, mean_penalty = expected
    assert result.mAP == pytest.approx(mean_precision)
    assert result.mINP == pytest.approx(mean_penalty)
    np.testing.assert_allclose(result.cmc, cmc)


def area_walking_down(verdicts: list[bool]) -> float:
    """Add up trapezoids under precision over recall, place by place, as a script for one query does."""
    area = recall = hits = 0.0
    precision = 1.0
    for position, is_match in enumerate(verdicts, start=1):
        hits += is_match
        new_recall, new_precision = hits / sum(verdicts), hits / position
        area += (new_recall - recall) * (precision + new_precision) / 2
        recall, precision = new_recall, new_precision
    return area


@given(st.lists(st.booleans(), min_size=1, max_size=30).filter(any))
def test_the_trapezoidal_average_precision_is_the_area(verdicts):
    gallery = [image(f"g{i}", "1" if is_match else "2", "c2") for i, is_match in enumerate(verdicts)]
    result = scored([-np.arange(len(verdicts), dtype=float)], [image("q", "1", "c1")], gallery)
    assert result.mAP_trapezoid == pytest.approx(area_walking_down(verdicts))


@given(rankings(), st.randoms(use_true_random=False))
def test_the_order_of_the_gallery_changes_nothing(ranking, random):
    similarities, query, gallery, protocol = ranking
    if slow_scores(*ranking) is None:
        return
    order = list(range(len(gallery)))
    random.shuffle(order)
    shuffled = scored(similarities[:, order], query, [gallery[position] for position in order], protocol)
    assert shuffled.to_dict() == scored(*ranking).to_dict()
