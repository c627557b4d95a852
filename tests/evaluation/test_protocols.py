from pathlib import Path

import pytest

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.protocols import PROTOCOLS, choose_protocol

WITH_CAMERA = ImageRecord(Path("a.jpg"), "1", camera="c1")
WITHOUT_CAMERA = ImageRecord(Path("b.jpg"), "1")


def test_market_where_every_image_has_a_camera():
    assert choose_protocol([WITH_CAMERA], [WITH_CAMERA]).name == "market"


def test_no_camera_where_one_image_has_none():
    assert choose_protocol([WITH_CAMERA], [WITH_CAMERA, WITHOUT_CAMERA]).name == "no-camera"


def test_a_named_protocol_is_taken():
    assert choose_protocol([WITH_CAMERA], [WITH_CAMERA], "no-camera") is PROTOCOLS["no-camera"]


def test_market_without_cameras_says_which_to_take_instead():
    with pytest.raises(DatasetError, match=r"b\.jpg has none.*take protocol 'no-camera'"):
        choose_protocol([WITHOUT_CAMERA], [WITH_CAMERA], "market")


def test_an_unknown_protocol_lists_the_known_ones():
    with pytest.raises(SettingsError, match=r"'cuhk'.*market, no-camera"):
        choose_protocol([WITH_CAMERA], [WITH_CAMERA], "cuhk")
