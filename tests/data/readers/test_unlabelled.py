import pytest

from msinet.data.readers.unlabelled import load_for_embedding, load_list
from msinet.errors import DatasetError


def names(splits):
    return [record.path.name for record in splits.unlabelled]


def test_one_image_is_embedded(tmp_path, write_images):
    splits = load_for_embedding(write_images(tmp_path, "1.jpg") / "1.jpg")
    assert (names(splits), splits.understood) == (["1.jpg"], "1 images without labels")


def test_a_flat_folder_is_embedded(tmp_path, write_images):
    write_images(tmp_path, "1.jpg 2.jpg")
    (tmp_path / "notes.txt").touch()
    splits = load_for_embedding(tmp_path)
    assert (names(splits), [left_out.path.name for left_out in splits.skipped]) == (["1.jpg", "2.jpg"], ["notes.txt"])


def test_a_table_of_paths_is_embedded(manifest):
    splits = load_for_embedding(manifest("path,camera\na.jpg,c1\ngone.jpg,c1\n"))
    assert [(record.identity, record.camera) for record in splits.unlabelled] == [("", "c1")]
    assert [left_out.reason for left_out in splits.skipped] == ["row 3: there is no such file"]


@pytest.mark.parametrize("empty", ["", "nan"])
def test_rows_without_an_identity_are_embedded_beside_the_others(manifest, empty):
    splits = load_for_embedding(manifest(f"path,identity,split\na.jpg,1,train\nb.jpg,{empty},train\n"))
    assert ([record.path.name for record in splits.train], names(splits)) == (["a.jpg"], ["b.jpg"])


def test_a_table_whose_identities_are_all_empty_is_embedded(manifest):
    assert names(load_for_embedding(manifest("path,identity\na.jpg,\nb.jpg,NA\n"))) == ["a.jpg", "b.jpg"]


def test_a_dataset_keeps_its_labels(identity_folders):
    splits = load_for_embedding(identity_folders)
    assert (len(splits.train) + len(splits.query), splits.unlabelled) == (5, ())


def test_without_labels_any_layout_is_embedded(tmp_path, write_images):
    splits = load_for_embedding(write_images(tmp_path, "a/b/c/d/1.jpg 2.jpg a/3.jpg"), labelled=False)
    assert sorted(names(splits)) == ["1.jpg", "2.jpg", "3.jpg"]
    assert {record.identity for record in splits.unlabelled} == {""}


def test_a_list_of_paths_is_embedded(tmp_path, write_images, monkeypatch):
    monkeypatch.chdir(write_images(tmp_path, "a.jpg b.jpg"))
    splits = load_list(["a.jpg\n", "\n", "gone.jpg\n", f"{tmp_path}/b.jpg"])
    assert names(splits) == ["a.jpg", "b.jpg"]
    assert [left_out.reason for left_out in splits.skipped] == ["line 3: there is no such file"]


@pytest.mark.parametrize("name", ["notes.txt", "empty/"])
def test_what_holds_no_image_is_refused(tmp_path, name):
    (tmp_path / "empty" / "inside").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("a")
    with pytest.raises(DatasetError, match="no image in"):
        load_for_embedding(tmp_path / name)
