import io
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from msinet.data.decoder_messages import silence_decoders
from msinet.data.pixels import load_image
from msinet.errors import DatasetError


def with_exif(path: Path, exif: bytes) -> Path:
    """Write a JPEG with this block of EXIF, right or wrong."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "JPEG")
    data, block = file.getvalue(), b"Exif\0\0" + exif
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:])
    return path


CUT_TAG = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x09\0\0\0\x50"
CUT_LIST = b"II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\x01\0\0\0\x06"


def palette_with_transparent_bytes(path: Path) -> Path:
    image = Image.new("P", (8, 8))
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.save(path, transparency=b"\x80\x00")
    return path


def damaged_tiff(path: Path) -> Path:
    Image.effect_noise((64, 64), 50).save(path, compression="tiff_lzw")
    data = bytearray(path.read_bytes())
    data[600:900] = b"\xff" * 300
    path.write_bytes(data)
    return path


@pytest.fixture
def as_in_a_new_process():
    """Warnings as Python shows them by default, and all of them."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        silence_decoders()
        yield shown


@pytest.mark.parametrize("exif", [CUT_TAG, CUT_LIST, b"garbage garbage"])
def test_a_broken_exif_block_warns_of_nothing_and_changes_no_pixel(tmp_path, as_in_a_new_process, exif):
    assert load_image(with_exif(tmp_path / "x.jpg", exif)).size == (8, 8)
    assert as_in_a_new_process == []


def test_without_silence_pillow_warns_and_names_no_file(tmp_path):
    with pytest.warns(UserWarning, match="Corrupt EXIF|Truncated") as shown:
        load_image(with_exif(tmp_path / "x.jpg", CUT_LIST))
    assert "x.jpg" not in str(shown[0].message)


def test_transparent_palettes_and_bombs_warn_of_nothing(tmp_path, monkeypatch, as_in_a_new_process):
    path = palette_with_transparent_bytes(tmp_path / "x.png")
    load_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    with pytest.raises(DatasetError, match="more than 40 pixels"):
        load_image(path)
    assert as_in_a_new_process == []


def test_threads_warn_of_nothing_either(tmp_path, as_in_a_new_process):
    paths = [with_exif(tmp_path / f"{i}.jpg", CUT_TAG if i % 2 else CUT_LIST) for i in range(16)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load_image, paths))
    assert as_in_a_new_process == []


def test_other_modules_warn_as_ever(as_in_a_new_process):
    warnings.warn("something else", stacklevel=1)
    assert [str(warning.message) for warning in as_in_a_new_process] == ["something else"]


def test_the_decoder_of_tiffs_writes_nothing_to_stderr(tmp_path, capfd):
    """It does so in C, past Python's sys.stderr."""
    with pytest.raises(DatasetError, match=r"x\.tif: its data is damaged or cut off"):
        load_image(damaged_tiff(tmp_path / "x.tif"))
    assert capfd.readouterr().err == ""


def test_errors_in_pillows_log_reach_no_terminal(monkeypatch, capsys):
    """Python prints errors to stderr where nobody has set up a log."""
    monkeypatch.setattr(logging.root, "handlers", [])
    logging.getLogger("another.library").error("heard")
    logging.getLogger("PIL.TiffImagePlugin").error("More samples per pixel than can be decoded: 9")
    assert capsys.readouterr().err == "heard\n"
