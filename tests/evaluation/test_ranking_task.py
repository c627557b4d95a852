"""What can be scored is known from labels alone."""

import numpy as np
import pytest

from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.ranking_task import prepare, prepare_among
from msinet.evaluation.scoring import evaluate_embeddings
from msinet.evaluation.settings import ScoringSettings


def test_a_task_says_who_asks_what_is_ranked_and_what_counts(image):
    query = [image("q", "1", "c1")]
    gallery = [image("a", "1", "c1"), image("b", "2", "c1"), image("c", "1", "c2")]
    (task,) = prepare(query, gallery)
    assert (task.protocol.name, task.asking, task.searched) == ("market", query, gallery)
    assert (task.relevance.matches[0].tolist(), task.relevance.junk[0].tolist()) == ([2], [0])


def test_tracks_are_ranked_in_place_of_images(image):
    gallery = [image("a", "1", "c2", "t"), image("b", "1", "c2", "t"), image("c", "2", "c2", "u")]
    (task,) = prepare([image("q", "1", "c1")], gallery, "image-to-track")
    assert [record.path.name for record in task.searched] == ["a", "c"]
    assert task.gallery.images is gallery
    assert [places.tolist() for places in task.tracks.members] == [[0, 1], [2]]


def test_pooled_sides_keep_the_images_to_embed(image):
    query = [image("q", "1", "c1", "s"), image("r", "1", "c1", "s")]
    (task,) = prepare(query, [image("a", "1", "c2", "t")], "market", ScoringSettings(track_pooling=True))
    assert (len(task.query.images), len(task.asking)) == (2, 1)


def test_there_is_a_task_for_each_draw(image):
    images = [image(f"{identity}{n}", identity) for identity in "12" for n in range(3)]
    tasks = prepare(images, images, "vehicleid")
    assert len(tasks) == 10
    for task in tasks:
        assert {record.path.name for record in task.searched} == set(task.draw.values())
        assert (len(task.asking), len(task.searched)) == (4, 2)


def test_the_usual_protocol_of_the_data_is_chosen_where_none_is_named(image):
    query, gallery = [image("q", "1", "c1")], [image("a", "1", "c1")]
    assert prepare(query, gallery, usual="no-camera")[0].protocol.name == "no-camera"
    with pytest.raises(DatasetError, match="no query has a match"):
        prepare(query, gallery, "market", usual="no-camera")


def test_an_unknown_protocol_is_an_error(image):
    with pytest.raises(SettingsError, match="protocol is 'marked'"):
        prepare([image("q")], [image("a")], "marked")


def test_validation_images_of_one_camera_are_scored_without_cameras(image):
    images = [image(f"{n}", str(n // 2), "cam0") for n in range(4)]
    assert prepare_among(images)[0].protocol.name == "no-camera"


def test_validation_images_of_several_cameras_are_scored_by_the_protocol_that_fits(image):
    seen_by_two = [image(f"{n}", str(n // 2), f"c{n % 2}") for n in range(4)]
    assert prepare_among(seen_by_two)[0].protocol.name == "market"
    assert prepare_among([image(f"{n}", str(n // 2)) for n in range(4)])[0].protocol.name == "no-camera"
    with pytest.raises(DatasetError, match="needs the camera of every image"):
        prepare_among([*seen_by_two, image("x", "0")])


def test_single_images_cannot_be_drawn(image):
    with pytest.raises(DatasetError, match="needs two images of an identity, and every identity has one: add images"):
        prepare([image("a", "1")], [image("b", "2")], "vehicleid")


@pytest.mark.parametrize(
    "scoring", [ScoringSettings(rerank=True), ScoringSettings(query_expansion=10)], ids=["rerank", "expand"]
)
def test_a_gallery_of_two_can_be_ranked_with_every_option(image, along, scoring):
    images = along([0, 0, 1], [image("a", "1", "c1"), image("b", "1", "c2"), image("c", "2", "c1")])
    query, gallery = images.select(np.array([True, False, False])), images.select(np.array([False, True, True]))
    assert evaluate_embeddings(query, gallery, scoring=scoring).mAP == 1
