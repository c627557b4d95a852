import pytest

from msinet.data.readers import veri776

LABELS = """<?xml version="1.0" encoding="{}"?>
<TestImages Version="1.0"><Items number="1">
<Item imageName="0002_c002_00030600_0.jpg" vehicleID="0002" cameraID="c002" colorID="5" typeID="3" note="红" />
</Items></TestImages>
"""


def test_a_name_gives_identity_camera_and_time(veri):
    record = veri776.read(veri).query[0]
    assert (record.identity, record.camera, record.fields) == ("0002", "c002", {"time": "00030600"})


def test_the_gallery_is_image_test(veri):
    splits = veri776.read(veri)
    assert (len(splits.train), len(splits.query), len(splits.gallery)) == (3, 1, 3)


def test_the_list_of_names_fixes_the_images_and_their_order(veri):
    (veri / "name_train.txt").write_text("0003_c001_00000001_0.jpg\r\n0001_c001_00016450_0.jpg\r\n\r\n")
    splits = veri776.read(veri)
    assert [record.identity for record in splits.train] == ["0003", "0001"]
    assert [left_out.reason for left_out in splits.skipped] == ["not listed in name_train.txt"]


def test_a_missing_image_is_left_out(veri):
    (veri / "name_query.txt").write_text("0002_c002_00030600_0.jpg\n0002_c002_99999999_0.jpg\n")
    (left_out,) = veri776.read(veri).skipped
    assert left_out.path == veri / "image_query" / "0002_c002_99999999_0.jpg"


def test_a_file_with_another_name_is_left_out(veri, write_images):
    write_images(veri, "image_train/holiday.jpg")
    assert [left_out.path.name for left_out in veri776.read(veri).skipped] == ["holiday.jpg"]


@pytest.mark.parametrize("encoding", ["gb2312", "utf-8"])
def test_labels_are_read_in_their_declared_encoding(veri, encoding):
    (veri / "test_label.xml").write_text(LABELS.format(encoding), encoding=encoding)
    splits = veri776.read(veri)
    assert splits.query[0].fields == {"time": "00030600", "color": "5", "type": "3"}
    assert "color" not in splits.gallery[1].fields


def test_colours_and_types_are_words_where_the_words_are_known(veri):
    (veri / "test_label.xml").write_text(LABELS.format("utf-8"), encoding="utf-8")
    (veri / "list_color.txt").write_text("\ufeff4 gray\r\n5 red\r\n", encoding="utf-8")
    (veri / "list_type.txt").write_text("1 sedan\n")
    assert veri776.read(veri).query[0].fields == {"time": "00030600", "color": "red", "type": "3"}


@pytest.mark.parametrize("text", ["<broken", LABELS.format("klingon")])
def test_images_with_broken_labels_are_kept(veri, text):
    (veri / "test_label.xml").write_text(text, encoding="utf-8")
    splits = veri776.read(veri)
    assert len(splits.gallery) == 3
    assert "labels cannot be read" in splits.skipped[0].reason


@pytest.mark.parametrize("name", ["T1", "0002_c002_00030600_0.jpg"])
def test_a_line_of_test_track_is_a_track(veri, name):
    (veri / "test_track.txt").write_text(f"{name} 0002_c002_00030600_0.jpg 0002_c002_00030605_1.jpg \n")
    assert [record.track for record in veri776.read(veri).gallery] == [name, name, None]


def test_a_listed_path_that_leads_out_is_left_out(veri, write_images):
    write_images(veri, "0009_c001_00000001_0.jpg")
    (veri / "name_query.txt").write_text("../0009_c001_00000001_0.jpg\n0002_c002_00030600_0.jpg\n")
    splits = veri776.read(veri)
    assert len(splits.query) == 1
    assert splits.skipped[0].reason == "'../0009_c001_00000001_0.jpg' leads out of the dataset"


def test_a_part_of_the_published_dataset_gets_a_remark(veri):
    assert veri776.read(veri).remarks == (
        "differs from the published VeRi-776: train has 2 identities and 3 images instead of 576 and 37,778; "
        "query has 1 identities and 1 images instead of 200 and 1,678; "
        "gallery has 1 identities and 3 images instead of 200 and 11,579",
    )


@pytest.mark.parametrize("world", ["world.json", "world.json.unfinished"])
def test_a_synthetic_world_gets_no_remark(veri, world):
    (veri / world).write_text("{}")
    assert veri776.read(veri).remarks == ()
