from pathlib import Path

from PIL import Image

from msinet.data.readers.folder_listing import list_folder


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_images_of_phones_and_images_without_a_suffix_are_images(tmp_path):
    for name in ("a.HEIC", "b.jfif", "c", "frame.0001", "notes.txt", "README", "clip.mp4"):
        (tmp_path / name).write_text("text")
    for name in ("c", "frame.0001"):
        Image.new("RGB", (4, 4)).save(tmp_path / name, "JPEG")
    listing = list_folder(tmp_path)
    assert names(listing.images) == ["a.HEIC", "b.jfif", "c", "frame.0001"]
    assert names(listing.others) == ["README", "clip.mp4", "notes.txt"]


def test_only_files_without_a_suffix_are_opened(tmp_path, monkeypatch):
    opened: list[str] = []
    for name in ("a.jpg", "b.png", "c.txt", "d"):
        (tmp_path / name).touch()
    really_open = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *how, **more: opened.append(path.name) or really_open(path, *how, **more))
    list_folder(tmp_path)
    assert opened == ["d"]
