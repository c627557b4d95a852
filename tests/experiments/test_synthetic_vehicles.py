"""The experiment on the synthetic world: what it scores, and its table."""

from dataclasses import replace

import pytest

from msinet.evaluation.colour_histogram import BINS
from msinet.experiments.grid import once
from msinet.experiments.settings import SyntheticVehiclesSettings
from msinet.experiments.synthetic_vehicles import SyntheticVehicles, best_histogram, synthetic_vehicles


@pytest.fixture
def settings(tmp_path):
    return SyntheticVehiclesSettings(seeds=(0, 1), difficulties=(0.0, 0.5), epochs=2, device="cpu", out=tmp_path)


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]


def test_half_of_the_epochs_are_small(settings, train_settings):
    found = SyntheticVehicles(replace(settings, epochs=9), train_settings).training(3)
    assert (found.epochs, found.small_epochs, found.seed, found.image_size) == (9, 4, 3, (80, 80))


def test_each_difficulty_is_a_row_of_what_is_done(settings, train_settings):
    experiment = SyntheticVehicles(settings, train_settings)
    for seed, (rank_1, mean_ap) in enumerate([(0.5, 0.25), (0.7, 0.35)]):
        scores = {name: {"rank_1": rank_1, "mAP": mean_ap} for name in ("histogram", "untrained", "trained")}
        values = {"scores": scores, "best_histogram": "fine colours"}
        once(experiment.folder(0.5, seed) / "scores.json", experiment.made_from(seed), lambda values=values: values)
    head, _, *rows = cells(experiment.table())
    assert head == ["difficulty", "seeds", "best colour histogram", "untrained network", "trained network"]
    assert rows == [["0.5", "2", *["60.0 (50.0-70.0) / 30.0 (25.0-35.0)"] * 3]]


def test_worlds_are_trained_on_once(settings, train_settings, make_splits, monkeypatch):
    splits = make_splits(train=8, test=3)
    monkeypatch.setattr(SyntheticVehicles, "world", lambda self, difficulty, seed: splits)
    shares = [replace(settings, seeds=(0,), share=share) for share in ("1/2", "2/2")]
    assert [row[0] for row in cells(synthetic_vehicles(shares[0], train_settings))[2:]] == ["0"]
    table = synthetic_vehicles(shares[1], train_settings)
    assert [row[:2] for row in cells(table)[2:]] == [["0", "1"], ["0.5", "1"]]
    monkeypatch.setattr(SyntheticVehicles, "world", None)
    assert synthetic_vehicles(shares[0], train_settings) == table


def test_the_best_histogram_has_the_highest_map(make_splits):
    """Colours tell painted identities apart, and brightness tells their cameras apart."""
    name, result = best_histogram(make_splits(train=2, test=6))
    assert name in BINS
    assert result.mAP > 0.5
