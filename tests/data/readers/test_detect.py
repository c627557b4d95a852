import pytest
from tests.heard import Heard

from msinet.data.readers.detect import FORMATS, detect_format, load_splits
from msinet.errors import DatasetError, FileError, SettingsError
from msinet.progress import listen


def test_each_layout_is_recognised(veri, vehicleid, veriwild, vric, market, msmt17, identity_folders, manifest):
    paths = (veri, vehicleid, veriwild, vric, market, msmt17, manifest("path,identity\n"), identity_folders)
    assert [detect_format(path) for path in paths] == list(FORMATS)


def test_both_versions_of_msmt17_are_recognised(msmt17, msmt17_v2):
    assert detect_format(msmt17) == detect_format(msmt17_v2) == "msmt17"


def test_a_dataset_is_named_by_its_folder(veri):
    assert load_splits(str(veri)).name == "VeRi"


def test_a_dataset_in_a_relative_folder_is_named(veri, monkeypatch):
    monkeypatch.chdir(veri / "image_train")
    assert load_splits("..").name == "VeRi"


def test_an_unreadable_image_is_left_out_of_every_split(veri):
    for part in ("image_query", "image_test"):
        (veri / part / "0002_c002_00030600_0.jpg").unlink()
    (veri / "image_query" / "0002_c002_00030601_0.jpg").write_text("no image")
    (veri / "image_query" / "0002_c002_00030602_0.jpg").write_bytes(
        (veri / "image_test" / "0002_c004_00030700_0.jpg").read_bytes()
    )
    splits = load_splits(veri)
    assert [record.path.name for record in splits.query] == ["0002_c002_00030602_0.jpg"]
    assert [left_out.reason for left_out in splits.skipped] == ["it is not an image, but a text file"]


def test_unverified_images_are_not_decoded(identity_folders):
    (identity_folders / "red" / "1.jpg").write_text("no image")
    assert load_splits(identity_folders, verify=False).skipped == ()


def test_an_image_shared_by_query_and_gallery_is_verified_once(manifest):
    with listen(heard := Heard()):
        load_splits(manifest("path,identity,split\na.jpg,1,test\nb.jpg,1,test\n"))
    assert (heard.begun, heard.steps) == ([("check images", 2, 0)], 2)


def test_a_dataset_of_broken_images_is_refused(tmp_path):
    (tmp_path / "red").mkdir()
    (tmp_path / "red" / "1.jpg").write_text("no image")
    with pytest.raises(DatasetError, match=r"no images in (.|\n)*1\.jpg: it is not an image"):
        load_splits(tmp_path)


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(FileError, match=r"there is no .*nowhere"):
        load_splits(tmp_path / "nowhere")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="empty folder"):
        load_splits(tmp_path)


def test_an_unknown_layout_is_refused_with_the_known_ones_and_the_entries(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DatasetError) as error:
        load_splits(tmp_path)
    assert all(layout.LAYOUT in str(error.value) for layout in FORMATS.values())
    assert "'notes.txt'" in str(error.value)


def test_an_unknown_format_is_refused():
    with pytest.raises(SettingsError, match="veri776, vehicleid, veriwild, vric, market1501, msmt17, table, folders"):
        load_splits(".", format="coco")


def test_a_format_of_another_layout_is_refused(identity_folders):
    with pytest.raises(DatasetError, match="is not veri776"):
        load_splits(identity_folders, format="veri776")


@pytest.mark.parametrize(
    "dataset, inside",
    [
        ("veri", "image_train"),
        ("vehicleid", "image"),
        ("vehicleid", "train_test_split"),
        ("veriwild", "images"),
        ("vric", "probe_images"),
        ("market", "query"),
        ("msmt17", "train"),
        ("msmt17_v2", "mask_test_v2"),
    ],
)
def test_a_folder_one_level_too_low_is_corrected(dataset, inside, request):
    path = request.getfixturevalue(dataset)
    with pytest.raises(DatasetError, match=f"did you mean .*{path.name}[?]"):
        load_splits(path / inside)


def test_a_part_of_a_published_dataset_can_be_read_as_folders(veriwild):
    assert load_splits(veriwild / "images", format="folders").train


@pytest.mark.parametrize("dataset", ["veri", "vehicleid", "veriwild", "vric", "market", "msmt17", "msmt17_v2"])
def test_a_folder_one_level_too_high_is_corrected(dataset, request):
    path = request.getfixturevalue(dataset)
    with pytest.raises(DatasetError, match=f"did you mean .*{path.name}[?]"):
        load_splits(path.parent)


def test_a_folder_around_folders_of_cameras_is_corrected(tmp_path, write_images):
    write_images(tmp_path, "warehouse/red/1.jpg warehouse/blue/1.jpg")
    with pytest.raises(DatasetError, match=r"did you mean .*warehouse[?]"):
        load_splits(tmp_path)


def test_a_table_beside_the_folders_does_not_hide_them(identity_folders):
    (identity_folders.parent / "results.csv").touch()
    assert detect_format(identity_folders) == "folders"


def test_folders_that_hold_datasets_can_be_read_as_folders(identity_folders):
    (identity_folders / "red" / "notes.csv").touch()
    with pytest.raises(DatasetError, match="If not, set format to folders") as error:
        load_splits(identity_folders)
    assert error.value.settings == ("format",)
    assert load_splits(identity_folders, format="folders").train


def test_a_lone_train_folder_is_a_dataset(tmp_path, write_images):
    assert len(load_splits(write_images(tmp_path, "train/a/1.jpg train/b/1.jpg")).train) == 2


def test_one_folder_of_cameras_can_be_read_as_folders(tmp_path, write_images):
    write_images(tmp_path, "red/gate/1.jpg red/yard/1.jpg")
    assert len(load_splits(tmp_path, format="folders").train) == 2


def test_an_identity_in_train_and_test_is_refused(veri, write_images):
    write_images(veri, "image_test/0001_c009_00000000_0.jpg")
    with pytest.raises(DatasetError, match=r"identities in both train and query or gallery(.|\n)*\n  0001$"):
        load_splits(veri)
