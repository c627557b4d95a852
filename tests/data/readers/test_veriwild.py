from msinet.data.doctor.checks import examine
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


def test_its_protocol_follows_from_its_cameras(veriwild):
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


def test_queries_without_a_gallery_are_left_out(veriwild):
    (veriwild / "train_test_split" / "test_1.txt").unlink()
    splits = reader.read(veriwild)
    assert list(splits.tasks) == ["2"]
    assert [left_out.reason for left_out in splits.skipped] == ["its gallery, test_1.txt, is missing"]


def test_a_missing_image_is_left_out_once(veriwild):
    (veriwild / "images/00007/000004.jpg").unlink()
    splits = reader.read(veriwild)
    missing, empty = splits.skipped
    assert (missing.path, missing.reason) == (
        veriwild / "images/00007/000004.jpg",
        "listed in test_1.txt, but missing",
    )
    assert (empty.path.name, empty.reason) == ("test_1.txt", "none of its images exists")


def test_broken_lines_are_named_by_number(veriwild, write_images):
    write_images(veriwild, "images/1.jpg images/00001/deep/1.jpg")
    (veriwild / "train_test_split" / "train_list.txt").write_text(
        "00001/000001\n1.jpg\n00001/deep/1.jpg\n../../etc/passwd\n"
    )
    splits = reader.read(veriwild)
    assert len(splits.train) == 1
    assert [left_out.reason for left_out in splits.skipped] == [
        "line 2: '1.jpg' is not like identity/image",
        "line 3: '00001/deep/1.jpg' is not like identity/image",
        "line 4: '../../etc/passwd' leads out of the dataset",
    ]


def test_an_image_with_a_broken_line_has_no_camera(veriwild):
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


def test_a_name_with_a_nul_byte_is_a_missing_image(veriwild):
    (veriwild / "train_test_split" / "train_list.txt").write_bytes(b"00001/000001\n0000\x001/000002\n")
    assert len(reader.read(veriwild).train) == 1


def test_a_part_of_the_published_dataset_gets_a_remark(veriwild):
    (remark,) = reader.read(veriwild).remarks
    assert "train has 1 identities and 2 images instead of 30,671 and 277,797" in remark
    assert "gallery of 10000 is missing" in remark


def test_the_doctor_checks_all_tasks(veriwild):
    (veriwild / "train_test_split" / "test_2_query.txt").write_text("00007/000003\n00001/000001\n")
    findings = {finding.name: finding.count for finding in examine(reader.read(veriwild))}
    assert findings["identities in both train and test"] == 1
    assert findings["query identities missing from the gallery"] == 1


def test_it_can_be_loaded_as_it_is(veriwild):
    assert list(load_splits(veriwild).tasks) == ["1", "2"]
