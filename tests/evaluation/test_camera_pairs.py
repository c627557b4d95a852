import numpy as np
import pytest

from msinet.errors import DatasetError
from msinet.evaluation.camera_pairs import score_camera_pairs
from msinet.evaluation.ranking_task import prepare
from msinet.evaluation.scoring import compare, evaluate_embeddings
from msinet.evaluation.settings import ScoringSettings


def pairs_of(query, gallery, scoring=None):
    (task,) = prepare(query.records, gallery.records, "market", scoring, camera_pairs=True)
    found = score_camera_pairs(task, compare(task, query, gallery))
    return {(pair.query_camera, pair.gallery_camera): pair for pair in found}


def test_each_direction_between_two_cameras_is_scored_by_itself(image, along):
    cameras = ["c1", "c1", "c2", "c2"]
    images = along([0, 1, 0, 0], [image(str(i), identity, cameras[i]) for i, identity in enumerate("abab")])
    # From c1, a ties with the non-match b and b with the non-match a. From c2, a finds a at once, b finds a first.
    assert {pair: found.mAP for pair, found in pairs_of(images, images).items()} == {("c1", "c2"): 0.5, ("c2", "c1"): 0.75}


def test_camera_pairs_are_scored_as_if_each_stood_alone(make_images):
    query, gallery = make_images(seed=1, name="q"), make_images(seed=2)
    found = pairs_of(query, gallery)
    assert set(found) == {(f"c{a}", f"c{b}") for a in range(3) for b in range(3) if a != b}
    for (asked, searched), pair in found.items():
        sides = (
            side.select(np.array([r.camera == c for r in side.records])) for side, c in ((query, asked), (gallery, searched))
        )
        alone = evaluate_embeddings(*sides, "market")
        assert (pair.mAP, pair.rank_1, pair.queries) == (alone.mAP, alone.rank(1), alone.queries)


def test_camera_pairs_follow_from_the_ranking_that_is_scored(make_images):
    """With re-ranking, too: the similarities are those of the whole gallery."""
    images = make_images()
    plain, reranked = pairs_of(images, images), pairs_of(images, images, ScoringSettings(rerank=True))
    assert plain["c0", "c1"].mAP != reranked["c0", "c1"].mAP


def test_an_image_without_a_camera_is_named_beforehand(image):
    with pytest.raises(DatasetError, match="camera_pairs needs the camera of every image, and b has none"):
        prepare([image("a", "1", "c1")], [image("b", "1")], "no-camera", camera_pairs=True)
