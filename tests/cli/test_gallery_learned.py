"""`gallery calibrate` by the images that the model was trained on or adapted to, and by others."""

import csv
import json

import pytest

from msinet.cli.app import main
from msinet.model.msinet.architecture import Architecture
from msinet.training.train import train


@pytest.fixture(scope="module")
def tables(make_splits, train_settings, tmp_path_factory):
    """A folder with tables of three groups of 12 vehicles, a model trained on the first, and a gallery of the last."""
    folder = tmp_path_factory.mktemp("tables")
    splits = make_splits(train=12, test=24)
    train(splits, Architecture.named("msmt17"), train_settings, folder / "trained")
    half = len(splits.query) // 2
    for name, records in {"learned": splits.train, "others": splits.query[:half], "yard": splits.query[half:]}.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["path", "identity", "camera", "split"])
            table.writerows((record.path, record.identity, record.camera, "train") for record in records)
    return folder


@pytest.fixture
def run(capsys, monkeypatch, tables, tmp_path):
    """Return a function that runs a command beside the tables and returns what it printed, without line breaks."""
    monkeypatch.chdir(tables)

    def run(*words):
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        out = capsys.readouterr()
        assert (stop.value.code or 0) == 0, out.err
        return " ".join((out.out + out.err).split())

    return run


def gallery_of(run, model, place):
    run("gallery", "create", place, "--model", model)
    run("gallery", "add", place, "yard.csv")
    return place


def test_calibration_by_the_training_images_warns_and_by_others_does_not(run, tmp_path):
    yard = gallery_of(run, "trained", tmp_path / "yard")
    warning = "warning: the model learned about 100% of the labelled images"
    learned = run("gallery", "calibrate", yard, "learned.csv", "--rate", "0.1", "--report", tmp_path / "known.html")
    assert warning in learned
    assert "not promised" in learned
    assert warning in run("gallery", "info", yard)
    assert json.loads(run("gallery", "info", yard, "--json"))["calibration_warning"] == warning_of(tmp_path / "known.html")
    others = run("gallery", "calibrate", yard, "others.csv", "--rate", "0.1")
    assert "warning" not in others
    assert "not promised" not in others
    assert "warning" not in run("gallery", "info", yard)


def warning_of(page):
    return page.read_text().split("<b>Warning:</b> ")[1].split("</p>")[0]


def test_calibration_by_the_vectors_of_training_images_warns_too(run, tmp_path):
    yard = gallery_of(run, "trained", tmp_path / "yard")
    for name in ("learned", "others"):
        run("embed", f"{name}.csv", "--model", "trained", "--out", tmp_path / f"{name}.npz")
    assert "learned about 100%" in run("gallery", "calibrate", yard, tmp_path / "learned.npz", "--rate", "0.1")
    assert "warning" not in run("gallery", "calibrate", yard, tmp_path / "others.npz", "--rate", "0.1")


def test_an_adaptation_learns_its_images_too(run, tmp_path):
    run("adapt", "others.csv", "--model", "trained", "--out", tmp_path / "adapted")
    yard = gallery_of(run, tmp_path / "adapted", tmp_path / "yard")
    for name in ("learned", "others"):
        assert "learned about 100%" in run("gallery", "calibrate", yard, f"{name}.csv", "--rate", "0.1")
