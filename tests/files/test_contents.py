"""What a file is, by its first bytes."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from msinet.files.contents import not_usable, what_is


def saved(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 40)).save(file, kind)
    return file.getvalue()


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "content" * 100)
    return file.getvalue()


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WebP"])
def test_images_are_named(tmp_path, kind):
    (tmp_path / "f").write_bytes(saved(kind))
    assert what_is(tmp_path / "f") == f"a {kind} image"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npz(), "a file of numpy arrays (.npz)"),
        (npz()[:200], "the first part of a file, the end of which is missing: download or copy it again"),
        (zipped("w/data.pkl", "w/data/0"), "a checkpoint of PyTorch"),
        (zipped("w/data.pkl", "w/constants.pkl", "w/code/a.py"), "a TorchScript archive"),
        (zipped("readme.txt"), "a zip archive: unpack it"),
        (b"\xef\xbb\xbf {}", "a JSON file"),
        ("Fahrzeug für 3 €\n".encode(), "a text file"),
        ("Fahrzeug für uns".encode("latin-1"), "a text file"),
        (
            b"\n <HTML><body>",
            "a web page (HTML): the download asks for a login or a click, so open its address in a browser",
        ),
        (b"\0\1\2\3", "a file of unknown content"),
        (bytes(range(128, 255)), "a file of unknown content"),
    ],
)
def test_other_files_are_named(tmp_path, content, words):
    (tmp_path / "f").write_bytes(content)
    assert what_is(tmp_path / "f") == words


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    assert what_is(tmp_path) == "a folder"
    assert what_is(tmp_path / "gone").startswith("a file that cannot be read: ")


def test_what_the_file_itself_asks_for_comes_before_what_is_needed(tmp_path):
    (tmp_path / "f").write_bytes(b"text")
    assert not_usable(tmp_path / "f", "pass a folder") == f"{tmp_path / 'f'} is a text file: pass a folder"
    (tmp_path / "f").write_bytes(b"")
    assert not_usable(tmp_path / "f", "pass a folder") == f"{tmp_path / 'f'} is an empty file: download or copy it again"
