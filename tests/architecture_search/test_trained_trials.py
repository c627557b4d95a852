"""Trials with weights of their own: which networks are drawn, how they learn, and a search that goes on where it was."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from msinet.architecture_search.conclusion import hardly_learned
from msinet.architecture_search.search import search
from msinet.architecture_search.sides import twin_sides
from msinet.architecture_search.trained_trials import TrainedTrials, draw_apart, with_whole_identities
from msinet.architecture_search.trials import scores_of
from msinet.architecture_search.twins import TwinsSearch, space_of
from msinet.data.records import identities
from msinet.engine.checkpoint import load_checkpoint
from msinet.engine.feed import Feed
from msinet.engine.machine import Machine
from msinet.errors import CheckpointError, DatasetError
from msinet.model.cost import count_multiply_adds
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SCALES
from msinet.model.msinet.widths import channels_at

FILES = "architecture.json", "search.jsonl", "trials.jsonl"


@pytest.fixture(scope="module")
def splits(make_splits):
    return make_splits(train=12)


@pytest.fixture(scope="module")
def settings(search_settings):
    return replace(search_settings, space="scales", trials=8, trial_weights="own")


@pytest.fixture(scope="module")
def searched(splits, settings, tmp_path_factory):
    """The folder of a search, and what it found."""
    out = tmp_path_factory.mktemp("own")
    return out, search(splits, settings, out)


def depths_of(cells) -> int:
    return sum(sum(place.depths) for stage in cells for cell in stage for place in cell)


def test_the_same_seed_draws_the_same_networks_and_more_begin_with_them():
    assert draw_apart(SCALES, 12, 0)[:8] == draw_apart(SCALES, 8, 0) != draw_apart(SCALES, 8, 1)


def test_networks_differ_as_wholes():
    """Their numbers of convolutions spread much farther than those of networks with equal chances everywhere."""
    apart, equal = draw_apart(SCALES, 300, 0), [SCALES.random(seed) for seed in range(300)]
    a_place = [np.std([depths_of(cells) / sum(map(len, cells)) for cells in drawn]) for drawn in (apart, equal)]
    assert a_place[0] > 1.7 * a_place[1]


def test_every_option_is_drawn_as_often_as_any_other():
    counts = np.sum([SCALES.indicators(cells) for cells in draw_apart(SCALES, 600, 0)], 0)[0]
    for decision in SCALES.decisions:
        share = counts[decision.columns] / 600
        np.testing.assert_allclose(share, 1 / len(decision.options), atol=0.06)


def test_weights_learn_all_images_of_their_identities(splits, settings):
    """Those on both sides are not halved, and what is scored stays unseen."""
    sides = twin_sides(settings, splits.train)
    whole = with_whole_identities(sides, splits.train)
    learnt = set(sides.weight_identities)
    assert list(whole.split.weight_images) == [record for record in splits.train if record.identity in learnt]
    assert len(whole.split.weight_images) > len(sides.split.weight_images)
    scored = set(identities(whole.split.alpha_images)) - learnt
    assert scored and scored.isdisjoint(identities(whole.split.weight_images))


def test_where_all_identities_are_on_both_sides_their_halves_stay(splits, settings):
    sides = twin_sides(replace(settings, overlap=1), splits.train)
    assert with_whole_identities(sides, splits.train) == sides


def test_the_architecture_is_decided_without_alphas(splits, settings, searched):
    out, found = searched
    written = json.loads((out / "architecture.json").read_text())
    assert Architecture.load(out / "architecture.json") == found.architecture
    assert "alphas" not in written and written["effects"]["columns"] == list(space_of(settings).columns)
    assert all(choice["gain"] is not None for choice in written["choices"])
    trials = [json.loads(line) for line in (out / "trials.jsonl").read_text().splitlines()]
    drawn = draw_apart(space_of(settings), settings.trials, settings.seed)
    assert [Architecture.from_dict(trial).cells for trial in trials] == drawn
    log = [json.loads(line) for line in (out / "search.jsonl").read_text().splitlines()]
    assert [(line["network"], line.get("mAP")) for line in log if "mAP" in line] == [
        (number, trial["mAP"]) for number, trial in enumerate(trials, 1)
    ]
    assert len(log) == settings.trials * settings.epochs


def test_a_score_is_that_of_the_network_trained_alone(splits, settings, searched):
    """The fourth network by hand: from the seed's weights, through the batches of the first."""
    machine = Machine(settings.machine)
    sides = with_whole_identities(twin_sides(settings, splits.train), splits.train)
    cells = draw_apart(space_of(settings), 4, settings.seed)[-1]
    twins = TwinsSearch(settings, space_of(settings), sides, machine)
    before = twins.alphas.detach().clone()
    feed = Feed(sides.split.weight_images, settings, sides.weight_identities)
    twins.fill(twins.weight_memory, sides.split.weight_images, {}, cells)
    twins.only_learning(twins.weights)
    for step, batch in enumerate(feed.batches(range(settings.epochs * len(feed)), machine, {})):
        twins.follow_schedules(step, len(feed))
        twins.learn(batch, cells)
    trial = json.loads((searched[0] / "trials.jsonl").read_text().splitlines()[3])
    assert scores_of(twins, {}).score(cells) == trial["mAP"]
    torch.testing.assert_close(twins.alphas.detach(), before, rtol=0, atol=0)


