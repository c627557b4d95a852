import pytest

from msinet.data.readers import folders
from msinet.data.readers.folder_levels import decide_levels
from msinet.data.records import identities
from msinet.errors import DatasetError

PEOPLE = [f"person{number:04d}" for number in range(5)]
NUMBERS = [f"{number:04d}" for number in range(5)]


def above(*levels: list[str]) -> list[tuple[str, ...]]:
    """Return the folders above images, one image for each combination of names."""
    images: list[tuple[str, ...]] = [()]
    for names in levels:
        images = [(*image, name) for image in images for name in names]
    return images


@pytest.mark.parametrize(
    "levels, roles",
    [
        ((NUMBERS,), "identity"),
        ((NUMBERS, ["cam01", "cam02"]), "identity/camera"),
        ((["cam01", "cam02"], PEOPLE), "camera/identity"),
        ((["c1", "c2", "c3"], NUMBERS), "camera/identity"),
        ((["Camera_A", "Camera_B"], NUMBERS), "camera/identity"),
        ((["north", "south"], PEOPLE), "camera/identity"),
        ((NUMBERS, ["gate", "yard"]), "identity/camera"),
        ((NUMBERS, ["0", "1"]), "identity/camera"),
        ((["training", "testing"], NUMBERS), "split/identity"),
        ((["image_train", "image_query", "image_test"], NUMBERS), "split/identity"),
        ((["train", "val", "probe", "gallery"], NUMBERS, ["c1", "c2"]), "split/identity/camera"),
        ((["cam1", "cam2"], ["train", "test"], NUMBERS), "camera/split/identity"),
        ((["car", "truck"], NUMBERS), "type/identity"),
        ((["train", "test"], ["Car", "Van"], NUMBERS, ["c1"]), "split/type/identity/camera"),
        ((["images"], NUMBERS, ["c1", "c2"]), "-/identity/camera"),
        ((NUMBERS, ["images"]), "identity/-"),
        ((NUMBERS, ["c1", "c2"], ["t1", "t2"]), "identity/camera/track"),
        ((["c1", "c2"], NUMBERS, ["a", "b"]), "camera/identity/track"),
        ((["monday", "tuesday"], ["c1", "c2"], NUMBERS), "session/camera/identity"),
        ((["2024-01-05", "2024-01-06"], NUMBERS, ["c1", "c2"]), "session/identity/camera"),
        ((NUMBERS, ["20240105", "20240106"], ["c1", "c2"]), "identity/session/camera"),
        ((NUMBERS, ["2024-01-05", "2024-01-06"]), "identity/session"),
    ],
)
def test_levels_are_known_by_their_names(levels, roles):
    assert "/".join(decide_levels(above(*levels))) == roles


@pytest.mark.parametrize(
    "levels",
    [
        (["north", "south"], NUMBERS),
        (["gate", "yard"], ["a", "b", "c"]),
        (["c1", "c2"], ["c1", "c2", "c3"]),
        (["a", "b"], ["x", "y"], ["1", "2"]),
    ],
)
def test_two_readings_are_refused_with_both(levels):
    with pytest.raises(DatasetError, match=r"set levels to .*identity/camera.* or .*camera/identity") as error:
        decide_levels(above(*levels))
    assert error.value.settings == ("levels",)


def test_only_readings_that_agree_with_the_names_are_offered():
    with pytest.raises(
        DatasetError, match=r"set levels to identity/camera/track or session/camera/identity or identity/camera/session$"
    ):
        decide_levels(above(["x", "y"], ["c1", "c2"], NUMBERS))


def test_folders_of_tracks_that_never_repeat_are_not_taken_for_cameras():
    images = [(f"{k}", f"{k}-{pass_}") for k in range(5) for pass_ in range(2)]
    with pytest.raises(DatasetError, match="either may be the identity"):
        decide_levels(images)


