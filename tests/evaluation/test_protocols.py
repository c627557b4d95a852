from pathlib import Path

import pytest

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.protocols import PROTOCOLS, choose_protocol

WITH_CAMERA = ImageRecord(Path("a.jpg"), "1", camera="c1")
WITHOUT_CAMERA = ImageRecord(Path("b.jpg"), "1")


def test_market_where_every_image_has_a_camera():
    assert choose_protocol([WITH_CAMERA], [WITH_CAMERA]).name == "market"


def test_no_camera_where_no_image_has_one():
    assert choose_protocol([WITHOUT_CAMERA], [WITHOUT_CAMERA]).name == "no-camera"


def test_one_missing_camera_does_not_change_the_rule_in_silence():
    with pytest.raises(DatasetError, match=r"1 of 2 images have none, the first b\.jpg"):
        choose_protocol([WITH_CAMERA], [WITH_CAMERA, WITHOUT_CAMERA])


def test_a_named_protocol_is_chosen():
    assert choose_protocol([WITH_CAMERA], [WITH_CAMERA], "no-camera") is PROTOCOLS["no-camera"]


def test_market_without_cameras_says_which_to_choose_instead():
    with pytest.raises(DatasetError, match=r"the first b\.jpg: .*choose protocol 'no-camera'"):
        choose_protocol([WITHOUT_CAMERA], [WITH_CAMERA], "market")


def test_an_unknown_protocol_lists_the_known_ones():
    with pytest.raises(SettingsError, match=r"'cuhk'.*market, no-camera"):
        choose_protocol([WITH_CAMERA], [WITH_CAMERA], "cuhk")


def test_the_datasets_usual_protocol_comes_before_the_cameras():
    assert choose_protocol([WITH_CAMERA], [WITH_CAMERA], None, "no-camera").name == "no-camera"
    assert choose_protocol([WITH_CAMERA], [WITH_CAMERA], "market", "no-camera").name == "market"


def test_only_the_gallery_needs_tracks():
    track = ImageRecord(Path("t.jpg"), "1", camera="c2", track="7")
    assert choose_protocol([WITH_CAMERA], [track], "image-to-track").by_tracks
    with pytest.raises(DatasetError, match=r"needs the track of every image.*the first a\.jpg: .*protocol 'market'"):
        choose_protocol([WITH_CAMERA], [track, WITH_CAMERA], "image-to-track")


def test_every_protocol_says_its_rule_in_one_sentence():
    for name, protocol in PROTOCOLS.items():
        assert name == protocol.name
        assert protocol.description.endswith(".")
        assert ". " not in protocol.description
