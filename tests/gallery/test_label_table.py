"""Labels of a gallery as a table, which the readers of data read; with pictures where there are no files."""

import io
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from tests.gallery.conftest import Colours, picture

from msinet.data.readers import table
from msinet.data.readers.detect import load_splits
from msinet.errors import DatasetError
from msinet.gallery.gallery import Gallery
from msinet.gallery.label_table import export_labels, zip_labels


@pytest.fixture
def shots(tmp_path):
    """Files of pictures, by number."""
    files = {}
    for number in range(4):
        files[number] = tmp_path / f"{number}.png"
        Image.fromarray(picture(number)).save(files[number])
    return files


@pytest.fixture
def pictured(new_place, colours):
    return Gallery.create(new_place(), colours, thumbnails=True)


def identities(folder_or_file):
    return {record.path.name: record.identity for record in table.read(folder_or_file).train}


def test_what_people_mark_as_one_object_is_one_identity_to_training(pictured, shots, tmp_path):
    pictured.add(shots[0], identity="v1")
    pictured.add([shots[1], shots[2], shots[3]], camera="gate")
    pictured.store.judge(2, 1, True)
    pictured.store.judge(2, 3, True)
    export_labels(pictured, tmp_path / "labels.csv")
    train = load_splits(tmp_path / "labels.csv").train
    assert {record.path.name: record.identity for record in train} == {"0.png": "v1", "1.png": "v1", "2.png": "v1"}
    assert {record.path.name: record.fields["label_from"] for record in train} == {
        "0.png": "given",
        "1.png": "marked",
        "2.png": "marked",
    }


def test_a_mark_that_is_taken_back_is_no_label(pictured, shots, tmp_path):
    pictured.add(shots[0], identity="v1")
    pictured.add(shots[1])
    pictured.store.judge(1, 2, True)
    assert len(export_labels(pictured, tmp_path / "labels.csv").rows) == 2
    pictured.store.judge(1, 2, None)
    assert len(export_labels(pictured, tmp_path / "labels.csv").rows) == 1


def test_linked_entries_alone_with_their_identity_have_no_row(pictured, shots, tmp_path):
    pictured.add(list(shots.values()))
    pictured.store.link({1: "object-1", 2: "object-1", 3: "object-3"})
    written = export_labels(pictured, tmp_path / "labels.csv")
    assert [row[:2] for row in written.rows] == [(str(shots[0]), "object-1"), (str(shots[1]), "object-1")]
    assert {row[5] for row in written.rows} == {"linked"}


def test_marks_that_contradict_are_named(pictured, shots, tmp_path):
    pictured.add(shots[0], identity="v1")
    pictured.add(shots[1], identity="v2")
    pictured.store.judge(1, 2, True)
    written = export_labels(pictured, tmp_path / "labels.csv")
    assert written.contradictions == ((1, 2),)
    assert identities(tmp_path / "labels.csv") == {"0.png": "v1", "1.png": "v2"}


def test_pictures_stand_for_images_without_a_file(pictured, shots, tmp_path):
    pictured.add(shots[0], identity="v1")
    pictured.add(shots[1], identity="v1")
    shots[1].unlink()
    pictured.add(picture(9), identity="v1")
    pictured.add(np.concatenate([picture(5), picture(6)], 1), [[16, 0, 32, 16]], identity="v1")
    pictured.add(np.eye(12, dtype=np.float32)[0], identity="v1")
    alone = export_labels(pictured, tmp_path / "alone" / "labels.csv")
    assert [Path(row[0] or "").name for row in alone.rows] == ["0.png", "1.png", "vector 0"]
    written = export_labels(pictured, tmp_path / "set" / "labels.csv", pictures=True)
    assert written.pictures == [2, 3, 4]
    (tmp_path / "set").rename(tmp_path / "moved")
    read = identities(tmp_path / "moved")
    assert read == dict.fromkeys(["0.png", "2.webp", "3.webp", "4.webp"], "v1")
    crop = np.asarray(Image.open(tmp_path / "moved" / "labels-pictures" / "4.webp").convert("RGB"), np.int64)
    assert np.abs(crop - picture(6)).mean() < 20
    assert np.abs(crop - picture(5)).mean() > 40


def test_no_picture_is_written_that_no_row_names(pictured, tmp_path):
    pictured.add(picture(1), identity="v1")
    pictured.add([picture(2), picture(3)])
    pictured.store.link({2: "object-2"})
    export_labels(pictured, tmp_path / "labels.csv", pictures=True)
    assert [file.name for file in (tmp_path / "labels-pictures").iterdir()] == ["1.webp"]


def test_a_zip_file_holds_the_table_and_its_pictures(pictured, shots, tmp_path):
    pictured.add(picture(9), identity="../../evil")
    pictured.add(shots[0], identity="../../evil", camera="/etc")
    file = io.BytesIO()
    zip_labels(pictured, file)
    with ZipFile(file) as archive:
        assert archive.namelist() == ["labels.csv", "labels-pictures/1.webp"]
        archive.extractall(tmp_path / "out")
    assert identities(tmp_path / "out") == {"1.webp": "../../evil", "0.png": "../../evil"}


def test_without_an_image_there_are_no_labels(pictured, tmp_path):
    pictured.add(picture(1), identity="v1")
    with pytest.raises(DatasetError, match="has an identity and a file: name some, mark matches"):
        export_labels(pictured, tmp_path / "labels.csv")
    assert not (tmp_path / "labels.csv").exists()


def test_a_gallery_without_thumbnails_has_no_pictures(new_place, shots, tmp_path):
    gallery = Gallery.create(new_place(), Colours())
    gallery.add(shots[0], identity="v1")
    gallery.add(picture(1), identity="v1")
    written = export_labels(gallery, tmp_path / "labels.csv", pictures=True)
    assert (len(written.rows), written.pictures) == (1, [])
    assert not (tmp_path / "labels-pictures").exists()
