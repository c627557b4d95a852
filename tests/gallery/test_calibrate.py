"""Calibrations by labelled images of which the model learned some."""

import numpy as np
import pytest
from PIL import Image
from tests.gallery.conftest import picture

from msinet.data.records import ImageRecord
from msinet.files.content_hash import content_hash
from msinet.files.sketch import Overlap, Sketch
from msinet.gallery.calibrate import calibrate_gallery
from msinet.gallery.calibration.report import calibration_page
from msinet.gallery.gallery import Gallery

ENTRIES = [picture(seed) for seed in range(100, 130)]


@pytest.fixture
def labelled(tmp_path):
    """40 images: 20 objects in two cameras."""
    records = []
    for identity in range(20):
        for camera in (1, 2):
            path = tmp_path / f"{identity}-{camera}.png"
            Image.fromarray(picture(identity) // camera).save(path)
            records.append(ImageRecord(path, str(identity), str(camera)))
    return records


@pytest.fixture
def calibrated(tmp_path, colours, labelled):
    """Return a function that calibrates a gallery whose model learned some of the labelled images."""

    def calibrated(count):
        colours.learned = sketch(labelled[:count])
        gallery = Gallery.create(tmp_path / "gallery", colours)
        gallery.add(ENTRIES)
        vectors = colours.embed_records(labelled)
        return gallery, calibrate_gallery(gallery, vectors, rate=0.1)

    return calibrated


def sketch(records):
    return Sketch.of(content_hash(record.path.read_bytes()) for record in records)


@pytest.mark.parametrize("count", [40, 10])
def test_labelled_images_that_the_model_learned_are_warned_of(calibrated, count, caplog):
    gallery, done = calibrated(count)
    assert done.learned == Overlap(count, 40)
    assert f"learned about {count / 40:.0%} of the labelled images" in done.warning
    assert caplog.messages == [done.warning]
    assert gallery.info().calibration_warning == done.warning
    assert done.warning in calibration_page(done, "Yard")


@pytest.mark.parametrize("count", [2, 0])
def test_a_few_learned_images_are_counted_without_a_warning(calibrated, count, caplog):
    gallery, done = calibrated(count)
    assert done.learned == Overlap(count, 40)
    assert (done.warning, gallery.info().calibration_warning, caplog.messages) == (None, None, [])
    assert "Warning" not in calibration_page(done, "Yard")


def test_vectors_are_calibrated_by_what_their_model_is_said_to_have_learned(tmp_path, colours, labelled):
    gallery = Gallery.create(tmp_path / "vectors", dim=colours.embedding_dim)
    gallery.add(colours.embed(ENTRIES).vectors)
    vectors = colours.embed_records(labelled)
    assert calibrate_gallery(gallery, vectors, rate=0.1).learned is None
    learned = sketch(labelled)
    assert calibrate_gallery(gallery, vectors, rate=0.1, learned=learned).learned == Overlap(40, 40)
    for record in labelled[:30]:
        record.path.unlink()
    assert calibrate_gallery(gallery, vectors, rate=0.1, learned=learned).learned == Overlap(10, 10)
    for record in labelled[30:]:
        record.path.unlink()
    assert calibrate_gallery(gallery, vectors, rate=0.1, learned=learned).learned is None


def test_a_gallery_that_has_grown_is_to_be_calibrated_again(calibrated):
    gallery, done = calibrated(0)
    rng = np.random.default_rng(1)
    gallery.add(rng.standard_normal((done.entries, gallery.dim)))
    assert len(gallery) == 2 * done.entries
    assert gallery.info().calibration_warning is None
    gallery.add(rng.standard_normal((8 * done.entries, gallery.dim)))
    grown = next(point for point in done.growth if point.times == 10)
    warning = gallery.info().calibration_warning
    assert f"has {10 * done.entries} entries, and was calibrated with {done.entries}" in warning
    assert f"about {grown.false_positives:.1%} of unknown ones are taken for known ones" in warning
