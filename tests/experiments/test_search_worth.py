"""The experiment on the gain of the search, with networks that learn nothing in seconds."""

import json
import re
from dataclasses import replace

import pytest

from msinet.architecture_search.effects import Trial
from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.trained_trials import draw_apart
from msinet.architecture_search.trials import write_trials
from msinet.architecture_search.twins import space_of
from msinet.data.records import ReidSplits
from msinet.errors import SettingsError
from msinet.experiments import search_worth as experiment
from msinet.experiments import search_worth_plan
from msinet.experiments.search_worth import search_worth
from msinet.experiments.search_worth_plan import Plan
from msinet.experiments.search_worth_report import depth_agreement
from msinet.experiments.settings import SearchWorthSettings
from msinet.model.cost import count_multiply_adds
from msinet.model.model_files import load_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SCALES
from msinet.model.msinet.widths import WIDTHS, channels_at
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
        experiment.score_others(plan, tmp_path, file, SearchSettings(validation_share=0.2))
    assert asked == [1, 1]
    assert set(json.loads(file.read_text())) == {"all:none", "random:0"}


def test_trials_with_weights_of_their_own_say_what_they_expect_of_others(settings, tmp_path):
    """Shallow networks scored better: more is expected of the shallow one of two that were not tried."""
    search = SearchSettings(space="scales", trials=12, trial_weights="own")
    drawn = draw_apart(SCALES, 12, 0)
    depths = [Architecture.from_cells(cells).places for cells in drawn]
    trials = [Trial(cells, 0.9 - 0.01 * sum(sum(p.depths) for p in own)) for cells, own in zip(drawn, depths, strict=True)]
    write_trials(tmp_path / "trials.jsonl", trials)
    others = "all:none:1,0x1", "all:none:3,5"
    plan = Plan.of(
        ReidSplits("d"), replace(settings, space="scales", random=0, others=others), SearchSettings(), TrainSettings()
    )
    experiment.score_others(plan, tmp_path, tmp_path / "supernet.json", search)
    shallow, deep = json.loads((tmp_path / "supernet.json").read_text()).values()
    assert shallow - deep == pytest.approx(0.01 * (12 * 8 - 6), rel=0.15)


@pytest.mark.parametrize(
    "changes", [{"repeats": 2, "trial_weights": "own", "trials": 8}, {"repeats": 2}, {"trial_weights": "own", "trials": 8}]
)
def test_where_a_search_has_no_single_set_of_scores_nothing_is_written(settings, tmp_path, changes):
    """Of several repeats, and of trials that could not be scored."""
    plan = Plan.of(ReidSplits("d"), replace(settings, random=0), SearchSettings(), TrainSettings())
    experiment.score_others(plan, tmp_path, tmp_path / "supernet.json", SearchSettings(**changes, validation_share=0.2))
    assert not [*tmp_path.iterdir()]


def test_a_space_of_more_cells_is_the_variants(settings, tmp_path):
    search = SearchSettings(space="scales", trials=8, trial_weights="own", cells_per_stage=3)
    drawn = draw_apart(space_of(search), 8, 0)
    write_trials(tmp_path / "trials.jsonl", [Trial(cells, 0.1 * number) for number, cells in enumerate(drawn)])
    plan = Plan.of(ReidSplits("d"), replace(settings, random=0, others=("all:none:1,1x3",)), search, TrainSettings())
    experiment.score_others(plan, tmp_path, tmp_path / "supernet.json", search)
    assert "all:none:1,1x3" in json.loads((tmp_path / "supernet.json").read_text())


def test_a_supernet_that_was_searched_with_a_budget_scores_others(splits, settings, recipe, tmp_path):
    given = replace(settings, seeds=(0,), variant=("mine", "trials=8", "budget_macs=2e6"), random=0)
    search_worth(splits, given, *recipe)
    assert list(json.loads((tmp_path / "searches/mine-0/supernet.json").read_text())) == ["all:none"]


