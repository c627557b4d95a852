"""The conclusion of a search: what decides, and what is said about the choice."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from msinet.architecture_search import conclusion
from msinet.architecture_search.conclusion import NOTHING_FOUND, Repeat, choices_in, conclude
from msinet.architecture_search.effects import Trial
from msinet.model.cost import count_multiply_adds
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.costs import multiply_adds_table
from msinet.model.msinet.latencies import Timing
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SCALES, Place
from msinet.model.msinet.widths import WIDTHS, channels_at
from msinet.model.runtime_file import RUNTIMES

GAINS = {"none": 0.0, "exchange": 0.03, "channel_gate": 0.0, "cross_attention": 0.06}


def score_of(cells, gains=GAINS, number=0) -> float:
    """Return a score to which each interaction adds its gain, and a little noise."""
    interactions = [place.interaction for stage in cells for cell in stage for place in cell]
    return 0.3 + sum(gains[name] for name in interactions) + 0.003 * np.random.default_rng(number).standard_normal()


@pytest.fixture
def settings(search_settings):
    return replace(search_settings, trials=60)


@pytest.fixture
def concluded(make_twins, tmp_path, settings):
    """Return a function that concludes the search of supernets whose networks score by gains of their interactions."""

    def run(gains=GAINS, repeats=1, shift=0.0, **changes):
        supernets = []
        for repeat in range(repeats):
            twins = make_twins(replace(settings, seed=repeat, **changes))
            space = twins.supernet.space
            networks = [space.random(1000 * repeat + number) for number in range(settings.trials)]
            trials = [Trial(cells, score_of(cells, gains, number) + shift * repeat) for number, cells in enumerate(networks)]
            supernets.append(Repeat(twins, twins.alphas.detach(), trials, {"seed": repeat}, False))
        return conclude(supernets, replace(settings, repeats=repeats, **changes), tmp_path)

    return run


def test_the_trials_decide_whatever_the_alphas_are(concluded):
    found = concluded()
    assert found.architecture.interactions == ("cross_attention",) * 6
    assert {choice.rival for choice in found.choices} == {"exchange"}
    assert all(choice.gain == pytest.approx(0.03, abs=0.01) for choice in found.choices)
    assert found.doubts == ()


def test_the_rivals_share_is_that_of_the_alphas(concluded):
    found = concluded()
    for choice, alphas in zip(found.choices, found.alphas, strict=True):
        shares = torch.tensor(alphas).softmax(0)
        assert (choice.share, choice.rival_share) == pytest.approx((shares[3].item(), shares[1].item()))


def test_equal_scores_tell_nothing_and_the_cheapest_network_is_taken(concluded, monkeypatch):
    monkeypatch.setitem(globals(), "score_of", lambda cells, gains, number: 0.5)
    found = concluded()
    assert found.architecture.interactions == ("none",) * 6
    assert found.doubts == (NOTHING_FOUND,)
    assert "interaction" not in " ".join(found.findings), "what nothing is known of is not called needless"


def test_places_that_need_no_interaction_are_counted(concluded):
    """Where others lose."""
    found = concluded({"none": 0.0, "exchange": -0.05, "channel_gate": -0.05, "cross_attention": -0.05})
    assert found.findings[0].startswith("No interaction is needed here")


def test_repeats_decide_together_by_what_their_trials_have_in_common(concluded, tmp_path):
    """A supernet that is better in everything makes none of its networks better."""
    together, alone = concluded(repeats=2, shift=0.5), concluded()
    assert together.architecture == alone.architecture
    errors = [[choice.error for choice in found.choices] for found in (together, alone)]
    assert np.mean(errors[0]) < np.mean(errors[1])


def within(budget: float, found, settings) -> bool:
    network = MSINet(found.architecture, 1, channels_at(settings.width), settings.image_size)
    return count_multiply_adds(network) <= budget


def test_what_the_budget_spares_is_not_called_needless(concluded, settings):
    """Exchanges cost no multiply-adds; where they do not help, the budget leaves places without an interaction."""
    found = concluded(budget_macs=2.05e6)
    assert within(2.05e6, found, settings)
    assert {choice.taken for choice in found.choices} == {"exchange", "cross_attention"}
    assert "interaction" not in " ".join(found.findings)
    found = concluded({**GAINS, "exchange": -0.05, "channel_gate": -0.05}, budget_macs=2.05e6)
    spared = [choice for choice in found.choices if choice.taken == "none"]
    assert 0 < len(spared) < 6
    assert all(choice.gain < -choice.error for choice in spared)
    assert found.findings[0] == f"To meet the budget, {len(spared)} of 6 places do without an interaction that would gain."


def test_the_multiply_adds_are_those_of_the_network(concluded):
    found = concluded(budget_macs=2e6)
    [size, met] = found.findings[-2:]
    assert size.endswith("multiply-adds for an image of 32 x 32.")
    assert met.endswith("it meets the budget of 2M multiply-adds.")


def test_a_budget_in_milliseconds_is_measured_on_the_network(concluded, monkeypatch):
    def table(space, width, image_size, timing):
        return replace(multiply_adds_table(space, width, image_size), unit="ms")

    monkeypatch.setattr("msinet.architecture_search.twins.latency_table", table)
    times = {"torch": 12.0, "onnx": 8.0}

    def timing_on(runtime):
        return Timing(RUNTIMES[runtime], {}, lambda networks, threads, seconds: torch.tensor([times[runtime]]))

    monkeypatch.setattr("msinet.architecture_search.twins.timing_on", timing_on)
    monkeypatch.setattr(conclusion, "timing_on", timing_on)
    assert concluded(budget_ms=10.0).findings[-1] == "With 12 ms it misses the budget of 10 ms by 20 %."
    assert concluded(budget_ms=16.0).findings[-1] == "With 12 ms it meets the budget of 16 ms."
    exported = concluded(budget_ms=10.0, on="onnx")
    assert exported.findings[-1] == "With 8 ms by ONNX Runtime it meets the budget of 10 ms."


def macs(architecture, width, settings) -> int:
    return count_multiply_adds(MSINet(architecture, 1, channels_at(width), settings.image_size))


@pytest.mark.parametrize("budget", [1.5e6, 2e6, 9e6])
def test_a_fitted_width_is_the_largest_that_meets_the_budget(concluded, settings, tmp_path, budget):
    """Against all widths, one by one. The search's own, a quarter, is narrower or wider."""
    found = concluded(budget_macs=budget, fit_width=True)
    assert found.width == max(width for width in WIDTHS if macs(found.architecture, width, settings) <= budget)
    assert f"--width {found.width:g}" in found.findings[-2] and " meets the budget" in found.findings[-1]
    assert json.loads((tmp_path / "architecture.json").read_text())["width"] == found.width