@pytest.mark.parametrize("names", [["cam01", "cam02"], ["train", "test"], ["cars", "trucks"], ["images"]])
def test_without_a_level_of_identities_the_folders_are_named(names):
    with pytest.raises(DatasetError, match=f"no level of folders can be the identity: .*{names[0]}"):
        decide_levels(above(names))


def test_an_identity_named_like_a_split_does_not_hide_the_others(tmp_path, write_images):
    write_images(tmp_path, "a/1.jpg b/1.jpg c/1.jpg test/1.jpg")
    with pytest.raises(DatasetError, match=r"test is named like a split, but lies beside 3 other folders"):
        folders.read(tmp_path)
    splits = folders.read(tmp_path, levels="identity")
    assert identities((*splits.train, *splits.query)) == ["a", "b", "c", "test"]


def test_named_levels_are_obeyed(tmp_path, write_images):
    write_images(tmp_path, "train/gate/a/red/1.jpg test/gate/b/blue/1.jpg test/yard/b/blue/1.jpg")
    splits = folders.read(tmp_path, levels="split/camera/identity/colour")
    assert [(r.identity, r.camera, r.fields) for r in splits.train] == [("a", "gate", {"colour": "red"})]
    assert {record.camera for record in splits.query} == {"gate", "yard"}


def test_a_table_that_is_not_read_is_named(tmp_path, write_images):
    (write_images(tmp_path, "img/1.jpg img/2.jpg") / "labels.xlsx").touch()
    with pytest.raises(DatasetError, match=r"labels\.xlsx is a table of a kind that is not read: save it as CSV"):
        folders.read(tmp_path)


def test_identities_numbered_anew_in_each_type_are_different_objects(tmp_path, write_images):
    splits = folders.read(write_images(tmp_path, "car/1/a.jpg car/2/a.jpg truck/1/a.jpg truck/2/a.jpg"))
    assert identities((*splits.train, *splits.query)) == ["car/1", "car/2", "truck/1", "truck/2"]


def test_what_was_understood_is_said(tmp_path, write_images):
    write_images(tmp_path, "cam1/a/1.jpg cam1/b/1.jpg cam2/a/1.jpg")
    assert folders.read(tmp_path).understood == "identity = second folder level, 2; camera = first, 2"


def test_names_of_one_form_of_unicode_are_one_identity(tmp_path, write_images):
    write_images(tmp_path, "query/Zoe\u0301/1.jpg gallery/Zo\u00e9/2.jpg")
    splits = folders.read(tmp_path)
    assert identities(splits.query) == identities(splits.gallery) == ["Zo\u00e9"]


def test_queries_beside_test_images_make_these_the_gallery(tmp_path, write_images):
    splits = folders.read(write_images(tmp_path, "train/a/1.jpg query/b/1.jpg test/b/2.jpg test/c/1.jpg"))
    assert (identities(splits.query), identities(splits.gallery)) == (["b"], ["b", "c"])


def test_prepared_folders_of_a_baseline_keep_cameras_and_junk(tmp_path, write_images):
    """Folders of identities below splits, with the file names of Market-1501."""
    names = """
        train/0002/0002_c1s1_000451_03.jpg val/0002/0002_c2s1_000501_01.jpg
        train_all/0002/0002_c1s1_000451_03.jpg train_all/0002/0002_c2s1_000501_01.jpg
        query/0001/0001_c1s1_001051_00.jpg gallery/0001/0001_c2s1_000001_00.jpg gallery/-1/-1_c1s1_000401_03.jpg
        gallery/0000/0000_c3s1_000151_01.jpg
    """
    splits = folders.read(write_images(tmp_path, names))
    assert [(record.identity, record.camera) for record in splits.train] == [("0002", "c1"), ("0002", "c2")]
    assert (splits.validation, [record.camera for record in splits.query]) == ((), ["c1"])
    assert identities(splits.gallery) == ["0000", "0001"]
    reasons = {left_out.path.name: left_out.reason for left_out in splits.skipped}
    assert reasons["-1_c1s1_000401_03.jpg"] == "junk: identity -1"
    assert reasons["train"] == reasons["val"] == "its images are in train_all"
