import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msinet.data.doctor.checks import examine
from msinet.data.records import ImageRecord, ReidSplits

SIZE = (80, 60)


def scene(seed: int) -> Image.Image:
    """Return a picture of soft blotches with the noise of a sensor."""
    numbers = np.random.default_rng(seed)
    blotches = Image.fromarray(numbers.integers(0, 255, (6, 8, 3), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    noise = numbers.normal(0, 4, (SIZE[1], SIZE[0], 3))
    return Image.fromarray((np.asarray(blotches) + noise).clip(0, 255).astype(np.uint8))


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def cut(data: bytes, at: float) -> bytes:
    """Return a JPEG without the end of its coded pixels."""
    start = data.index(b"\xff\xda") + 14
    return data[: start + int(at * (len(data) - start))]


@pytest.fixture
def ten(tmp_path) -> list[Path]:
    """Ten sound pictures."""
    paths = [tmp_path / f"{number}.jpg" for number in range(10)]
    for number, path in enumerate(paths):
        path.write_bytes(jpeg(scene(number)))
    return paths


def named(paths: list[Path], cameras: str = "cccccccccc") -> dict[str, int]:
    """Return the findings about pictures, and how many each names; the labels of ten pictures are poor."""
    records = [ImageRecord(path, path.stem, camera) for path, camera in zip(paths, cameras, strict=True)]
    labels = {"few training identities", "training identities with one image", "nothing to score"}
    return {
        found.name: found.count for found in examine(ReidSplits("ten", train=tuple(records))) if found.name not in labels
    }


def test_sound_pictures_have_no_finding(ten):
    assert named(ten) == {}


def noise(level: float, spread: float) -> Image.Image:
    pixels = np.random.default_rng(0).normal(level, spread, (60, 80)).clip(0, 255)
    return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")


def with_logo() -> Image.Image:
    """A black picture with a small white sign in its corner."""
    image = Image.new("RGB", SIZE)
    image.paste((255, 255, 255), (0, 0, 7, 6))
    return image


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", SIZE),
        Image.new("RGB", SIZE, "white"),
        Image.new("RGB", SIZE, (90, 80, 70)),
        noise(20, 2),
        with_logo(),
    ],
    ids=["black", "white", "brown", "lens cap", "logo"],
)
def test_nearly_one_grey_level_shows_nothing(ten, image):
    image.save(ten[0].with_suffix(".png"))
    assert named([ten[0].with_suffix(".png"), *ten[1:]]) == {"pictures that show nothing": 1}


def test_pictures_that_show_nothing_are_no_copies_under_two_identities(ten):
    for path in ten[:3]:
        path.write_bytes(jpeg(Image.new("RGB", SIZE)))
    assert named(ten) == {"pictures that show nothing": 3}


def test_a_dataset_of_which_most_shows_nothing_is_spoilt(ten):
    for number, path in enumerate(ten[:6]):
        path.write_bytes(jpeg(Image.new("RGB", SIZE, (number,) * 3)))
    assert named(ten) == {"most pictures show nothing": 6}
    findings = examine(ReidSplits("ten", train=tuple(ImageRecord(path, path.stem) for path in ten)))
    assert [found.spoils for found in findings if found.name == "most pictures show nothing"] == [True]


@pytest.mark.parametrize("at", [0.3, 0.5, 0.65])
def test_a_jpeg_cut_off_and_closed_again_has_a_flat_part(ten, at):
    ten[0].write_bytes(cut(ten[0].read_bytes(), at) + b"\xff\xd9")
    assert named(ten) == {"pictures with a flat part": 1}


@pytest.mark.parametrize("box", [(20, 10, 65, 50), (0, 52, 80, 60), (0, 0, 80, 8), (70, 0, 80, 60)])
def test_a_grey_hole_or_band_is_a_flat_part(ten, box):
    image = scene(0)
    image.paste((128, 128, 128), box)
    image.save(ten[0].with_suffix(".png"))
    assert named([ten[0].with_suffix(".png"), *ten[1:]]) == {"pictures with a flat part": 1}


@pytest.mark.parametrize("colour", ["black", "white"])
def test_narrow_black_bars_and_white_skies_are_no_flat_part(ten, colour):
    image = scene(0)
    image.paste(colour, (0, 0, 80, 10))
    image.save(ten[0].with_suffix(".png"))
    assert named([ten[0].with_suffix(".png"), *ten[1:]]) == {}


def test_a_jpeg_that_ends_in_zeros_has_lost_data(ten):
    """As a copy leaves it that reserved the room and broke off; zeros after the end mark are sound."""
    ten[0].write_bytes(cut(ten[0].read_bytes(), 0.5) + bytes(20_000))
    ten[1].write_bytes(ten[1].read_bytes() + bytes(500))
    assert named(ten) == {"JPEGs that end in zeros": 1}


def test_dark_and_pale_pictures_are_named(ten):
    dark = Image.fromarray((np.asarray(scene(0)) // 10).astype(np.uint8))
    pale = Image.fromarray((np.asarray(scene(1)) // 12 + 120).astype(np.uint8))
    dark.save(ten[0].with_suffix(".png"))
    pale.save(ten[1].with_suffix(".png"))
    others = [ten[0].with_suffix(".png"), ten[1].with_suffix(".png"), *ten[2:]]
    assert named(others) == {"very dark pictures": 1, "pictures with little contrast": 1}


def thermal(path: Path, seed: int, brightest: int) -> Path:
    """Write a 16-bit picture whose levels reach from 0 to the brightest."""
    levels = np.asarray(scene(seed).convert("L")).astype(float)
    levels = (levels - levels.min()) / (levels.max() - levels.min()) * brightest
    Image.fromarray(levels.astype(np.uint16)).save(path.with_suffix(".png"))
    return path.with_suffix(".png")


@pytest.mark.parametrize("brightest", [4095, 4000, 16_000, 65_535])
def test_a_thermal_camera_of_any_depth_has_no_finding(ten, brightest):
    assert named([thermal(path, number, brightest) for number, path in enumerate(ten)]) == {}


def test_a_16_bit_image_that_is_scaled_unlike_its_camera_is_named(ten):
    paths = [thermal(path, number, 900 if number == 3 else 4095) for number, path in enumerate(ten)]
    assert named(paths) == {"16-bit images of different depth": 1}


def test_cameras_may_differ_in_depth(ten):
    paths = [thermal(path, number, 4095 if number < 5 else 16_383) for number, path in enumerate(ten)]
    assert named(paths, "aaaaabbbbb") == {}


def test_black_16_bit_images_have_no_depth(ten):
    paths = [thermal(path, number, 4095) for number, path in enumerate(ten)]
    Image.fromarray(np.zeros((60, 80), np.uint16)).save(paths[0])
    assert named(paths) == {"pictures that show nothing": 1}


def test_files_with_several_pages_are_named(ten):
    scene(0).save(ten[0].with_suffix(".tif"), save_all=True, append_images=[scene(1)])
    assert named([ten[0].with_suffix(".tif"), *ten[1:]]) == {"files with several pages or frames": 1}
