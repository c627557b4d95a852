"""Finals: which step deeper is tried, how sure a gain is, when the walk ends, and a search that goes on where it was."""

import json
import logging
import shutil
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.architecture_search.conclusion import NOTHING_DEEPER
from msinet.architecture_search.decision import Decisions, Network
from msinet.architecture_search.effects import Effects, sizes
from msinet.architecture_search.finals import LONGER, Finalist, Finals, deeper, in_prospect
from msinet.architecture_search.one_shot import OneShotScores
from msinet.architecture_search.search import search
from msinet.architecture_search.trained_trials import UNTRAINED_NETWORKS, OwnTraining
from msinet.architecture_search.twins import TwinsSearch
from msinet.engine.checkpoint import load_checkpoint
from msinet.errors import SettingsError
from msinet.evaluation.metrics import PerQuery
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.costs import multiply_adds_table
from msinet.model.msinet.search_space import SCALES, Place

COSTS = multiply_adds_table(SCALES, 0.25, (64, 64))
SHALLOWEST = Network((Place("none", 1, 0),) * SCALES.places, (1, 1, 1))
DEEPEST = Network((Place("none", 3, 5),) * SCALES.places, (2, 2, 2))


def decisions_of(seed: int = 0, **effects: float) -> Decisions:
    """Return decisions by random effects, and by given ones of single columns everywhere."""
    mean = 1e-3 * np.random.default_rng(seed).standard_normal(sum(sizes(SCALES)))
    for column, effect in effects.items():
        mean[SCALES.columns.index(column)] = effect
    return Decisions(Effects(SCALES, mean, np.zeros((len(mean),) * 2)), COSTS)


def convolutions(decisions: Decisions, network: Network) -> int:
    return sum(sum(place.depths) for place in Architecture.from_cells(decisions.cells(network)).places)


def finalist(precisions: list[float], identities: list[str]) -> Finalist:
    """Return a finalist with average precisions of its queries."""
    values = np.array(precisions)
    per_query = PerQuery(tuple(map(str, range(len(values)))), tuple(identities), values, values, values)
    return Finalist(SHALLOWEST, 6, cast(Any, SimpleNamespace(per_query=per_query, mAP=float(values.mean()))))


@pytest.mark.parametrize(
    ("effects", "name"),
    [
        ({"b1": 0.1, "a2": -0.1, "cells2": -0.1}, "all:none:1,1x1"),
        ({"b1": -0.1, "a2": 0.1, "cells2": -0.1}, "all:none:2,0x1"),
        ({"a1": 0.1, "b0": 0.1, "b1": -0.3, "a2": -0.3}, "all:none:1,0"),
    ],
)
def test_the_step_that_promises_most_is_tried(effects, name):
    """The next depth of a branch everywhere, or a cell more in each stage, like the cell before."""
    decisions = decisions_of(**effects)
    step = deeper(decisions, SHALLOWEST)
    assert step and decisions.cells(step) == Architecture.find(name).cells


def test_nothing_is_deeper_than_the_deepest():
    assert deeper(decisions_of(), DEEPEST) is None


@given(st.integers(0, 10**6), st.floats(0.5, 3))
def test_a_step_adds_convolutions_within_the_budget(seed, share):
    """Of networks whose places differ."""
    random = np.random.default_rng(seed)
    places = [
        Place(str(random.choice(SCALES.choices)), *(int(random.choice(own)) for own in SCALES.depths))
        for _ in range(SCALES.places)
    ]
    network = Network(tuple(places), tuple(random.integers(1, 3, 3).tolist()))
    decisions = decisions_of(seed)
    budget = share * decisions.cost(network)
    if step := deeper(decisions, network, budget):
        assert convolutions(decisions, step) > convolutions(decisions, network)
        assert decisions.cost(step) <= budget
        SCALES.require(decisions.cells(step))
        assert {place.interaction for place in step.places} <= {place.interaction for place in network.places}


def test_the_error_of_a_gain_is_that_of_the_bootstrap_over_identities():
    random = np.random.default_rng(0)
    owner = random.integers(0, 60, 400)
    gains = 0.05 + random.normal(0, 0.1, 60)[owner] + random.normal(0, 0.1, 400)
    before = random.uniform(0.2, 0.5, 400)
    names = [f"v{number}" for number in owner]
    gain, error = finalist((before + gains).tolist(), names).gain_over(finalist(before.tolist(), names))
    drawn = random.integers(0, 60, (2000, 60))
    means = [np.concatenate([gains[owner == number] for number in draw]).mean() for draw in drawn]
    assert gain == pytest.approx(gains.mean())
    assert error == pytest.approx(np.std(means), rel=0.1)
    assert error > 1.5 * gains.std() / 20  # images of one identity are no independent witnesses


