"""Tiny datasets in each layout: 8x8 images with the folders and names of the real ones."""

from pathlib import Path

import pytest
from PIL import Image


def _write_images(folder: Path, names: str) -> Path:
    """Write an 8x8 JPEG for each of the names, separated by blanks, and return the folder."""
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
def vehicleid(tmp_path):
    """Training vehicle 1; test vehicles 7 and 8 in the list of 2, and also 9 in the list of 3."""
    folder = _write_images(tmp_path / "VehicleID_V1.0", " ".join(f"image/000000{image}.jpg" for image in range(1, 9)))
    _write_lists(
        folder,
        {
            "train_test_split/train_list.txt": "0000001 1\n0000002 1\n",
            "train_test_split/test_list_2.txt": "0000003 7\n0000004 7\n0000005 8\n0000006 8\n",
            "train_test_split/test_list_3.txt": "0000003 7\n0000004 7\n0000005 8\n0000006 8\n0000007 9\n0000008 9\n",
            "attribute/color_attr.txt": "7 3\n",
            "attribute/color_names.txt": "black 0\nred 3\n",
            "attribute/model_attr.txt": "7 2\n8 5\n",
            "attribute/model_names.txt": "Audi A6L 2\n",
        },
    )
    return folder


@pytest.fixture
def veriwild(tmp_path):
    """Training vehicle 00001; test vehicle 00007 in the list of 1, and also 00008 in the list of 2."""
    images = "00001/000001 00001/000002 00007/000003 00007/000004 00008/000005 00008/000006"
    folder = _write_images(tmp_path / "VERI-Wild", " ".join(f"images/{image}.jpg" for image in images.split()))
    info = "".join(f"{image};{image[-1]};2018-03-11 08:24:0{image[-1]};Audi A4;SUV;white\n" for image in images.split())
    _write_lists(
        folder,
        {
            "train_test_split/train_list.txt": "00001/000001.jpg\n00001/000002.jpg\n",
            "train_test_split/test_1_query.txt": "00007/000003.jpg\n",
            "train_test_split/test_1.txt": "00007/000004.jpg\n",
            "train_test_split/test_2_query.txt": "00007/000003\n00008/000005\n",
            "train_test_split/test_2.txt": "00007/000004\n00008/000006\n",
            "train_test_split/vehicle_info.txt": f"id/image;Camera ID;Time;Model;Type;Color\n{info}",
        },
    )
    return folder


@pytest.fixture
def vric(tmp_path):
    folder = _write_images(
        tmp_path / "VRIC",
        """
        train_images/MVI_20011_001_img00001.jpg train_images/MVI_20011_001_img00009.jpg
        probe_images/MVI_39031_016_img00105.jpg gallery_images/MVI_39051_007_img00216.jpg
        """,
    )
    _write_lists(
        folder,
        {
            "vric_train.txt": "MVI_20011_001_img00001.jpg 15 1\nMVI_20011_001_img00009.jpg 15 1\n",
            "vric_probe.txt": "MVI_39031_016_img00105.jpg 16 2\n",
            "vric_gallery.txt": "MVI_39051_007_img00216.jpg 16 3\n",
        },
    )
    return folder


@pytest.fixture
def msmt17(tmp_path):
    """Version 1: training person 0 in two cameras, and a different test person 0."""
    return _write_msmt17(tmp_path / "MSMT17_V1", "train", "test")


@pytest.fixture
def msmt17_v2(tmp_path):
    return _write_msmt17(tmp_path / "MSMT17_V2", "mask_train_v2", "mask_test_v2")


def _write_msmt17(folder: Path, train: str, test: str) -> Path:
    _write_images(
        folder,
        f"""
        {train}/0000/0000_000_01_0303morning_0015_0.jpg {train}/0000/0000_013_04_0303morning_0020_2_ex.jpg
        {test}/0000/0000_002_05_0114noon_0736_1.jpg {test}/0000/0000_009_14_0114noon_0744_1.jpg
        """,
    )
    _write_lists(
        folder,
        {
            "list_train.txt": "0000/0000_000_01_0303morning_0015_0.jpg 0\n",
            "list_val.txt": "0000/0000_013_04_0303morning_0020_2_ex.jpg 0\n",
            "list_query.txt": "0000/0000_002_05_0114noon_0736_1.jpg 0\n",
            "list_gallery.txt": "0000/0000_009_14_0114noon_0744_1.jpg 0\n",
        },
    )
    return folder


def _write_lists(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


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
