"""What can be done with embeddings before they are ranked, and protocols that are more than a rule of junk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msinet.data.embeddings import Embeddings
from msinet.data.records import Answers, ImageRecord
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation import neighbours
from msinet.evaluation.draws import COUNT, draw_galleries, read_draws, write_draws
from msinet.evaluation.neighbours import nearest
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.query_expansion import expand_queries
from msinet.evaluation.scoring import (
    evaluate_embeddings,
    evaluate_similarities,
    make_trial,
    score_draws,
    score_trial,
    scores_by_camera_pair,
)
from msinet.evaluation.settings import ScoringSettings
from msinet.evaluation.similarities import Cosine, Given
from msinet.evaluation.track_pooling import pool_tracks


def image(name: str, identity: str, camera: str | None = None, track: str | None = None) -> ImageRecord:
    return ImageRecord(Path(name), identity, camera, track)


# Neighbours and query expansion


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
@settings(deadline=None)
def test_the_nearest_are_those_of_a_stable_sort(seed, k):
    matrix = np.random.default_rng(seed).integers(0, 5, (4, 7)).astype(np.float32)
    found = nearest(Given(matrix), k)
    np.testing.assert_array_equal(found.nearest, np.argsort(-matrix, axis=1, kind="stable")[:, :k])
    np.testing.assert_array_equal(found.lowest, matrix.min(axis=1))


def test_the_nearest_among_all_are_those_of_the_whole_product(make_images, monkeypatch):
    vectors = make_images(9, 5).vectors
    monkeypatch.setattr(neighbours, "TILE", 7)
    products = vectors @ vectors.T
    found = neighbours.nearest_among(vectors, 6)
    np.testing.assert_array_equal(np.sort(found.nearest), np.sort(np.argsort(-products, axis=1)[:, :6]))
    np.testing.assert_allclose(found.lowest, products.min(axis=1), rtol=1e-5)


def test_an_expanded_query_is_the_mean_of_itself_and_what_it_finds():
    query = Embeddings(np.array([[1, 0, 0]], np.float32), [image("q", "1")])
    gallery = Embeddings(
        np.array([[0, 0, 1], [0.8, 0.6, 0], [0.6, 0.8, 0]], np.float32), [image(f"{i}", "1") for i in "abc"]
    )
    mean = np.array([1 + 0.8 + 0.6, 0.6 + 0.8, 0]) / 3
    found = expand_queries(query, gallery, 2).vectors
    np.testing.assert_allclose(found, [mean / np.linalg.norm(mean)], rtol=1e-6)


# Tracks


def test_a_pooled_track_is_the_mean_of_its_images():
    records = [image("a", "1", "c1", "t"), image("b", "1", "c1", "t"), image("c", "1", "c2", "t"), image("d", "1", "c1")]
    pooled = pool_tracks(Embeddings(np.eye(4, dtype=np.float32), records))
    assert [record.path.name for record in pooled.records] == ["a", "c", "d"]  # a track is of one camera
    np.testing.assert_allclose(pooled.vectors[0], [0.5**0.5, 0.5**0.5, 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(pooled.vectors[1:], np.eye(4)[2:])


def test_without_tracks_nothing_can_be_pooled():
    with pytest.raises(DatasetError, match="no image has a track"):
        pool_tracks(Embeddings(np.eye(1, dtype=np.float32), [image("a", "1")]))


def test_a_track_that_holds_the_query_itself_is_junk_by_its_file():
    query = Embeddings(np.array([[1, 0]], np.float32), [image("q", "1", track="t")])
    labels = [("a", "1", "t"), ("q", "1", "t"), ("b", "1", "u"), ("c", "2", "v")]
    records = [image(name, identity, track=track) for name, identity, track in labels]
    gallery = Embeddings(np.array([[0.8, 0.6], [1, 0], [0, 1], [0.6, 0.8]], np.float32), records)
    result = evaluate_embeddings(query, gallery, "no-camera", ScoringSettings(track_pooling=True))
    assert (result.mAP, result.queries) == (1 / 2, 1)  # u after the wrong v; t holds the query


def test_queries_without_tracks_are_asked_of_pooled_tracks():
    query = Embeddings(alike([0]), [image("q", "1", "c1")])
    gallery = Embeddings(alike([0, 1]), [image("a", "1", "c2", "t"), image("b", "1", "c2", "t")])
    assert evaluate_embeddings(query, gallery, "market", ScoringSettings(track_pooling=True)).gallery == 1


TRACKS = [
    image("g0", "1", "c1", "a"),  # the query's own vehicle in its own camera
    image("g1", "1", "c2", "b"),
    image("g2", "2", "c1", "c"),  # another vehicle in the query's camera
    image("g3", "2", "c3", "d"),
    image("g4", "1", "c2", "b"),
]


@pytest.mark.parametrize(
    ("protocol", "precision"),
    [
        ("image-to-track", 1 / 3),  # of the tracks c 0.9, d 0.8, b max(0.1, 0.7), the third is right; a is junk
        ("image-to-track-camera", 1 / 2),  # c, too, is junk
    ],
)
def test_a_track_is_as_similar_as_its_nearest_image(protocol, precision):
    similarities = np.array([[1.0, 0.1, 0.9, 0.8, 0.7]])
    result = evaluate_similarities(similarities, [image("q", "1", "c1")], TRACKS, protocol)
    assert (result.mAP, result.gallery) == (pytest.approx(precision), 4)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["image-to-track", "image-to-track-camera"]))
@settings(deadline=None)
def test_image_to_track_is_image_to_image_of_the_best_image_of_each_track(seed, protocol):
    random = np.random.default_rng(seed)
    query = [image(f"q{i}", "1", f"c{i}") for i in range(3)]
    gallery = [image(f"g{i}", str(i % 3), f"c{i % 4}", f"t{i % 12}") for i in range(30)]
    similarities = random.integers(0, 8, (3, 30)) / 8
    precisions = []
    for asked, row in zip(query, similarities, strict=True):
        tracks = {}
        for record, similarity in zip(gallery, row, strict=True):
            tracks[record.track] = max(tracks.get(record.track, (-1,)), (similarity, record.identity, record.camera))
        junk = {
            t
            for t, (_, i, c) in tracks.items()
            if c == asked.camera and (protocol.endswith("camera") or i == asked.identity)
        }
        ranked = sorted((-s, i == asked.identity) for t, (s, i, _) in tracks.items() if t not in junk)
        hits = [place for place, (_, right) in enumerate(ranked, 1) if right]
        precisions.append(np.mean([n / place for n, place in enumerate(hits, 1)]))
    result = evaluate_similarities(similarities, query, gallery, protocol)
    np.testing.assert_allclose(result.average_precision, precisions)


# VehicleID


def alike(axes: list[int]) -> np.ndarray:
    return np.eye(8, dtype=np.float32)[axes]


def test_one_drawn_image_of_each_identity_is_the_gallery(make_images):
    images = make_images(10, 5)
    result = evaluate_embeddings(images, images, "vehicleid")
    assert (result.gallery, result.queries) == (10, 40)
    assert set(result.deviations) == {"mAP", "mINP", "rank-1", "rank-5", "rank-10", "rank-20"}
    assert result.mAP == pytest.approx(result.mINP)  # one right answer: both are 1 / its position
    assert not result.intervals


def test_scores_are_the_mean_over_the_draws(make_images):
    images = make_images(10, 5)
    draws = draw_galleries(images.records, seed=3)
    mean = score_draws(images, draws, PROTOCOLS["vehicleid"])
    single = [score_draws(images, [draw, draw], PROTOCOLS["vehicleid"]) for draw in draws]
    assert mean.mAP == pytest.approx(np.mean([result.mAP for result in single]))
    assert mean.deviations["mAP"] == pytest.approx(np.std([result.mAP for result in single], ddof=1))
    np.testing.assert_allclose(mean.cmc, np.mean([result.cmc for result in single], axis=0))


def test_one_draw_has_an_interval_and_no_deviation(make_images):
    images = make_images(10, 5)
    result = score_draws(images, draw_galleries(images.records)[:1], PROTOCOLS["vehicleid"])
    assert not result.deviations
    assert result.intervals["mAP"][0] < result.mAP < result.intervals["mAP"][1]


def test_pairs_are_those_of_all_draws(make_images):
    images = make_images(10, 5)
    result = score_draws(images, draw_galleries(images.records), PROTOCOLS["vehicleid"])
    counts = [sum(result.info["similarities"][kind]) for kind in ("same", "different")]
    assert counts == [10 * 40, 10 * 40 * 9]  # each of forty queries has one right answer of ten images


def test_camera_pairs_of_one_draw_are_not_shown_for_all(make_images):
    images = make_images(10, 5)
    trial = make_trial(images, images, PROTOCOLS["vehicleid"])
    with pytest.raises(SettingsError, match="whose galleries are drawn"):
        scores_by_camera_pair(trial)


def test_a_query_is_scored_in_the_draws_in_which_it_asks():
    images = Embeddings(alike([0, 0, 1, 1, 1]), [image(f"{i}", identity) for i, identity in enumerate("aabbb")])
    result = evaluate_embeddings(images, images, "vehicleid")
    assert set(result.per_query.path) <= {record.path.as_posix() for record in images.records}
    assert (result.mAP, result.average_precision.min()) == (1, 1)


def test_draws_are_saved_and_read_back(make_images, tmp_path):
    records = make_images(10, 5).records
    draws = {"world 800": draw_galleries(records)}
    write_draws(tmp_path / "draws.json", draws)
    assert read_draws(tmp_path / "draws.json") == draws
    assert (len(draws["world 800"]), read_draws(tmp_path / "none.json")) == (COUNT, {})


def test_draws_hang_on_files_and_seed_alone(make_images):
    records = make_images(10, 5).records
    moved = [replace(record, path=Path("/elsewhere") / record.path) for record in reversed(records)]
    assert draw_galleries(records) == draw_galleries(moved)
    assert draw_galleries(records) != draw_galleries(records, seed=1)


def test_draws_of_other_images_are_an_error(make_images):
    images = make_images(10, 5)
    draws = draw_galleries(images.records)
    with pytest.raises(DatasetError, match="these draws are of other images"):
        score_draws(images.select(np.arange(len(images)) > 20), draws, PROTOCOLS["vehicleid"])


@pytest.mark.parametrize("text", ["[", "[]", '{"a": [1]}', '{"a": []}'])
def test_another_file_holds_no_draws(tmp_path, text):
    (tmp_path / "draws.json").write_text(text)
    with pytest.raises(DatasetError, match="holds no draws"):
        read_draws(tmp_path / "draws.json")


# All of it together


@pytest.mark.parametrize("protocol", ["market", "no-camera", "image-to-track", "image-to-track-camera", "vehicleid"])
def test_options_go_together_under_every_protocol(make_images, protocol):
    query, gallery = make_images(images=3, seed=1, name="q"), make_images(images=12, seed=2, cameras=4)
    options = ScoringSettings(track_pooling=True, query_expansion=2, rerank=True)
    result = evaluate_embeddings(query, gallery, protocol, options)
    assert 0 < result.mAP <= 1


def test_index_files_speak_of_images_and_not_of_pooled_tracks(make_images):
    images = make_images()
    answers = {r.path: Answers(frozenset({images.records[0].path}), frozenset()) for r in images.records}
    assert evaluate_embeddings(images, images, "veri776-index", answers=answers).queries == len(images)
    with pytest.raises(SettingsError, match="does not go with protocol 'veri776-index'"):
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
    assert (one.mAP, one.mAP_trapezoid, one.mINP) == (other.mAP, other.mAP_trapezoid, other.mINP)


def test_camera_pairs_are_scored_as_if_each_stood_alone(make_images):
    query, gallery = make_images(seed=1, name="q"), make_images(seed=2)
    found = scores_by_camera_pair(make_trial(query, gallery, PROTOCOLS["market"]))
    assert set(found) == {(f"c{a}", f"c{b}") for a in range(3) for b in range(3) if a != b}
    for (asked, searched), result in found.items():
        sides = (
            side.select(np.array([r.camera == c for r in side.records])) for side, c in ((query, asked), (gallery, searched))
        )
        alone = score_trial(make_trial(*sides, PROTOCOLS["market"]))
        assert (result.mAP, result.mINP, result.gallery) == (alone.mAP, alone.mINP, alone.gallery)


def test_camera_pairs_follow_from_the_ranking_that_is_scored(make_images):
    """With re-ranking, too: the similarities are those of the whole gallery."""
    images = make_images()
    trial = make_trial(images, images, PROTOCOLS["market"], ScoringSettings(rerank=True))
    plain = make_trial(images, images, PROTOCOLS["market"])
    assert isinstance(plain.similarities, Cosine)
    one, other = (scores_by_camera_pair(t)["c0", "c1"].mAP for t in (trial, plain))
    assert one != other


@pytest.mark.parametrize("protocol", ["no-camera", "image-to-track", "vehicleid"])
@pytest.mark.parametrize("options", [{}, {"track_pooling": True}, {"query_expansion": 2, "rerank": True}])
def test_nothing_to_score_is_an_error_with_every_option(make_images, protocol, options):
    nothing = make_images().select(np.zeros(72, bool))
    with pytest.raises(DatasetError, match="nothing to score"):
        evaluate_embeddings(nothing, nothing, protocol, ScoringSettings(**options))


def test_embeddings_state_their_options_and_cannot_be_mirrored(make_images):
    images = make_images()
    assert evaluate_embeddings(images, images, scoring=ScoringSettings(rerank=True)).info["scoring"]["rerank"]
    with pytest.raises(SettingsError, match="--flip needs a model"):
        evaluate_embeddings(images, images, scoring=ScoringSettings(flip=True))


def test_similarities_too_large_for_float32_are_an_error():
    with pytest.raises(DatasetError, match="too large for float32"):
        evaluate_similarities(np.array([[1e300, 1]]), [image("q", "1")], [image("a", "1"), image("b", "2")])


@pytest.mark.parametrize(
    "options", [{"query_expansion": -1}, {"rerank_expansion": 0}, {"rerank_expansion": 30}, {"rerank_keep": 1.5}]
)
def test_settings_that_make_no_sense_are_refused(options):
    with pytest.raises(SettingsError):
        ScoringSettings(**options)


def test_a_result_states_what_was_done():
    assert ScoringSettings().to_dict() == {"flip": False, "track_pooling": False, "query_expansion": 0, "rerank": False}
    assert ScoringSettings(rerank=True).to_dict()["rerank_neighbours"] == 20


def slow_precision(row, right: set[int], junk: set[int]) -> float:
    """Sort, a wrong image before a right one of the same similarity, walk down, and take the mean precision at the hits."""
    ranked = sorted((i for i in range(len(row)) if i not in junk), key=lambda i: (-row[i], i in right))
    hits = [place for place, i in enumerate(ranked, 1) if i in right]
    return float(np.mean([n / place for n, place in enumerate(hits, 1)]))


def on_a_cube(random: np.random.Generator, records: list[ImageRecord]) -> Embeddings:
    """Return embeddings of a few directions, so that many tie; their products are exact."""
    return Embeddings(random.choice([-0.5, 0.5], (len(records), 4)).astype(np.float32), records)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_scores_by_index_files_are_those_of_sorting_by_them(seed):
    random = np.random.default_rng(seed)
    query = on_a_cube(random, [image(f"q{i}", "any", "c1") for i in range(4)])
    gallery = on_a_cube(random, [image(f"g{i}", "any", "c1") for i in range(9)])
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


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_scores_of_drawn_galleries_are_those_of_sorting_each(seed):
    random = np.random.default_rng(seed)
    images = on_a_cube(random, [image(f"{i}", str(i % 4)) for i in range(14)])
    draws = draw_galleries(images.records, seed % 1000)
    means = []
    for draw in draws:
        gallery = [i for i, record in enumerate(images.records) if record.path.name in draw.values()]
        rows = images.vectors @ images.vectors[gallery].T
        asked = [i for i in range(14) if i not in gallery]
        rights = [{n for n, g in enumerate(gallery) if images.records[g].identity == str(i % 4)} for i in asked]
        means.append(np.mean([slow_precision(rows[i], right, set()) for i, right in zip(asked, rights, strict=True)]))
    mean = score_draws(images, draws, PROTOCOLS["vehicleid"])
    assert mean.mAP == pytest.approx(np.mean(means))
    assert mean.deviations["mAP"] == pytest.approx(np.std(means, ddof=1), abs=1e-12)
