"""Tracks, pooled or ranked in place of images."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError
from msinet.evaluation.ranking_task import prepare
from msinet.evaluation.scoring import evaluate_embeddings, evaluate_similarities
from msinet.evaluation.settings import ScoringSettings
from msinet.evaluation.tracks import pool_tracks, tracks_of

POOLED = ScoringSettings(track_pooling=True)


def test_a_pooled_track_is_the_mean_of_its_images(image):
    records = [image("a", "1", "c1", "t"), image("b", "1", "c1", "t"), image("c", "1", "c2", "t"), image("d", "1", "c1")]
    pooled = pool_tracks(Embeddings(np.eye(4, dtype=np.float32), records), tracks_of(records))
    assert [record.path.name for record in pooled.records] == ["a", "c", "d"]  # a track is of one camera
    np.testing.assert_allclose(pooled.vectors[0], [0.5**0.5, 0.5**0.5, 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(pooled.vectors[1:], np.eye(4)[2:])


def test_without_tracks_nothing_can_be_pooled(image):
    with pytest.raises(DatasetError, match="no image has a track"):
        prepare([image("q")], [image("a")], "no-camera", POOLED)


def test_a_track_that_holds_the_query_itself_is_junk_by_its_file(image):
    query = Embeddings(np.array([[1, 0]], np.float32), [image("q", "1", track="t")])
    labels = [("a", "1", "t"), ("q", "1", "t"), ("b", "1", "u"), ("c", "2", "v")]
    records = [image(name, identity, track=track) for name, identity, track in labels]
    gallery = Embeddings(np.array([[0.8, 0.6], [1, 0], [0, 1], [0.6, 0.8]], np.float32), records)
    result = evaluate_embeddings(query, gallery, "no-camera", POOLED)
    assert (result.mAP, result.queries) == (1 / 2, 1)  # u after the non-match v; t holds the query


def test_queries_without_tracks_are_searched_among_pooled_tracks(image, along):
    query = along([0], [image("q", "1", "c1")])
    gallery = along([0, 1], [image("a", "1", "c2", "t"), image("b", "1", "c2", "t")])
    assert evaluate_embeddings(query, gallery, "market", POOLED).gallery == 1


@pytest.mark.parametrize(
    ("protocol", "precision"),
    [
        ("image-to-track", 1 / 3),  # of the tracks c 0.9, d 0.8, b max(0.1, 0.7), the third matches; a is junk
        ("image-to-track-camera", 1 / 2),  # c is junk too
    ],
)
def test_a_track_is_as_similar_as_its_nearest_image(image, protocol, precision):
    tracks = [
        image("g0", "1", "c1", "a"),  # the query's own identity in its own camera
        image("g1", "1", "c2", "b"),
        image("g2", "2", "c1", "c"),  # another identity in the query's camera
        image("g3", "2", "c3", "d"),
        image("g4", "1", "c2", "b"),
    ]
    similarities = np.array([[1.0, 0.1, 0.9, 0.8, 0.7]])
    result = evaluate_similarities(similarities, [image("q", "1", "c1")], tracks, protocol)
    assert (result.mAP, result.gallery) == (pytest.approx(precision), 4)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["image-to-track", "image-to-track-camera"]))
def test_image_to_track_is_image_to_image_of_the_best_image_of_each_track(seed, protocol):
    random = np.random.default_rng(seed)
    query = [ImageRecord(Path(f"q{i}"), "1", f"c{i}") for i in range(3)]
    gallery = [ImageRecord(Path(f"g{i}"), str(i % 3), f"c{i % 4}", f"t{i % 12}") for i in range(30)]
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
        hits = [place for place, (_, is_match) in enumerate(ranked, 1) if is_match]
        precisions.append(np.mean([n / place for n, place in enumerate(hits, 1)]))
    result = evaluate_similarities(similarities, query, gallery, protocol)
    np.testing.assert_allclose(result.average_precision, precisions)
