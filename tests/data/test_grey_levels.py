from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msinet.data.grey_levels import to_8_bits
from msinet.data.pixels import load_image
from msinet.errors import DatasetError


def saved(path: Path, levels: np.ndarray) -> np.ndarray:
    """Return the levels of an image file, (H, W), as they are loaded."""
    Image.fromarray(levels).save(path)
    return np.asarray(load_image(path))[..., 0]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", ["png", "tif", "jp2"])
def test_the_full_range_of_a_camera_of_any_depth_is_the_range_of_8_bits(tmp_path, bits, suffix):
    white = 2**bits - 1
    levels = np.linspace(0, white, 64 * 64).astype(np.uint16).reshape(64, 64)
    found = saved(tmp_path / f"x.{suffix}", levels)
    np.testing.assert_array_equal(found, levels.astype(int) * 255 // white)
    assert (found.min(), found.max()) == (0, 255)


@pytest.mark.parametrize("brightest", [1024, 2000, 4095])
def test_images_of_one_camera_have_one_scale_whatever_they_show(tmp_path, brightest):
    """Twelve bits: the same level of an object is the same grey, whatever else is in the picture."""
    assert saved(tmp_path / "x.png", np.array([[819, brightest]], np.uint16))[0, 0] == 819 * 255 // 4095


def test_a_full_16_bit_image_is_scaled_as_ever(tmp_path):
    levels = np.random.default_rng(0).integers(0, 65536, (32, 32), np.uint16)
    levels[0, 0] = 65535
    np.testing.assert_array_equal(saved(tmp_path / "x.png", levels), levels // 257)


def test_a_pgm_that_states_its_largest_level_is_scaled_by_it(tmp_path):
    """A dark picture of 12 bits: its brightest level alone would be taken for 10."""
    levels = np.full((4, 4), 800, ">u2")
    (tmp_path / "x.pgm").write_bytes(b"P5 4 4 4095\n" + levels.tobytes())
    assert load_image(tmp_path / "x.pgm").getpixel((0, 0)) == (round(800 / 4095 * 65535) * 255 // 65535,) * 3


def test_a_tiff_that_states_12_bits_is_scaled_by_them(tmp_path):
    """Two levels of 12 bits in three bytes, most significant first; both are dark."""
    path = tmp_path / "x.tif"
    Image.fromarray(np.zeros((2, 4), np.uint16)).save(path, tiffinfo={262: 1})
    data = bytearray(path.read_bytes())
    with Image.open(path) as image:
        offset = image.tag_v2[273][0]
    data[offset : offset + 12] = bytes.fromhex("320320") * 4  # 800, 800, ...
    entry = data.index(b"\x02\x01\x03\x00\x01\x00\x00\x00\x10\x00")
    data[entry + 8] = 12
    path.write_bytes(data)
    assert load_image(path).getpixel((0, 0)) == (800 * 255 // 4095,) * 3


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_an_image_of_every_byte_order_is_scaled_alike(mode):
    image = Image.new(mode, (3, 2), 2048)
    grey, bits = to_8_bits(image)
    assert (grey.mode, grey.size, grey.getpixel((0, 0)), bits) == ("L", (3, 2), 2048 * 255 // 4095, 12)


@pytest.mark.parametrize("level", [-1, 70_000])
def test_levels_outside_of_16_bits_are_refused(tmp_path, level):
    with pytest.raises(DatasetError, match=r"x\.tif: its pixels are numbers from .* of unknown range"):
        saved(tmp_path / "x.tif", np.array([[0, level]], np.int32))


def test_a_16_bit_image_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    levels = np.array([[4095, 0]], np.uint16)
    Image.fromarray(levels).save(tmp_path / "x.png", exif=exif)
    assert np.asarray(load_image(tmp_path / "x.png"))[..., 0].tolist() == [[255], [0]]