def test_without_a_width_that_meets_the_budget_the_narrowest_misses_it(concluded):
    found = concluded(budget_macs=1e5, fit_width=True)
    assert found.width == WIDTHS[0]
    assert " misses the budget of 100K multiply-adds by " in found.findings[-1]


def test_each_of_several_budgets_has_its_own_width(concluded, settings, tmp_path):
    found = concluded(budgets=(2.5e6, 9e6), fit_width=True)
    narrow, wide = found.front.values()
    assert narrow.width < wide.width == found.width
    for budget, one, name in zip(found.front, (narrow, wide), ("2.5M", "9M"), strict=True):
        assert one.multiply_adds == macs(one.architecture, one.width, settings) <= budget
        assert json.loads((tmp_path / f"architecture-{name}.json").read_text())["width"] == one.width


def test_a_width_is_fitted_to_milliseconds(concluded, monkeypatch):
    """Of a machine that takes a millisecond for each of the stem's channels."""

    def table(space, width, image_size, timing):
        return replace(multiply_adds_table(space, width, image_size), unit="ms")

    def timing_on(runtime):
        return Timing(
            RUNTIMES[runtime], {}, lambda networks, *_: torch.tensor([1.0 * networks[0].arguments()["channels"][0]])
        )

    monkeypatch.setattr("msinet.architecture_search.twins.latency_table", table)
    monkeypatch.setattr(conclusion, "timing_on", timing_on)
    found = concluded(budget_ms=21.5, fit_width=True)
    assert found.width == 20 / 64
    assert found.findings[-1] == "With 20 ms it meets the budget of 21.5 ms."


def test_files_of_several_budgets(concluded, tmp_path):
    found = concluded(budgets=(2.05e6, 2.5e6))
    for budget, name in ((2.05e6, "2.05M"), (2.5e6, "2.5M")):
        written = json.loads((tmp_path / f"architecture-{name}.json").read_text())
        assert written["budget_macs"] == budget
        assert Architecture.from_dict(written) == found.front[budget].architecture
        assert written["width"] == found.front[budget].width == found.width == 0.25
    assert found.architecture == found.front[2.5e6].architecture


def test_choices_of_cells_that_are_left_out_are_not_named():
    places = [Place("exchange", 1, 3)] * SCALES.places
    architecture = Architecture.from_cells(SCALES.cut(places, (1, 2, 1)))
    choices = choices_in(SCALES, np.zeros((12, 13)).tolist(), 1.0, architecture)
    rows = [0, 1, 4, 5, 6, 7, 8, 9]
    expected = [(name, row) for name in ("interaction", "depth_a", "depth_b") for row in rows]
    assert [(choice.decision, choice.row) for choice in choices] == [*expected, ("cells", 0), ("cells", 1), ("cells", 2)]
    assert [choice.taken for choice in choices[-3:]] == ["1", "2", "1"]
