import pytest

from msinet.data.readers import market1501
from msinet.data.records import identities


def test_a_name_gives_identity_and_camera(market):
    record = market1501.read(market).train[0]
    assert (record.identity, record.camera) == ("0002", "c1")


def test_the_gallery_is_bounding_box_test(market):
    assert {record.path.parent.name for record in market1501.read(market).gallery} == {"bounding_box_test"}


def test_junk_is_left_out_with_its_reason(market):
    splits = market1501.read(market)
    assert "-1" not in identities(splits.gallery)
    assert [left_out.reason for left_out in splits.skipped] == ["junk: identity -1"]


def test_distractors_stay_in_the_gallery(market):
    assert "0000" in identities(market1501.read(market).gallery)


def test_a_file_with_another_name_is_left_out(market, write_images):
    write_images(market, "query/holiday.jpg")
    assert market1501.read(market).skipped[0].path.name == "holiday.jpg"


def test_thumbs_are_ignored(market):
    (market / "query" / "Thumbs.db").touch()
    assert all(left_out.path.name != "Thumbs.db" for left_out in market1501.read(market).skipped)


def test_a_part_of_the_published_dataset_gets_a_remark(market):
    (remark,) = market1501.read(market).remarks
    assert "gallery has 2 identities and 2 images instead of 751 and 15,913" in remark


def test_another_dataset_in_the_same_folders_gets_no_remark(tmp_path, write_images):
    duke = write_images(tmp_path, "bounding_box_train/0001_c2_f0046182.jpg bounding_box_train/0002_c1_f0044158.jpg")
    assert market1501.read(duke).remarks == ()


@pytest.mark.parametrize("folder, known", [("bounding_box_train", True), ("query", False)])
def test_query_alone_is_not_recognised(tmp_path, folder, known):
    (tmp_path / folder).mkdir()
    assert market1501.recognises(tmp_path) is known
