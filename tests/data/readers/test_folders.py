import pytest

from msinet.data.readers import folders
from msinet.data.records import identities


def test_the_folder_is_the_identity(identity_folders):
    splits = folders.read(identity_folders)
    assert identities(splits.train + splits.query) == ["blue", "green", "red"]


def test_without_splits_the_identities_are_halved(identity_folders):
    splits = folders.read(identity_folders)
    assert (len(identities(splits.train)), len(identities(splits.query))) == (2, 1)
    assert splits.query == splits.gallery


def test_cameras_are_not_read_from_file_names(tmp_path, write_images):
    splits = folders.read(write_images(tmp_path, "red/0001_c002_cam3.jpg"))
    assert splits.train[0].camera is None


def test_a_folder_below_the_identity_is_the_camera(tmp_path, write_images):
    splits = folders.read(write_images(tmp_path, "red/gate/1.jpg red/yard/1.jpg red/1.jpg"))
    assert [record.camera for record in splits.train] == [None, "gate", "yard"]


def test_folders_named_as_splits_are_splits(tmp_path, write_images):
    folder = write_images(tmp_path, "train/a/1.jpg val/b/1.jpg query/c/1.jpg gallery/c/2.jpg gallery/d/1.jpg")
    splits = folders.read(folder)
    found = [identities(part) for part in (splits.train, splits.validation, splits.query, splits.gallery)]
    assert found == [["a"], ["b"], ["c"], ["c", "d"]]


def test_test_is_query_and_gallery(tmp_path, write_images):
    splits = folders.read(write_images(tmp_path, "Train/a/1.jpg Test/b/gate/1.jpg Test/b/yard/1.jpg"))
    assert len(splits.train) == 1
    assert len(splits.query) == len(splits.gallery) == 2


def test_entries_beside_the_splits_are_left_out(tmp_path, write_images):
    splits = folders.read(write_images(tmp_path, "train/a/1.jpg spare/b/1.jpg train/flat.jpg"))
    assert {left_out.path.name for left_out in splits.skipped} == {"spare", "flat.jpg"}


def test_other_files_are_left_out_and_clutter_is_ignored(identity_folders):
    for name in (".DS_Store", "Thumbs.db", "notes.txt"):
        (identity_folders / "red" / name).touch()
    assert [left_out.path.name for left_out in folders.read(identity_folders).skipped] == ["notes.txt"]


def test_folders_that_are_too_deep_are_left_out(tmp_path, write_images):
    splits = folders.read(write_images(tmp_path, "red/gate/monday/1.jpg red/gate/1.jpg"))
    assert [left_out.path.name for left_out in splits.skipped] == ["monday"]


@pytest.mark.parametrize(
    "link, target", [("red/back", "."), ("red/back", "red"), ("back", "."), ("red/itself", "red/itself")]
)
def test_circular_links_give_no_image_twice(identity_folders, link, target):
    before = folders.read(identity_folders)
    (identity_folders / link).symlink_to(identity_folders / target)
    after = folders.read(identity_folders)
    assert (after.train, after.query) == (before.train, before.query)
    assert len(after.skipped) == 1


def test_a_link_to_images_elsewhere_is_followed(tmp_path, identity_folders, write_images):
    write_images(tmp_path / "elsewhere", "1.jpg")
    (identity_folders / "yellow").symlink_to(tmp_path / "elsewhere")
    splits = folders.read(identity_folders)
    assert "yellow" in identities(splits.train + splits.query)


def test_an_identity_may_have_any_name(tmp_path, identity_folders):
    odd = "a \n é 车 'quoted'"
    (identity_folders / "red").rename(identity_folders / odd)
    splits = folders.read(identity_folders)
    assert odd in identities(splits.train + splits.query)


@pytest.mark.parametrize("names, known", [("a/1.jpg", True), ("train/a/1.jpg", True), ("1.jpg", False), ("a/1.txt", False)])
def test_folders_with_images_are_recognised(tmp_path, write_images, names, known):
    assert folders.recognises(write_images(tmp_path, names)) is known
