import errno
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin
from tests.heard import Heard

from msinet.data import pixels
from msinet.data.pixels import decode, drop_unreadable, load_image
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError
from msinet.progress import listen


def pixel(path: Path) -> tuple[int, int, int]:
    return load_image(path).getpixel((0, 0))


@pytest.fixture
def jpeg(tmp_path) -> Path:
    Image.effect_noise((64, 64), 50).convert("RGB").save(tmp_path / "good.jpg")
    return tmp_path / "good.jpg"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I"])
def test_an_image_of_any_mode_becomes_rgb(tmp_path, mode):
    Image.new(mode, (5, 3)).save(tmp_path / "x.tif")
    image = load_image(tmp_path / "x.tif")
    assert (image.mode, image.size) == ("RGB", (5, 3))


def test_a_cmyk_jpeg_keeps_its_colour(tmp_path):
    Image.new("RGB", (8, 8), (200, 30, 30)).convert("CMYK").save(tmp_path / "x.jpg")
    assert np.allclose(pixel(tmp_path / "x.jpg"), (200, 30, 30), atol=4)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bits_are_scaled_not_clipped(tmp_path, suffix):
    Image.fromarray(np.full((4, 4), 128 * 257, dtype=np.uint16)).save(tmp_path / f"x.{suffix}")
    assert pixel(tmp_path / f"x.{suffix}") == (128, 128, 128)


def test_transparent_pixels_turn_black_whatever_their_colour(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "x.png")
    assert pixel(tmp_path / "x.png") == (0, 0, 0)


def test_a_palette_keeps_its_colours(tmp_path):
    Image.new("RGB", (4, 4), (10, 200, 30)).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "x.png")
    assert pixel(tmp_path / "x.png") == (10, 200, 30)


def test_the_camera_rotation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees
    Image.new("RGB", (8, 4)).save(tmp_path / "x.jpg", exif=exif)
    assert load_image(tmp_path / "x.jpg").size == (4, 8)


def test_a_truncated_image_is_named(jpeg):
    jpeg.write_bytes(jpeg.read_bytes()[:-200])
    with pytest.raises(DatasetError, match=r"good\.jpg: .*truncated"):
        load_image(jpeg)


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "x.jpg").touch()
    with pytest.raises(DatasetError, match=r"x\.jpg: it is empty"):
        load_image(tmp_path / "x.jpg")


def test_text_is_not_an_image(tmp_path):
    (tmp_path / "x.jpg").write_text("no pixels here")
    with pytest.raises(DatasetError, match=r"x\.jpg: it is not an image"):
        load_image(tmp_path / "x.jpg")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"x\.jpg: there is no such file"):
        load_image(str(tmp_path / "x.jpg"))


def test_a_folder_is_not_an_image(tmp_path):
    with pytest.raises(DatasetError, match="not a file"):
        load_image(tmp_path)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"PK\3\4 the first part of an archive", "download"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\0\x20ftypisom\0\0\2\0", "video"),
        (b"\x1aE\xdf\xa3\x01\0\0\0", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (bytes(2000), "zeros alone"),
        (b"path,identity\na.jpg,1\n", "a text file"),
    ],
)
def test_a_file_whose_suffix_lies_is_named_for_what_it_is(tmp_path, content, words):
    (tmp_path / "x.jpg").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"x\.jpg: it is not an image, but .*{words}"):
        load_image(tmp_path / "x.jpg")


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "gif"])
def test_an_image_with_the_suffix_of_another_kind_is_read(tmp_path, suffix):
    Image.new("RGB", (4, 4), "red").save(tmp_path / f"x.{suffix}", lossless=True)
    (tmp_path / f"x.{suffix}").rename(tmp_path / "x.jpg")
    assert pixel(tmp_path / "x.jpg") == (255, 0, 0)


@pytest.mark.parametrize("left", [4, 40, 300])
def test_the_first_bytes_of_an_image_alone_are_a_damaged_image(jpeg, left):
    jpeg.write_bytes(jpeg.read_bytes()[:left])
    with pytest.raises(DatasetError, match="damaged or cut off"):
        load_image(jpeg)


@pytest.mark.parametrize("head, words", [(b"\0\0\0\x18ftypheic", r'"msinet\[heic\]"'), (b"\xff\x0a\0\0", "save it as JPEG")])
def test_an_image_without_a_decoder_is_named_with_what_to_do(tmp_path, monkeypatch, head, words):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    (tmp_path / "x.heic").write_bytes(head + bytes(100))
    with pytest.raises(DatasetError, match=rf"x\.heic: it is .*{words}"):
        load_image(tmp_path / "x.heic")


