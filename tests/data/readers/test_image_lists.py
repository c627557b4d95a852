import pytest

from msinet.data.doctor.checks import examine
from msinet.data.readers.image_lists import ImageFolder, ImageLists, lines_of
from msinet.data.records import ImageRecord, ReidSplits


def names(lists: ImageLists, folder, text: str) -> list[str]:
    (folder / "list.txt").write_text(text)
    return [image.name for image in lists.read(folder / "list.txt", folder, "image")]


def test_a_missing_list_has_no_images(tmp_path):
    assert list(ImageLists().read(tmp_path / "list.txt", tmp_path, "image")) == []


def test_links_count_as_their_targets(tmp_path, write_images):
    write_images(tmp_path, "a.jpg")
    for link, target in {"b.jpg": "a.jpg", "nowhere.jpg": "gone.jpg", "circle.jpg": "circle.jpg", "folder.jpg": "."}.items():
        (tmp_path / link).symlink_to(target)
    lists = ImageLists()
    assert names(lists, tmp_path, "a.jpg\nb.jpg\nnowhere.jpg\ncircle.jpg\nfolder.jpg\n") == ["a.jpg", "b.jpg"]
    assert [left_out.path.name for left_out in lists.skipped] == ["nowhere.jpg", "circle.jpg", "folder.jpg"]


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "y" * 300 + "/1.jpg", "a\0b.jpg", "a\0b/1.jpg"])
def test_impossible_names_are_missing_images(tmp_path, write_images, name):
    write_images(tmp_path, "a.jpg")
    lists = ImageLists()
    assert names(lists, tmp_path, f"a.jpg\n{name}\n") == ["a.jpg"]
    splits = ReidSplits("d", train=(ImageRecord(tmp_path / "a.jpg", "1"),), skipped=tuple(lists.skipped))
    assert "missing images" in {finding.name for finding in examine(splits)}


def test_an_image_missing_from_two_lists_is_left_out_once(tmp_path):
    lists = ImageLists()
    assert names(lists, tmp_path, "1.jpg\n") == names(lists, tmp_path, "1.jpg\n1.jpg\n") == []
    assert len(lists.skipped) == 1


@pytest.mark.parametrize("content", ["红 1\n".encode(), "红 1\r\n".encode("utf-8-sig"), "红 1\n".encode("gb18030")])
def test_lists_may_be_utf8_or_gb18030(tmp_path, content):
    (tmp_path / "list.txt").write_bytes(content)
    assert lines_of(tmp_path / "list.txt") == ["红 1", ""]


def test_each_folder_is_listed_once(tmp_path, write_images):
    """Files that are deleted after the first listing are still found."""
    write_images(tmp_path, "1.jpg 2.jpg car/1.jpg car/2.jpg")
    images = ImageFolder(tmp_path)
    assert images.find("1.jpg") and images.find("car/1.jpg")
    (tmp_path / "2.jpg").unlink()
    (tmp_path / "car/2.jpg").unlink()
    assert images.find("2.jpg") == tmp_path / "2.jpg"
    assert images.find("car/2.jpg") == tmp_path / "car/2.jpg"


def test_a_folder_of_two_lists_is_listed_once(tmp_path, write_images):
    write_images(tmp_path, "1.jpg 2.jpg")
    lists = ImageLists()
    assert names(lists, tmp_path, "1.jpg") == ["1.jpg"]
    (tmp_path / "2.jpg").unlink()
    assert names(lists, tmp_path, "2.jpg") == ["2.jpg"]