def test_one_identity_tells_nothing():
    assert finalist([0.9, 0.8], ["v1", "v1"]).gain_over(finalist([0.1, 0.1], ["v1", "v1"]))[1] == np.inf


class Scored(Finals):
    """Finals whose networks score by a function of their number of convolutions."""

    def __init__(self, score: Any, most: int) -> None:
        self.score, self.most = score, most
        self.machine: Any = SimpleNamespace(gather_objects=lambda objects: objects)
        self.training: Any = SimpleNamespace(settings=SimpleNamespace(epochs=30))

    def finalist(self, decisions: Decisions, network: Network) -> Finalist:
        count = convolutions(decisions, network)
        own = self.score(count) + np.array([0.01, -0.01, 0.0, 0.0])
        return replace(finalist(own.tolist(), ["v1", "v2", "v3", "v4"]), network=network, convolutions=count)


def test_the_walk_ends_where_depth_gains_no_more():
    best_at_12 = Scored(lambda count: 0.5 - abs(count - 12) / 100, 9).play(decisions_of(b1=0.1), SHALLOWEST)
    assert best_at_12 and best_at_12.winner.convolutions == 12
    assert [one.convolutions for one in best_at_12.finalists] == sorted(one.convolutions for one in best_at_12.finalists)
    assert len(best_at_12.finalists) == 3
    assert "12 are taken, more than the trials say" in best_at_12.in_words()


def test_equal_scores_keep_the_network_of_the_trials():
    final = Scored(lambda count: 0.5, 9).play(decisions_of(), SHALLOWEST)
    assert final and len(final.finalists) == 2 and final.winner is final.finalists[0]
    assert "6 are taken, as the trials say" in final.in_words()


@pytest.mark.parametrize(("gain", "wins"), [(0.03, False), (0.05, True)])
def test_a_gain_below_two_standard_errors_changes_nothing(gain, wins):
    """The gains of four identities lie up to 0.04 from their mean, whose standard error is 0.018."""
    own = {6: np.full(4, 0.5), 12: 0.5 + gain + np.array([-0.04, 0.04, -0.02, 0.02])}
    final = Scored(lambda count: own[count], 2).play(decisions_of(b1=0.1), SHALLOWEST)
    assert final and (final.winner is final.finalists[1]) is wins
    assert final.finalists[1].gain_over(final.finalists[0])[1] == pytest.approx(0.0183, abs=1e-4)


def test_no_more_finalists_than_asked_for_and_none_where_no_step_is_left():
    more_is_better = Scored(lambda count: count / 1000, 3)
    final = more_is_better.play(decisions_of(), SHALLOWEST)
    assert final and len(final.finalists) == 3 and final.winner is final.finalists[-1]
    assert more_is_better.play(decisions_of(), DEEPEST) is None
    assert more_is_better.play(decisions_of(), SHALLOWEST, decisions_of().cost(SHALLOWEST)) is None


@pytest.fixture(scope="module")
def splits(make_splits):
    return make_splits(train=12)


@pytest.fixture(scope="module")
def settings(search_settings):
    return replace(search_settings, space="scales", trials=8, trial_weights="own", finals=2)


@pytest.fixture(scope="module")
def searched(splits, settings, tmp_path_factory):
    """The folder of a search, and what it found."""
    out = tmp_path_factory.mktemp("finals")
    return out, search(splits, settings, out)


def test_finalists_are_trained_longer_and_the_search_says_how_they_did(searched, settings):
    out, found = searched
    logs = sorted(out.glob("finals/*/search.jsonl"))
    assert [len(log.read_text().splitlines()) for log in logs] == [LONGER * settings.epochs] * 2
    finals = json.loads((out / "architecture.json").read_text())["finals"]
    assert finals["epochs"] == LONGER * settings.epochs and len(finals["scores"]) == 2
    scores = {json.loads(file.read_text())["mAP"] for file in out.glob("finals/*/trials.jsonl")}
    assert {score for _, score in finals["scores"]} == scores
    assert f"Finals: after {finals['epochs']} epochs, the mAP is" in found.findings[0]


def test_rates_fall_as_many_times_later(settings):
    made: Any = {"method": TwinsSearch, "sides": None, "machine": None, "caches": {}, "data": None, "out": None}
    stepped = replace(settings, epochs=4, small_epochs=2, milestones=(1, 3))
    longer = OwnTraining(settings=stepped, **made).longer(5).settings
    assert (longer.epochs, longer.small_epochs, longer.milestones) == (20, 10, (5, 15))


