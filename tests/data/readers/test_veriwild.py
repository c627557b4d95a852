import os

from msinet.data.doctor import examine
from msinet.data.readers import veriwild as reader
from msinet.data.readers.detect import load_splits
from msinet.data.records import RetrievalTask, identities


def test_the_folder_is_the_identity_and_the_camera_is_in_vehicle_info(veriwild):
    record = reader.read(veriwild).train[1]
    assert (record.path, record.identity, record.camera) == (veriwild / "images/00001/000002.jpg", "00001", "2")
    assert record.fields == {"time": "2018-03-11 08:24:02", "model": "Audi A4", "type": "SUV", "color": "white"}


def test_each_pair_of_test_lists_is_a_task_the_smallest_first(veriwild):
    splits = reader.read(veriwild)
    assert list(splits.tasks) == ["1", "2"]
    assert splits.tasks["1"] == RetrievalTask(splits.query, splits.gallery)
    assert [identities(task.query) for task in splits.tasks.values()] == [["00007"], ["00007", "00008"]]
    assert [record.path.name for record in splits.tasks["2"].gallery] == ["000004.jpg", "000006.jpg"]


def test_it_is_scored_by_its_cameras(veriwild):
    assert reader.read(veriwild).protocol is None


def test_lists_may_have_their_other_names_and_more_words(veriwild):
    split = veriwild / "train_test_split"
    (split / "train_list.txt").rename(split / "train_list_start0.txt")
    (split / "test_1_query.txt").rename(split / "test_1_id_query.txt")
    (split / "test_1.txt").unlink()
    (split / "test_1_id.txt").write_text("00007/000004.jpg 0 4\r\n")
    splits = reader.read(veriwild)
    assert (len(splits.train), len(splits.query), len(splits.gallery)) == (2, 1, 1)
    assert splits.skipped == ()


def test_queries_without_their_gallery_are_no_task(veriwild):
    (veriwild / "train_test_split" / "test_1.txt").unlink()
    splits = reader.read(veriwild)
    assert list(splits.tasks) == ["2"]
    assert [left_out.reason for left_out in splits.skipped] == ["test_1.txt, its gallery, is not there"]


def test_a_missing_image_is_told_once(veriwild):
    (veriwild / "images/00007/000004.jpg").unlink()
    splits = reader.read(veriwild)
    missing, empty = splits.skipped
    assert (missing.path, missing.reason) == (
        veriwild / "images/00007/000004.jpg",
        "listed in test_1.txt, but not there",
    )
    assert (empty.path.name, empty.reason) == ("test_1.txt", "none of its images is there")


def test_broken_lines_are_told_by_their_number(veriwild, write_images):
    write_images(veriwild, "images/1.jpg images/00001/deep/1.jpg")
    (veriwild / "train_test_split" / "train_list.txt").write_text(
        "00001/000001\n1.jpg\n00001/deep/1.jpg\n../../etc/passwd\n"
    )
    splits = reader.read(veriwild)
    assert len(splits.train) == 1
    assert [left_out.reason for left_out in splits.skipped] == [
        "line 2: '1.jpg' is not like identity/image",
        "line 3: '00001/deep/1.jpg' is not like identity/image",
        "line 4: '../../etc/passwd' leads out of the data set",
    ]


def test_a_broken_line_about_an_image_costs_its_camera(veriwild):
    info = veriwild / "train_test_split" / "vehicle_info.txt"
    info.write_text(info.read_text().replace("00001/000001;1;", "00001/000001;"))
    splits = reader.read(veriwild)
    assert splits.train[0].camera is None
    assert splits.skipped[0].reason.startswith("line 2: '00001/000001;2018-03-11 08:24:01;Audi A4;SUV;white' is not like")


def test_without_vehicle_info_no_cameras_are_known(veriwild):
    (veriwild / "train_test_split" / "vehicle_info.txt").unlink()
    splits = reader.read(veriwild)
    assert {record.camera for record in splits.gallery} == {None}
    assert "no cameras" in {finding.name for finding in examine(splits)}


def test_a_name_with_a_nul_byte_is_only_not_there(veriwild):
    (veriwild / "train_test_split" / "train_list.txt").write_bytes(b"00001/000001\n0000\x001/000002\n")
    assert len(reader.read(veriwild).train) == 1


def test_folders_are_listed_once_and_images_are_not_asked_for_one_by_one(veriwild, monkeypatch):
    listed, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(folder) or scandir(folder))
    reader.read(veriwild)
    images = [folder for folder in listed if folder.is_relative_to(veriwild / "images")]
    assert sorted(images) == [veriwild / "images" / vehicle for vehicle in ("00001", "00007", "00008")]


def test_a_part_of_the_published_one_is_remarked_on(veriwild):
    (remark,) = reader.read(veriwild).remarks
    assert "train has 1 identities and 2 images instead of 30,671 and 277,797" in remark
    assert "gallery of 10000 is missing" in remark


def test_the_doctor_looks_at_all_tasks(veriwild):
    (veriwild / "train_test_split" / "test_2_query.txt").write_text("00007/000003\n00001/000001\n")
    findings = {finding.name: finding.count for finding in examine(reader.read(veriwild))}
    assert findings["identities in both train and test"] == 1
    assert findings["query identities that do not appear in gallery"] == 1


def test_it_can_be_loaded_as_it_is(veriwild):
    assert list(load_splits(veriwild).tasks) == ["1", "2"]
