import io
import os

import pytest
from PIL import Image

from msinet.data.image_kinds import is_image_file, kind_of


def encoded(format: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, format)
    return file.getvalue()


FORMATS = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "GIF": "GIF",
    "TIFF": "TIFF",
    "BMP": "BMP",
    "WebP": "WEBP",
    "JPEG 2000": "JPEG2000",
    "PNM": "PPM",
}


@pytest.mark.parametrize("kind", FORMATS)
def test_an_image_without_a_suffix_is_known_by_its_first_bytes(tmp_path, kind):
    (tmp_path / "0001_c1").write_bytes(encoded(FORMATS[kind]))
    assert kind_of(tmp_path / "0001_c1") == kind
    assert is_image_file(tmp_path / "0001_c1")


@pytest.mark.parametrize(
    "head, kind",
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypmif1", "HEIC"),
        (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"\0\0\0\x20ftypisom", None),
        (b"BMW 320d, red, 2014", None),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"P1", None),
        (b"", None),
    ],
)
def test_first_bytes_tell_images_from_videos_sounds_and_text(tmp_path, head, kind):
    (tmp_path / "x").write_bytes(head)
    assert kind_of(tmp_path / "x") == kind


def test_a_number_is_no_suffix(tmp_path):
    (tmp_path / "frame.0012").write_bytes(encoded("JPEG"))
    (tmp_path / "notes.0012").write_text("rain")
    assert is_image_file(tmp_path / "frame.0012")
    assert not is_image_file(tmp_path / "notes.0012")


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.jfif", "a.HEIC", "a.tiff", "a.jp2", "a.avif"])
def test_a_file_with_an_image_suffix_is_never_opened(tmp_path, name):
    """It need not even be there: a folder of hundreds of thousands of them is listed at no cost."""
    assert is_image_file(tmp_path / name)


@pytest.mark.parametrize("name", ["README", "labels.csv", "clip.mp4", "weights.pt"])
def test_other_files_are_no_images(tmp_path, name):
    (tmp_path / name).write_text("text")
    assert not is_image_file(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_without_a_suffix_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not is_image_file(tmp_path / "pipe")