@pytest.mark.parametrize("part", [0.3, 0.8])
def test_a_search_stopped_in_its_finals_goes_on_where_it_was(splits, settings, searched, tmp_path, stop_after, part):
    """In the first and in the second; the trials are done."""
    checkpoints = searched[0].glob("finals/*/search.checkpoint.safetensors")
    steps = sum(load_checkpoint(path).values["step"] for path in checkpoints)
    shutil.copytree(searched[0], tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "finals")
    with pytest.raises(KeyboardInterrupt), stop_after("finalist", round(part * steps)):
        search(splits, settings, tmp_path)
    assert search(splits, settings, tmp_path) == searched[1]
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.json*"))
    assert len(files) == 3 + 2 * 2
    for name in files:
        assert (tmp_path / name).read_text() == (searched[0] / name).read_text()


def test_a_search_begun_anew_takes_no_finalist_of_the_one_before(splits, settings, searched, tmp_path):
    """And touches nothing that it finds there."""
    shutil.copytree(searched[0], tmp_path, dirs_exist_ok=True)
    for checkpoint in tmp_path.glob("search.checkpoint*"):
        checkpoint.unlink()
    other = search(splits, replace(settings, epochs=1, warmup_epochs=0), tmp_path)
    assert f"after {LONGER} epochs" in other.findings[0]
    assert len([*tmp_path.glob("finals/*")]) == 4


def test_repeats_take_the_finals_of_the_first_seed(splits, settings, searched, tmp_path):
    found = search(splits, replace(settings, repeats=2), tmp_path)
    assert "Finals: after" in found.findings[0]
    assert [*tmp_path.glob("repeat-0/finals/*")] and not (tmp_path / "repeat-1/finals").exists()


@pytest.mark.parametrize("trials", [0, 8])
def test_a_supernet_has_no_finals_and_the_search_says_so(splits, settings, tmp_path, trials):
    found = search(splits, replace(settings, trial_weights="shared", trials=trials), tmp_path)
    assert not (tmp_path / "finals").exists()
    assert "no finals" in found.doubts[-1]


def test_what_a_start_lacks_is_said_once_and_untrained_networks_are_scored_once(
    splits, settings, searched, tmp_path, caplog, monkeypatch
):
    """Not of each finalist again."""
    begin, scored = TwinsSearch.begin_from_model, []
    monkeypatch.setattr(OneShotScores, "measure", lambda *args, own=OneShotScores.measure: scored.append(0) or own(*args))

    def told(self: TwinsSearch, says: bool = True) -> None:
        begin(self, says)
        if says:
            logging.getLogger("msinet").warning("the model lacks a classifier")

    monkeypatch.setattr(TwinsSearch, "begin_from_model", told)
    assert search(splits, settings, tmp_path) == searched[1]
    assert caplog.messages.count("the model lacks a classifier") == 1
    finalists = 2
    assert len(scored) == UNTRAINED_NETWORKS + settings.trials + 2 * finalists  # At its end, and for the comparison.


def test_a_budget_that_admits_no_deeper_network_has_no_finals(splits, settings, searched, tmp_path):
    """The cheapest network of the space costs 1.69 M, the next 1.78 M."""
    shutil.copytree(searched[0], tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "finals")
    found = search(splits, replace(settings, budget_macs=1.7e6), tmp_path)
    assert not (tmp_path / "finals").exists() and "Finals" not in " ".join(found.findings)
    assert found.doubts[-1] == NOTHING_DEEPER


def test_a_space_without_depths_has_no_finals_and_the_search_says_so(splits, settings, tmp_path):
    assert search(splits, replace(settings, space="published"), tmp_path).doubts[-1] == NOTHING_DEEPER


@pytest.mark.parametrize(
    ("finals", "words"), [(0, ""), (2, "2 finalists of 10 epochs each"), (3, "2 to 3 finalists of 10 epochs each")]
)
def test_what_is_in_prospect_is_told_in_words(settings, finals, words):
    assert in_prospect(replace(settings, epochs=2, finals=finals)) == words


def test_a_single_finalist_is_refused(settings):
    with pytest.raises(SettingsError, match="finals is 1: give 0, or 2 at least"):
        replace(settings, finals=1)


def test_a_finished_search_trains_no_finalist_again(splits, settings, searched, monkeypatch):
    monkeypatch.setattr(TwinsSearch, "learn", None)
    again = search(splits, settings, searched[0])
    assert again == searched[1] and again.finished_before
