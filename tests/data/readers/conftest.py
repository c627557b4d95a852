"""Tiny datasets in each layout: 8x8 images in the folders and under the names of the real ones."""

from pathlib import Path

import pytest
from PIL import Image


def _write_images(folder: Path, names: str) -> Path:
    """Write an 8x8 JPEG for each of the names, which blanks part, and return the folder."""
    for name in names.split():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "gray").save(file, format="JPEG")
    return folder


@pytest.fixture
def write_images():
    return _write_images


@pytest.fixture
def veri(tmp_path):
    return _write_images(
        tmp_path / "VeRi",
        """
        image_train/0001_c001_00016450_0.jpg image_train/0001_c003_00016500_0.jpg image_train/0003_c001_00000001_0.jpg
        image_query/0002_c002_00030600_0.jpg
        image_test/0002_c002_00030600_0.jpg image_test/0002_c002_00030605_1.jpg image_test/0002_c004_00030700_0.jpg
        """,
    )


@pytest.fixture
def market(tmp_path):
    return _write_images(
        tmp_path / "Market-1501",
        """
        bounding_box_train/0002_c1s1_000451_03.jpg bounding_box_train/0007_c2s3_000001_00.jpg
        query/0001_c1s1_001051_00.jpg
        bounding_box_test/-1_c1s1_000401_03.jpg bounding_box_test/0000_c1s1_000151_01.jpg
        bounding_box_test/0001_c2s1_000001_00.jpg
        """,
    )


@pytest.fixture
def identity_folders(tmp_path):
    return _write_images(tmp_path / "parcels", "red/1.jpg red/2.jpg blue/1.jpg blue/2.JPG green/1.jpg")


@pytest.fixture
def manifest(tmp_path):
    """Return a function that writes a manifest.csv of the given text beside four images."""

    def write(text: str, name: str = "manifest.csv", encoding: str = "utf-8") -> Path:
        folder = _write_images(tmp_path / "crops", "a.jpg b.jpg c.jpg d.jpg")
        (folder / name).write_text(text, encoding=encoding)
        return folder

    return write
