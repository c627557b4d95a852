from pathlib import Path

import numpy as np
import pytest

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
