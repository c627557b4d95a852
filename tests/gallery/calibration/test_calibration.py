"""Calibrations of real calculations. `vehicles.npz`: 600 vehicles in two cameras, which no model was trained on.

It was made by `msinet data make world --seed 27 --identities 600 --cameras 2 --test-share 0` and this:

    records = list(msinet.load_splits("world").train)
    vectors = msinet.embed(msinet.Predictor("msinet-synthetic-small"), records).vectors
    axes = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)[2][:128]  # 98 % of the squared lengths
    vectors = vectors @ axes.T
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    identities = np.unique([record.identity for record in records], return_inverse=True)[1].astype(np.int16)
    cameras = np.unique([record.camera for record in records], return_inverse=True)[1].astype(np.int8)
    np.savez_compressed("vehicles.npz", vectors=vectors.astype(np.float16), identities=identities, cameras=cameras)
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msinet.errors import DatasetError, ResultError, SettingsError
from msinet.files.sketch import Overlap
from msinet.gallery.calibration.calibration import Calibration, calibrate
from msinet.gallery.calibration.false_positives import Scores
from msinet.gallery.calibration.labelled_vectors import LabelledVectors
from msinet.gallery.calibration.nearest_identities import nearest_identities
from msinet.gallery.calibration.report import calibration_page


class Vehicles:
    def __init__(self):
        with np.load(Path(__file__).with_name("vehicles.npz")) as file:
            self.vectors, self.identities, self.cameras = (file[name] for name in ("vectors", "identities", "cameras"))
        self.count = int(self.identities.max()) + 1

    def of(self, numbers):
        rows = np.isin(self.identities, numbers)
        cameras = [f"c{camera}" for camera in self.cameras[rows]]
        return LabelledVectors(self.vectors[rows], [str(identity) for identity in self.identities[rows]], cameras)


@pytest.fixture(scope="module")
def vehicles():
    return Vehicles()


@pytest.fixture(scope="module")
def sides(vehicles):
    """A gallery of 300 vehicles, and 300 others."""
    numbers = np.random.default_rng(0).permutation(vehicles.count)
    return vehicles.of(numbers[:300]), vehicles.of(numbers[300:])


@pytest.fixture(scope="module")
def calibration(sides):
    return calibrate(*sides, rate=0.05, other_cameras=True)


def test_the_rate_of_other_vehicles_lies_within_the_interval(vehicles):
    """The interval is that of all vehicles' rate; the other half's rate varies around this one as well."""
    within, rates = 0, []
    for seed in range(20):
        numbers = np.random.default_rng(seed).permutation(vehicles.count)
        gallery, half, other = (vehicles.of(numbers[start : start + 200]) for start in (0, 200, 400))
        calibration = calibrate(gallery, half, rate=0.05)
        best = nearest_identities(other, [gallery], False).best
        rates.append(np.mean(calibration.known(best)))  # as many images of each vehicle
        within += calibration.false_positives.low <= rates[-1] <= calibration.false_positives.high
    assert within >= 17
    assert np.mean(rates) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("other_cameras", [False, True])
def test_known_vehicles_are_found_as_often_as_a_slow_search_finds_them(vehicles, other_cameras):
    gallery, labelled = vehicles.of(range(60)), vehicles.of(range(60, 110))
    calibration = calibrate(gallery, labelled, rate=0.1, other_cameras=other_cameras)
    shares = []
    for identity in sorted(set(labelled.identities)):
        rows = [row for row, name in enumerate(labelled.identities) if name == identity]
        answers = []
        for query in rows:
            camera, vector = labelled.seen_by[query], labelled.vectors[query]
            enrolled = [(labelled.vectors[row], identity) for row in rows if labelled.seen_by[row] != camera]
            looked_at = [
                (entry, name)
                for entry, name, seen in zip(gallery.vectors, gallery.identities, gallery.seen_by, strict=True)
                if not (other_cameras and seen == camera)
            ]
            best, name = max((float(vector @ entry), name) for entry, name in looked_at + enrolled)
            answers.append(name == identity and best >= calibration.threshold)
        shares.append(np.mean(answers))
    assert calibration.detections.found == pytest.approx(np.mean(shares))
    assert calibration.known_identities == 50
    assert calibration.known_queries == 100


def test_the_threshold_keeps_the_rate_and_no_lower_similarity_does(sides, calibration):
    gallery, labelled = sides
    best = nearest_identities(labelled, [gallery], True).best
    unknown = Scores(best, np.unique(labelled.identities, return_inverse=True)[1])
    assert calibration.threshold in best
    assert unknown.by_identity(calibration.threshold).mean() <= 0.05
    assert unknown.by_identity(best[best < calibration.threshold].max()).mean() > 0.05


def test_a_gallery_in_blocks_gives_the_same_calibration(sides, calibration):
    gallery, labelled = sides

    def blocks():
        for start in range(0, len(gallery), 70):
            part = slice(start, start + 70)
            yield LabelledVectors(gallery.vectors[part], gallery.identities[part], gallery.seen_by[part])

    in_blocks = calibrate(blocks(), labelled, rate=0.05, other_cameras=True)
    assert in_blocks.threshold == pytest.approx(calibration.threshold, abs=1e-6)
    assert in_blocks.detections.found == pytest.approx(calibration.detections.found, abs=0.004)
    assert in_blocks.entries == calibration.entries == 600


def test_other_cameras_alone_are_easier_to_tell_apart(sides, calibration):
    """The camera's own background makes vehicles similar: without it the threshold is lower and finds more."""
    all_cameras = calibrate(*sides, rate=0.05)
    assert calibration.threshold < all_cameras.threshold
    assert calibration.detections.found > all_cameras.detections.found


