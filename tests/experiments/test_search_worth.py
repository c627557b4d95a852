"""The experiment on the gain of the search, with networks that learn nothing in seconds."""

import json
import re
from dataclasses import replace

import pytest

from msinet.architecture_search.settings import SearchSettings
from msinet.data.records import ReidSplits
from msinet.errors import SettingsError
from msinet.experiments import search_worth as experiment
from msinet.experiments.search_worth import search_worth
from msinet.experiments.search_worth_plan import Plan
from msinet.experiments.settings import SearchWorthSettings
from msinet.training.settings import TrainSettings


@pytest.fixture
def splits(make_splits):
    return make_splits(train=12, test=3)


@pytest.fixture
def recipe(search_settings, train_settings):
    """Settings of a search and of a training of one epoch, in the space of twelve places."""
    return replace(search_settings, epochs=1, cells_per_stage=2), replace(train_settings, epochs=1)


@pytest.fixture
def settings(tmp_path):
    variants = ("published", "odd", "overlap=1")
    return SearchWorthSettings(seeds=(0, 1), random=2, others=("all:none",), variant=variants, device="cpu", out=tmp_path)


@pytest.mark.long
def test_two_shares_do_the_whole_work_once(splits, settings, recipe, tmp_path, monkeypatch):
    for share in ("1/2", "2/2"):
        search_worth(splits, replace(settings, share=share), *recipe)
    monkeypatch.setattr(experiment, "train", None)  # what is done is not done again
    report = search_worth(splits, settings, *recipe)
    trained = {name: int(count) for name, count in re.findall(r"^\| (.+?) \| (\d+) \|", report, re.M)}
    assert trained == {"published": 2, "odd": 2, "random, all 2": 4, "all:none": 2, "random:0": 2, "random:1": 2}
    assert "c0 to c1" in report
    assert len(re.findall(r"of 2 searched architectures, .* beat (?:0|25|50|75|100) % of these", report)) == 2
    assert report.count("n = 3") == 2
    made_from = json.loads((tmp_path / "searches/odd-1/architecture.json").read_text())["made_from"]
    assert (made_from["overlap"], made_from["seed"], made_from["validation_share"]) == (1, 1, 0.2)


def test_a_variant_of_the_search_is_searched_by_its_method(splits, settings, recipe, tmp_path):
    search_worth(splits, replace(settings, seeds=(0,), variant=("shared",), random=0, others=()), *recipe)
    made_from = json.loads((tmp_path / "searches/shared-0/architecture.json").read_text())["made_from"]
    assert made_from["variant"] == "shared"


def test_other_settings_want_another_folder(splits, settings, recipe):
    one_training = replace(settings, share="6/12")
    search_worth(splits, one_training, *recipe)
    with pytest.raises(SettingsError, match="made with other settings or data: choose another folder for out"):
        search_worth(splits, one_training, recipe[0], replace(recipe[1], erasing=0.1))


def test_architectures_that_are_asked_for_later_are_scored_by_the_supernet_too(settings, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        experiment, "supernet_scores", lambda folder, splits, them, machine: asked.append(len(them)) or [0.5] * len(them)
    )
    file = tmp_path / "supernet.json"
    for others in (("all:none",), ("all:none", "random:0"), ("random:0",)):
        plan = Plan.of(ReidSplits("d"), replace(settings, random=0, others=others), SearchSettings(), TrainSettings())
        experiment.score_others(plan, tmp_path, file, None)
    assert asked == [1, 1]
    assert set(json.loads(file.read_text())) == {"all:none", "random:0"}