def test_a_search_says_that_its_trials_have_hardly_learned(searched):
    """Two epochs of a few steps teach nothing."""
    assert any("have hardly learned: their median mAP is" in doubt for doubt in searched[1].doubts)
    assert hardly_learned([0.3, 0.1, 0.2], [0.1, 0.05, 0.2]) == []
    [words] = hardly_learned([0.3, 0.1, 0.14], [0.1, 0.05, 0.2])
    assert "14.0%, and 10.0% untrained" in words


@pytest.mark.parametrize("part", [0.2, 0.25, 0.6])
def test_a_stopped_search_goes_on_where_it_was(splits, settings, searched, tmp_path, stop_after, part):
    """Within the second network, between two networks, and later."""
    steps = load_checkpoint(searched[0] / "search.checkpoint.safetensors").values["step"]
    with pytest.raises(KeyboardInterrupt), stop_after("search", round(part * steps)):
        search(splits, settings, tmp_path)
    assert not (tmp_path / "architecture.json").exists()
    search(splits, settings, tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_text() == (searched[0] / name).read_text()


def test_a_finished_search_trains_nothing(splits, settings, searched, monkeypatch):
    monkeypatch.setattr(TwinsSearch, "learn", None)
    again = search(splits, settings, searched[0])
    assert again == searched[1] and again.finished_before


def test_more_trials_go_on_and_fewer_train_nothing(splits, settings, searched, tmp_path, monkeypatch):
    shutil.copytree(searched[0], tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "trials.jsonl").read_text().splitlines()
    search(splits, replace(settings, trials=9), tmp_path)
    after = (tmp_path / "trials.jsonl").read_text().splitlines()
    assert after[:8] == before and len(after) == 9
    monkeypatch.setattr(TwinsSearch, "learn", None)
    assert search(splits, settings, tmp_path).architecture == searched[1].architecture


def test_small_images_count_less_in_the_work_of_every_network(splits, settings):
    """Half of each network's epochs, on a quarter of the pixels: the slow sum over single steps."""
    small = replace(settings, epochs=4, small_epochs=2, image_height=128, image_width=128)
    split, folder = SimpleNamespace(weight_images=splits.train), SimpleNamespace(has_checkpoint=False)
    sides = SimpleNamespace(split=split, weight_identities=identities(splits.train))
    alone: Any = SimpleNamespace(settings=small, machine=None, caches={}, sides=sides, begin=lambda says: None)
    run = TrainedTrials(alone, draw_apart(SCALES, 8, 0), cast(Any, folder))
    total = 8 * 4 * len(run.feed)
    each = [run.feed.work(range(step % run.steps, step % run.steps + 1)) for step in range(total)]
    assert 0 < min(each) < max(each) == 1
    for steps in (range(total), range(1, total), range(3, 5), range(run.steps - 1, 3 * run.steps + 2), range(0)):
        assert run.work(steps) == pytest.approx(sum(each[step] for step in steps))


def test_without_trials_a_supernet_is_trained(splits, settings, searched, tmp_path):
    """And not taken for one of a folder whose networks have weights of their own."""
    shutil.copytree(searched[0], tmp_path / "own")
    with pytest.raises(CheckpointError, match="trial_weights: own -> shared"):
        search(splits, replace(settings, trials=0), tmp_path / "own")
    found = search(splits, replace(settings, trials=0), tmp_path / "none")
    assert found.architecture == Architecture.from_alphas(found.alphas, space_of(settings))


def test_another_budget_trains_nothing(splits, settings, searched, tmp_path, monkeypatch):
    shutil.copytree(searched[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(TwinsSearch, "learn", None)
    found = search(splits, replace(settings, budget_macs=1.7e6, fit_width=True), tmp_path)
    assert count_multiply_adds(MSINet(found.architecture, 1, channels_at(found.width), settings.image_size)) <= 1.7e6


def test_other_epochs_are_another_search(splits, settings, searched, tmp_path):
    shutil.copytree(searched[0], tmp_path, dirs_exist_ok=True)
    with pytest.raises(CheckpointError, match="epochs"):
        search(splits, replace(settings, epochs=settings.epochs + 1), tmp_path)


def test_two_repeats_decide_together(splits, settings, searched, tmp_path):
    search(splits, replace(settings, repeats=2), tmp_path)
    assert (tmp_path / "repeat-0/trials.jsonl").read_text() == (searched[0] / "trials.jsonl").read_text()
    assert (tmp_path / "repeat-1/trials.jsonl").read_text() != (searched[0] / "trials.jsonl").read_text()


def test_without_identities_that_can_be_scored_the_lowest_cost_decides(splits, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(TwinsSearch, "learn", None)
    alone = replace(splits, train=tuple({record.identity: record for record in splits.train}.values()))
    found = search(alone, settings, tmp_path)
    assert found.architecture.cells == Architecture.find("all:none:1,0x1").cells
    assert "There were no trials" in found.doubts[0] and "The lowest cost decided" in found.doubts[0]
    with pytest.raises(DatasetError, match="a budget needs trials"):
        search(alone, replace(settings, budget_macs=2e6), tmp_path / "budget")