def test_one_value_gives_one_answer_and_an_array_an_array(calibration):
    similarities = np.array([-1.0, calibration.threshold, 1.0])
    assert calibration.known(similarities).tolist() == [False, True, True]
    assert calibration.known(calibration.threshold) is True
    assert calibration.known(calibration.threshold - 1e-4) is False
    assert isinstance(calibration.probability(0.5), float)
    assert calibration.probability(similarities) == pytest.approx([calibration.probability(float(s)) for s in similarities])
    assert 0 < calibration.probability(-1.0) < calibration.probability(1.0) < 1


def test_a_calibration_goes_through_json(calibration):
    assert Calibration.of_plain(json.loads(json.dumps(calibration.to_plain(), allow_nan=False))) == calibration


def test_what_the_model_learned_goes_through_json_and_older_calibrations_lack_it(calibration):
    some = replace(calibration, learned=Overlap(3, 4))
    values = json.loads(json.dumps(some.to_plain()))
    assert Calibration.of_plain(values) == some
    del values["learned"]
    assert Calibration.of_plain(values) == calibration


def test_a_seed_decides_the_intervals_alone(sides, calibration):
    assert calibrate(*sides, rate=0.05, other_cameras=True) == calibration
    other = calibrate(*sides, rate=0.05, other_cameras=True, seed=1)
    assert (other.threshold, other.detections.found) == (calibration.threshold, calibration.detections.found)
    assert other.detections != calibration.detections


def damaged():
    def without(name):
        return lambda values: values.pop(name)

    def with_(name, value):
        return lambda values: values.update({name: value})

    names = ("threshold", "rate", "false_positives", "curve", "choices", "growth", "knots", "entries", "other_cameras")
    faults = {f"no {name}": without(name) for name in names}
    return faults | {
        "words": with_("threshold", "0.9"),
        "not finite": with_("threshold", float("nan")),
        "a rate of 2": with_("rate", 2),
        "no growth at 1": with_("growth", []),
        "another field": with_("colour", 1),
        "an interval the wrong way round": with_("detections", {"found": 0.5, "low": 0.6, "high": 0.4}),
        "a short curve": lambda values: values["curve"]["detections"].pop(),
        "a falling probability": lambda values: values["knots"]["probabilities"].reverse(),
        "more learned images than there are": with_("learned", {"found": 3, "compared": 2}),
        "knots of words": lambda values: values["knots"].update(similarities="abc"),
    }