def test_random_search_takes_the_best_of_the_trials(splits, settings, recipe, tmp_path):
    search, training = recipe
    own = replace(search, space="scales", trials=8, trial_weights="own", finals=2)
    search_worth(splits, replace(settings, seeds=(0,), variant=("random-search",), random=0, others=()), own, training)
    folder = tmp_path / "searches/random-search-0"
    trials = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    best = Architecture.from_dict(max(trials, key=lambda trial: trial["mAP"]))
    assert not (folder / "finals").exists()
    assert load_model(tmp_path / "trainings/random-search-0-0").architecture == best


def test_a_random_search_without_trials_says_what_it_needs(tmp_path):
    with pytest.raises(SettingsError, match=r"takes the best trial, and there are none .*: give trials=8"):
        experiment.best_trial(tmp_path / "trials.jsonl")


def test_results_of_a_version_with_fewer_settings_are_taken(splits, settings, recipe, monkeypatch):
    one_training = replace(settings, share="6/12")
    search_worth(splits, one_training, *recipe)
    [file] = settings.out.glob("trainings/*/result.json")
    record = json.loads(file.read_text())
    assert record["record"]["training"].pop("zoom") == 0.0
    file.write_text(json.dumps(record))
    monkeypatch.setattr(experiment, "train", None)
    search_worth(splits, one_training, *recipe)


def test_random_architectures_of_a_cost_have_it(splits, settings, recipe):
    width, size = recipe[1].width, recipe[1].image_size

    def cost(name):
        return count_multiply_adds(MSINet(Architecture.find(name), 1, channels_at(width), size))

    asked = float(cost("scales:5"))
    plan = Plan.of(splits, replace(settings, space="scales", random=2, cost=asked), *recipe)
    uniform, at_cost = plan.randoms.values()
    assert uniform == ["scales:0", "scales:1"]
    assert len(at_cost) == 2
    assert [cost(name) for name in at_cost] == pytest.approx([asked] * 2, rel=0.05)


def test_fitted_architectures_are_trained_at_the_largest_width_of_a_cost(splits, settings, recipe):
    plan = Plan.of(splits, replace(settings, space="scales", cost=3e6, fit_width=True), *recipe)
    assert list(plan.randoms) == ["random, all 2"]
    for name in plan.others:
        architecture = Architecture.find(name)
        training = plan.training_of(architecture, seed=1)
        costs = {w: count_multiply_adds(MSINet(architecture, 1, channels_at(w), training.image_size)) for w in WIDTHS}
        assert training == replace(recipe[1], seed=1, width=max(width for width, cost in costs.items() if cost <= 3e6))


def test_a_cost_that_no_random_architecture_has_is_refused(splits, settings, recipe, monkeypatch):
    monkeypatch.setattr(search_worth_plan, "DRAWS", 10)
    with pytest.raises(SettingsError, match="cost is 1: of 10 random architectures 0 have it"):
        Plan.of(splits, replace(settings, space="scales", cost=1.0), *recipe)


def test_depths_agree_within_one_step(splits, settings, recipe):
    plan = Plan.of(splits, replace(settings, variant=("published",)), *recipe)
    found = ["all:none:0,0", "all:none:1,2"]  # a within one step everywhere, b nowhere
    for label, name in zip(plan.searched("published"), found, strict=True):
        folder = plan.search_folder(label)
        folder.mkdir(parents=True)
        Architecture.find(name).save(folder / "architecture.json")
    assert "within one step at 50 % of" in depth_agreement(plan, "published")
    Architecture.find("all:none:0,0x1").save(plan.search_folder("published-1") / "architecture.json")
    assert "within one step at 50 % of" in depth_agreement(plan, "published")  # of the cells that both have, all


def test_an_architecture_outside_the_space_is_trained_but_not_scored_by_the_supernet(splits, settings, recipe, tmp_path):
    given = replace(settings, seeds=(0,), variant=("published",), random=0, others=("all:none", "all:none:1,1"))
    search_worth(splits, given, *recipe)
    scored = json.loads((tmp_path / "searches/published-0/supernet.json").read_text())
    assert list(scored) == ["all:none"]
