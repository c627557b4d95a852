from pathlib import Path

import numpy as np
import pytest

from msinet.cli.options import as_options
from msinet.data.records import Answers, ImageRecord
from msinet.errors import DatasetError
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.relevance import relevance_of

QUERY = ImageRecord(Path("a.jpg"), "1", camera="c1")


def image(name: str, identity: str = "1", camera: str | None = "c2") -> ImageRecord:
    return ImageRecord(Path(name), identity, camera)


@pytest.mark.parametrize(
    ("protocol", "gallery", "answered"),
    [
        ("market", image("b.jpg", camera="c2"), True),
        ("market", image("b.jpg", camera="c1"), False),
        ("market", image("b.jpg", identity="2"), False),
        ("no-camera", image("b.jpg", camera=None), True),
        ("no-camera", image("a.jpg", camera=None), False),
    ],
)
def test_whether_any_query_can_be_answered_follows_from_the_labels(protocol, gallery, answered):
    if answered:
        relevance_of([QUERY], [gallery], PROTOCOLS[protocol])
    else:
        with pytest.raises(DatasetError):
            relevance_of([QUERY], [gallery], PROTOCOLS[protocol])


def test_matches_and_junk_are_positions_in_the_gallery():
    gallery = [image("g0", camera="c1"), image("g1", "2"), image("g2"), image("g3", camera="c3")]
    relevance = relevance_of([image("other", "2", "c9"), QUERY], gallery, PROTOCOLS["market"])
    assert [relevance.matches[q].tolist() for q in (0, 1)] == [[1], [2, 3]]
    assert [relevance.junk[q].tolist() for q in (0, 1)] == [[], [0]]


def test_a_part_of_the_gallery_keeps_its_own_positions():
    gallery = [image("g0", camera="c1"), image("g1", "2"), image("g2"), image("g3", camera="c3")]
    matches = relevance_of([QUERY], gallery, PROTOCOLS["market"]).matches.within(np.array([3, 1]), 4)
    assert matches[0].tolist() == [0]


def test_lists_of_the_dataset_win_over_labels():
    """g0 is of another identity and a match, g1 of the query's own and none."""
    answers = {QUERY.path: Answers(frozenset({Path("g0")}), frozenset({Path("g2"), Path("gone")}))}
    gallery = [image("g0", "2"), image("g1"), image("g2")]
    relevance = relevance_of([QUERY], gallery, PROTOCOLS["veri776-index"], answers)
    assert (relevance.matches[0].tolist(), relevance.junk[0].tolist()) == ([0], [2])


def test_a_query_that_the_lists_do_not_name_is_an_error():
    with pytest.raises(DatasetError, match=r"gt_index\.txt and jk_index\.txt, and they do not name 1 queries.*a\.jpg"):
        relevance_of([QUERY], [image("g0")], PROTOCOLS["veri776-index"], {})


# Why no query has a match


def why(query: list[ImageRecord], gallery: list[ImageRecord], protocol: str = "market") -> DatasetError:
    with pytest.raises(DatasetError) as error:
        relevance_of(
            query, gallery, PROTOCOLS[protocol], {record.path: Answers(frozenset(), frozenset()) for record in query}
        )
    return error.value


def test_one_camera_says_that_protocol_no_camera_scores_it():
    images = [image(f"{n}.jpg", str(n // 2), "cam0") for n in range(4)]
    error = why(images, images)
    assert "all gallery images of its identity are from the only camera, 'cam0', and 'market' leaves those out" in str(error)
    assert "Set --protocol to no-camera" in as_options(error, "evaluate")
    assert relevance_of(images, images, PROTOCOLS["no-camera"]).matches.lengths.tolist() == [1] * 4


@pytest.mark.parametrize("protocol", ["market", "image-to-track", "image-to-track-camera"])
def test_identities_that_keep_to_one_camera_each(protocol):
    images = [image(f"{n}.jpg", str(n // 2), f"c{n // 2}") for n in range(4)]
    error = why(images, images, protocol)
    assert f"are from the query's own camera, and {protocol!r} leaves those out" in str(error)
    assert "or check the labels of the cameras" in str(error)


@pytest.mark.parametrize("protocol", ["market", "no-camera", "image-to-track"])
def test_a_single_image_of_each_identity_is_no_question_of_the_protocol(protocol):
    images = [image(f"{n}.jpg", str(n), f"c{n % 2}") for n in range(4)]
    error = why(images, images, protocol)
    assert "no query has a match besides itself: each identity has a single image" in str(error)
    assert not error.settings


def test_the_same_files_on_both_sides_in_one_camera_are_not_blamed_on_single_images():
    images = [image("0.jpg", "1", "c1"), image("1.jpg", "1", "c1"), image("2.jpg", "2", "c1")]
    assert "the only camera, 'c1'" in str(why(images[:1], images))
    assert "a single image" in str(why(images[2:], images))


def test_identities_that_are_written_otherwise():
    assert "'0001' and '1'): check that both belong to one dataset" in str(
        why([image("q", "0001", "c1")], [image("g", "1")])
    )


def test_lists_without_matches_are_named():
    assert "gt_index.txt names no gallery image" in str(why([QUERY], [image("g")], "veri776-index"))


@pytest.mark.parametrize(("query", "gallery"), [([], [QUERY]), ([QUERY], []), ([], [])])
def test_nothing_to_score_says_what_to_add(query, gallery):
    words = f"nothing to score: {len(query)} query and {len(gallery)} gallery images. Add the one that is missing"
    assert words in str(why(query, gallery))
