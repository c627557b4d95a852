from pathlib import Path

import pytest

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.protocols import PROTOCOLS, choose_protocol, require_answers

WITH_CAMERA = ImageRecord(Path("a.jpg"), "1", camera="c1")
WITHOUT_CAMERA = ImageRecord(Path("b.jpg"), "1")


def test_market_where_every_image_has_a_camera():
    assert choose_protocol([WITH_CAMERA], [WITH_CAMERA]).name == "market"


def test_no_camera_where_no_image_has_one():
    assert choose_protocol([WITHOUT_CAMERA], [WITHOUT_CAMERA]).name == "no-camera"


def test_one_missing_camera_does_not_change_the_rule_in_silence():
    with pytest.raises(DatasetError, match=r"b\.jpg has none"):
        choose_protocol([WITH_CAMERA], [WITH_CAMERA, WITHOUT_CAMERA])


@pytest.mark.parametrize(
    ("protocol", "gallery", "answered"),
    [
        ("market", ImageRecord(Path("b.jpg"), "1", camera="c2"), True),
        ("market", ImageRecord(Path("b.jpg"), "1", camera="c1"), False),
        ("market", ImageRecord(Path("b.jpg"), "2", camera="c2"), False),
        ("no-camera", ImageRecord(Path("b.jpg"), "1"), True),
        ("no-camera", ImageRecord(Path("a.jpg"), "1"), False),
    ],
)
def test_whether_any_query_can_be_answered_follows_from_the_labels(protocol, gallery, answered):
    if answered:
        require_answers([WITH_CAMERA], [gallery], PROTOCOLS[protocol])
    else:
        with pytest.raises(DatasetError):
            require_answers([WITH_CAMERA], [gallery], PROTOCOLS[protocol])


def test_a_named_protocol_is_taken():
    assert choose_protocol([WITH_CAMERA], [WITH_CAMERA], "no-camera") is PROTOCOLS["no-camera"]


def test_market_without_cameras_says_which_to_take_instead():
    with pytest.raises(DatasetError, match=r"b\.jpg has none.*take protocol 'no-camera'"):
        choose_protocol([WITHOUT_CAMERA], [WITH_CAMERA], "market")


def test_an_unknown_protocol_lists_the_known_ones():
    with pytest.raises(SettingsError, match=r"'cuhk'.*market, no-camera"):
        choose_protocol([WITH_CAMERA], [WITH_CAMERA], "cuhk")