@pytest.mark.parametrize("fault", damaged())
def test_damaged_values_are_no_calibration(calibration, fault):
    values = json.loads(json.dumps(calibration.to_plain()))
    damaged()[fault](values)
    with pytest.raises(ResultError, match="calibrate the gallery again"):
        Calibration.of_plain(values)


@pytest.mark.parametrize("values", [None, [], "x", 3, {}])
def test_values_of_something_else_are_no_calibration(values):
    with pytest.raises(ResultError):
        Calibration.of_plain(values)


def test_few_identities_cannot_show_a_small_rate(vehicles):
    with pytest.raises(DatasetError, match=r"99 labelled identities cannot show a rate of 0.01: label 100"):
        calibrate(vehicles.of(range(50)), vehicles.of(range(100, 199)), rate=0.01)
    assert calibrate(vehicles.of(range(50)), vehicles.of(range(100, 200)), rate=0.01).identities == 100


def test_ten_identities_in_two_cameras_are_needed(vehicles):
    labelled = vehicles.of(range(100, 120))
    cameras = [
        camera if int(name) < 109 else "c0" for camera, name in zip(labelled.seen_by, labelled.identities, strict=True)
    ]
    with pytest.raises(DatasetError, match="9 labelled identities have images in two cameras: label 10"):
        calibrate(vehicles.of(range(50)), LabelledVectors(labelled.vectors, labelled.identities, cameras), rate=0.1)


def test_labelled_images_have_identities(vehicles):
    labelled = vehicles.of(range(100, 120))
    with pytest.raises(DatasetError, match="40 of 40 labelled images have no identity"):
        calibrate(vehicles.of(range(50)), LabelledVectors(labelled.vectors, [None] * 40, labelled.seen_by), rate=0.1)


@pytest.mark.parametrize("rate", [0, 1, -0.1, float("nan")])
def test_a_rate_is_between_0_and_1(sides, rate):
    with pytest.raises(SettingsError, match="rate"):
        calibrate(*sides, rate=rate)


def test_a_camera_that_is_left_out_has_a_name(sides):
    gallery, labelled = sides
    with pytest.raises(SettingsError, match="other_cameras"):
        calibrate(gallery, LabelledVectors(labelled.vectors, labelled.identities), rate=0.05, other_cameras=True)


def test_images_whose_camera_saw_the_whole_gallery_are_no_queries(vehicles):
    labelled = vehicles.of(range(100, 120))
    one_camera = LabelledVectors(vehicles.of(range(20)).vectors, [None] * 40, ["c0"] * 40)
    calibration = calibrate(one_camera, labelled, rate=0.1, other_cameras=True)
    assert (calibration.images, calibration.known_queries) == (20, 20)
    assert calibration.curve.thresholds[0] > -1


@given(
    st.integers(1, 6),
    st.sampled_from([0.1, 0.3, 0.5, 0.9]),
    st.booleans(),
    st.integers(0, 3),
    st.lists(st.sampled_from(["c0", "c1", None]), min_size=6, max_size=6),
)
@settings(max_examples=30)
def test_small_and_equal_vectors_calibrate_as_well(entries, rate, other_cameras, seed, cameras):
    """Few directions, so that many similarities are equal, and a gallery down to one entry."""
    random = np.random.default_rng(seed)
    directions = np.eye(4, dtype=np.float32)
    labelled = LabelledVectors(
        directions[random.integers(0, 4, 24)], [f"{row // 2}" for row in range(24)], ["c0", "c1"] * 12
    )
    gallery = LabelledVectors(directions[random.integers(0, 4, entries)], [None] * entries, cameras[:entries])
    calibration = calibrate(gallery, labelled, rate=rate, other_cameras=other_cameras)
    assert calibration.false_positives.found <= rate + 1e-9
    assert Calibration.of_plain(calibration.to_plain()) == calibration
    assert calibration_page(calibration, "small")