def test_images_of_iphones_are_read_and_upright(tmp_path):
    """With the decoder, which is registered at the first image that needs it; its own rotation is applied once."""
    heif = pytest.importorskip("pillow_heif", reason='pip install "msinet[heic]"')
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = heif.from_pillow(Image.new("RGB", (64, 32), (200, 30, 30)))
    picture.save(tmp_path / "x.heic", quality=90, exif=exif.tobytes())
    assert load_image(tmp_path / "x.heic").size == (32, 64)
    assert np.allclose(pixel(tmp_path / "x.heic"), (200, 30, 30), atol=6)
    (tmp_path / "x.heic").write_bytes((tmp_path / "x.heic").read_bytes()[:200])
    with pytest.raises(DatasetError, match="it is HEIC, but damaged or cut off"):
        load_image(tmp_path / "x.heic")


@pytest.mark.parametrize("suffix", ["tif", "gif", "webp", "png"])
def test_of_several_pages_or_frames_the_first_is_taken(tmp_path, suffix):
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    pages[0].save(tmp_path / f"x.{suffix}", save_all=True, append_images=pages[1:], lossless=True)
    assert pixel(tmp_path / f"x.{suffix}")[0] > 250
    assert decode(tmp_path / f"x.{suffix}").several
    pages[0].save(tmp_path / f"x.{suffix}")
    assert not decode(tmp_path / f"x.{suffix}").several


def test_a_broken_exif_text_does_not_make_an_image_unreadable(tmp_path):
    about = PngImagePlugin.PngInfo()
    about.add_text("Raw profile type exif", "\nexif\n 8\nno hexadecimal number")
    Image.new("RGB", (8, 4), "red").save(tmp_path / "x.png", pnginfo=about)
    assert pixel(tmp_path / "x.png") == (255, 0, 0)


def test_lab_colours_become_rgb(tmp_path):
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(Image.new("RGB", (8, 8), (200, 30, 30)), to_lab)
    assert lab is not None
    lab.save(tmp_path / "x.tif")
    assert np.allclose(pixel(tmp_path / "x.tif"), (200, 30, 30), atol=4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.jpg")
    with pytest.raises(DatasetError, match="not a file"):
        load_image(tmp_path / "x.jpg")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("limit", [64 * 64 - 1, 10])
def test_a_decompression_bomb_is_refused(jpeg, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(DatasetError, match=rf"good\.jpg: it has more than {limit} pixels"):
        load_image(jpeg)


def test_floating_point_pixels_are_refused(tmp_path):
    Image.new("F", (4, 4), 0.5).save(tmp_path / "x.tif")
    with pytest.raises(DatasetError, match="floating-point"):
        load_image(tmp_path / "x.tif")


def test_unreadable_images_are_dropped_in_order(jpeg, tmp_path):
    (tmp_path / "text.jpg").write_text("text")
    files = ["gone.jpg", "good.jpg", "text.jpg", "good.jpg"]
    records = [ImageRecord(tmp_path / file, str(number)) for number, file in enumerate(files)]
    kept, skipped = drop_unreadable(records)
    assert [record.identity for record in kept] == ["1", "3"]
    assert [left_out.path.name for left_out in skipped] == ["gone.jpg", "text.jpg"]


def test_a_file_of_two_records_is_decoded_once(jpeg):
    with listen(heard := Heard()):
        drop_unreadable([ImageRecord(jpeg, "1"), ImageRecord(jpeg, "2")])
    assert (heard.begun, heard.steps) == ([("check images", 1, 0)], 1)


def test_no_records_have_no_unreadable_files():
    assert drop_unreadable([]) == ((), ())


def test_postscript_is_no_image_whatever_its_name(tmp_path):
    """Pillow would hand it to Ghostscript."""
    Image.new("RGB", (8, 8)).save(tmp_path / "1.jpg", format="EPS")
    with pytest.raises(DatasetError, match="it is not an image"):
        load_image(tmp_path / "1.jpg")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_no_image_is_dropped_because_the_machine_is_at_its_limit(jpeg, monkeypatch, number):
    """Otherwise the network would be trained on other images than are there."""

    def refuse(path):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(pixels, "decode", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        drop_unreadable([ImageRecord(jpeg, "1")])


@pytest.mark.parametrize("started", [0, 1])
def test_without_threads_files_are_read_one_after_the_other(monkeypatch, started):
    start, left = threading.Thread.start, iter(range(started))

    def refuse(thread):
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    paths = [Path(str(number)) for number in range(pixels.AHEAD + 3)]
    assert list(pixels.in_threads(lambda path: int(path.name), paths)) == list(range(len(paths)))
