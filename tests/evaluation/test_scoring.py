"""Scoring under each protocol, with what is done to embeddings before they are ranked."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.data.records import Answers, ImageRecord
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.scoring import evaluate_embeddings, evaluate_similarities
from msinet.evaluation.settings import ScoringSettings


@pytest.mark.parametrize("protocol", ["market", "no-camera", "image-to-track", "image-to-track-camera", "vehicleid"])
def test_options_go_together_under_every_protocol(make_images, protocol):
    query, gallery = make_images(images=3, seed=1, name="q"), make_images(images=12, seed=2, cameras=4)
    options = ScoringSettings(track_pooling=True, query_expansion=2, rerank=True)
    result = evaluate_embeddings(query, gallery, protocol, options)
    assert 0 < result.mAP <= 1


def test_index_files_name_images_and_not_pooled_tracks(make_images):
    images = make_images()
    answers = {r.path: Answers(frozenset({images.records[0].path}), frozenset()) for r in images.records}
    assert evaluate_embeddings(images, images, "veri776-index", answers=answers).queries == len(images)
    with pytest.raises(SettingsError, match="track_pooling cannot be combined with protocol 'veri776-index'"):
        evaluate_embeddings(images, images, "veri776-index", ScoringSettings(track_pooling=True), answers)


def test_index_files_that_say_what_the_market_rule_says_give_its_scores(make_images):
    query, gallery = make_images(seed=1, name="q"), make_images(seed=2)
    answers = {
        q.path: Answers(
            frozenset(g.path for g in gallery.records if g.identity == q.identity and g.camera != q.camera),
            frozenset(g.path for g in gallery.records if g.identity == q.identity and g.camera == q.camera),
        )
        for q in query.records
    }
    one = evaluate_embeddings(query, gallery, "veri776-index", answers=answers)
    other = evaluate_embeddings(query, gallery, "market")
    assert one.scores == other.scores
    similarities = query.vectors @ gallery.vectors.T
    given = evaluate_similarities(similarities, query.records, gallery.records, "veri776-index", answers)
    assert given.scores == one.scores


@pytest.mark.parametrize("protocol", ["no-camera", "image-to-track", "vehicleid"])
@pytest.mark.parametrize("options", [{}, {"track_pooling": True}, {"query_expansion": 2, "rerank": True}])
def test_nothing_to_score_is_an_error_with_every_option(make_images, protocol, options):
    nothing = make_images().select(np.zeros(72, bool))
    with pytest.raises(DatasetError, match="nothing to score"):
        evaluate_embeddings(nothing, nothing, protocol, ScoringSettings(**options))


def test_embeddings_state_their_options_and_cannot_be_mirrored(make_images):
    images = make_images()
    settings = ScoringSettings(rerank=True)
    assert evaluate_embeddings(images, images, scoring=settings).record.scoring == settings
    with pytest.raises(SettingsError, match="flip needs a model"):
        evaluate_embeddings(images, images, scoring=ScoringSettings(flip=True))


@pytest.mark.parametrize("protocol", ["market", "vehicleid"])
def test_sides_of_two_models_cannot_be_compared(make_images, protocol):
    with pytest.raises(DatasetError, match="16 dimensions and gallery embeddings 8"):
        evaluate_embeddings(make_images(), make_images(dim=8), protocol)


def test_each_side_is_scored_by_its_own_vectors(along, image):
    """A file that both sides embedded has two vectors, of which each side takes its own."""
    query, gallery = [image("a", "1"), image("b", "2")], [image("a", "1"), image("b", "2"), image("c", "1")]
    result = evaluate_embeddings(along([3, 1], query), along([0, 1, 3], gallery), "no-camera")
    assert result.mAP == 1


def test_similarities_too_large_for_float32_are_an_error(image):
    with pytest.raises(DatasetError, match="too large for float32"):
        evaluate_similarities(np.array([[1e300, 1]]), [image("q", "1")], [image("a", "1"), image("b", "2")])


def test_similarities_of_another_shape_are_an_error(image):
    with pytest.raises(ValueError, match=r"must have shape \(1, 2\), not \(2, 1\)"):
        evaluate_similarities(np.ones((2, 1)), [image("q", "1")], [image("a", "1"), image("b", "2")])


def test_galleries_cannot_be_drawn_from_similarities(image):
    with pytest.raises(SettingsError, match="draws its galleries from embeddings"):
        evaluate_similarities(np.ones((1, 1)), [image("q", "1")], [image("a", "1")], "vehicleid")


def test_similarities_made_elsewhere_state_no_options(image):
    record = evaluate_similarities(np.ones((1, 1)), [image("q", "1")], [image("a", "1")]).record
    assert (record.protocol, record.scoring) == ("no-camera", None)


@given(st.integers(0, 2**32 - 1))
def test_scores_by_index_files_are_those_of_sorting_by_them(on_a_cube, slow_precision, seed):
    random = np.random.default_rng(seed)
    query = on_a_cube(random, [ImageRecord(Path(f"q{i}"), "any", "c1") for i in range(4)])
    gallery = on_a_cube(random, [ImageRecord(Path(f"g{i}"), "any", "c1") for i in range(9)])
    drawn = [random.permutation(9)[: random.integers(1, 7)].tolist() for _ in range(4)]
    lists = [({*places[: 1 + len(places) // 2]}, {*places[1 + len(places) // 2 :]}) for places in drawn]
    answers = {
        record.path: Answers(*(frozenset(gallery.records[i].path for i in places) for places in both))
        for record, both in zip(query.records, lists, strict=True)
    }
    result = evaluate_embeddings(query, gallery, "veri776-index", answers=answers)
    rows = query.vectors @ gallery.vectors.T
    expected = [slow_precision(row, *both) for row, both in zip(rows, lists, strict=True)]
    np.testing.assert_allclose(result.average_precision, expected)
