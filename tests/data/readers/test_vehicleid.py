import pytest

from msinet.data.readers import vehicleid as reader
from msinet.data.readers.detect import load_splits
from msinet.data.records import RetrievalTask, identities


def test_a_line_gives_image_and_identity(vehicleid):
    record = reader.read(vehicleid).train[0]
    assert (record.path, record.identity, record.camera) == (vehicleid / "image" / "0000001.jpg", "1", None)


def test_each_test_list_is_a_task_the_smallest_first(vehicleid):
    split = vehicleid / "train_test_split"
    (split / "test_list_10.txt").write_text((split / "test_list_3.txt").read_text())
    splits = reader.read(vehicleid)
    assert list(splits.tasks) == ["2", "3", "10"]
    assert splits.tasks["2"] == RetrievalTask(splits.query, splits.gallery)
    assert [len(identities(task.query)) for task in splits.tasks.values()] == [2, 3, 3]


def test_all_images_of_a_task_are_query_and_gallery_under_its_own_protocol(vehicleid):
    splits = reader.read(vehicleid)
    assert splits.query == splits.gallery
    assert splits.protocol == "vehicleid"


def test_colour_and_model_are_words_where_the_words_are_known(vehicleid):
    fields = {record.identity: record.fields for record in reader.read(vehicleid).tasks["3"].query}
    assert fields == {"7": {"color": "red", "model": "Audi A6L"}, "8": {"model": "5"}, "9": {}}


def test_chinese_words_are_read_in_either_encoding(vehicleid):
    for encoding in ("utf-8", "gb18030"):
        (vehicleid / "attribute" / "model_names.txt").write_text("奥迪A6L 2\n", encoding=encoding)
        assert reader.read(vehicleid).query[0].fields["model"] == "奥迪A6L"


def test_a_missing_image_is_left_out_once(vehicleid):
    (vehicleid / "image" / "0000003.jpg").unlink()
    (left_out,) = reader.read(vehicleid).skipped
    assert left_out.path == vehicleid / "image" / "0000003.jpg"
    assert left_out.reason == "listed in test_list_2.txt, but missing"


@pytest.mark.parametrize("file", ["train_test_split/train_list.txt", "attribute/color_attr.txt"])
def test_a_broken_line_is_named_by_number(vehicleid, file):
    (vehicleid / file).write_bytes(b"\xef\xbb\xbf0000001 1\r\n\r\n0000002 1 0000003\r\n")
    (left_out,) = reader.read(vehicleid).skipped
    assert left_out.path == vehicleid / file
    assert left_out.reason.startswith("line 3: '0000002 1 0000003' is not like: ")


def test_a_path_that_leads_out_is_left_out(vehicleid, write_images):
    write_images(vehicleid.parent, "secret.jpg")
    (vehicleid / "train_test_split" / "train_list.txt").write_text("../../secret.jpg 1\n/etc/passwd 1\n0000001 1\n")
    splits = reader.read(vehicleid)
    assert len(splits.train) == 1
    assert [left_out.reason for left_out in splits.skipped] == [
        "line 1: '../../secret.jpg' leads out of the dataset",
        "line 2: '/etc/passwd' leads out of the dataset",
    ]


def test_a_list_without_images_is_left_out(vehicleid):
    (vehicleid / "train_test_split" / "test_list_9.txt").write_text("\n")
    splits = reader.read(vehicleid)
    assert list(splits.tasks) == ["2", "3"]
    assert splits.skipped[0].reason == "none of its images exists"


def test_a_part_of_the_published_dataset_gets_a_remark(vehicleid):
    (remark,) = reader.read(vehicleid).remarks
    assert remark.startswith(
        "differs from the published VehicleID: train has 1 identities and 2 images instead of 13,164 and 113,346; "
        "query of 800 is missing"
    )


def test_it_can_be_loaded_as_it_is(vehicleid):
    assert list(load_splits(vehicleid).tasks) == ["2", "3"]
