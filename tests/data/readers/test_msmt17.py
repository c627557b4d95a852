import pytest

from msinet.data.readers import msmt17 as reader
from msinet.data.readers.detect import load_splits
from msinet.data.records import identities


@pytest.fixture(params=["msmt17", "msmt17_v2"])
def either(request):
    """Return a copy of version 1, and of version 2."""
    return request.getfixturevalue(request.param)


def test_the_third_number_of_a_name_is_the_camera(either):
    record = reader.read(either).query[0]
    assert (record.camera, record.fields) == ("05", {"time": "0114noon"})


def test_people_of_training_and_test_are_numbered_apart(either):
    splits = reader.read(either)
    assert identities(splits.train) == ["train 0"]
    assert identities(splits.query) == identities(splits.gallery) == ["test 0"]


def test_val_shows_the_people_of_train_and_joins_it(either):
    splits = reader.read(either)
    assert [record.camera for record in splits.train] == ["01", "04"]
    assert splits.validation == ()


def test_without_val_train_is_alone(either):
    (either / "list_val.txt").unlink()
    assert len(reader.read(either).train) == 1


def test_a_missing_image_is_left_out(either):
    (missing,) = either.glob("*/0000/0000_009_14_0114noon_0744_1.jpg")
    missing.unlink()
    (left_out,) = reader.read(either).skipped
    assert (left_out.path, left_out.reason) == (missing, "listed in list_gallery.txt, but missing")


def test_broken_lines_are_named_by_number(either, write_images):
    (train,) = either.glob("*train*/")
    write_images(train, "0000/holiday.jpg")
    (either / "list_train.txt").write_bytes(b"\xef\xbb\xbf0000/holiday.jpg 0\r\n0000 0 0\r\n../list_train.txt 0\r\n\r\n")
    assert [left_out.reason for left_out in reader.read(either).skipped] == [
        "line 1: '0000/holiday.jpg' is not like 0000/0000_000_01_0303morning_0015_0.jpg",
        "line 2: '0000 0 0' is not like: image identity",
        "line 3: '../list_train.txt' leads out of the dataset",
    ]


def test_names_may_have_backslashes(either):
    (either / "list_train.txt").write_text("0000\\0000_000_01_0303morning_0015_0.jpg 0\n")
    assert len(reader.read(either).train) == 2


def test_a_part_of_the_published_dataset_gets_a_remark(either):
    (remark,) = reader.read(either).remarks
    assert remark.startswith(
        "differs from the published MSMT17: train has 1 identities and 2 images instead of 1,041 and 32,621"
    )


def test_it_can_be_loaded_as_it_is(either):
    assert len(load_splits(either).gallery) == 1


def test_one_list_beside_a_train_folder_is_not_recognised(either):
    for part in ("val", "query", "gallery"):
        assert reader.recognises(either)
        (either / f"list_{part}.txt").unlink()
    assert not reader.recognises(either)
