import functools
import itertools
import json
import math
import time
from dataclasses import replace
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from msinet.errors import SettingsError
from msinet.files.caches import cache_folder
from msinet.model.cost import count_multiply_adds
from msinet.model.msinet import costs, latencies
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.costs import CostTable, latency_table, multiply_adds_table
from msinet.model.msinet.latencies import BY_PYTORCH, Latencies, Timing, nonnegative_least_squares, times_in_turns
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import PUBLISHED, SCALES, Place, SearchSpace
from msinet.model.msinet.widths import WIDTHS, channels_at

SPACES = (
    PUBLISHED,
    SCALES,
    replace(PUBLISHED, cells_per_stage=1, interactions_per_cell=3),
    SearchSpace(("exchange", "channel_gate"), depths=((0,), (2, 5)), cells_per_stage=3, fewer_cells=True),
)
SMALL = SearchSpace(("none", "channel_gate"), stages=2, interactions_per_cell=1, depths=((0, 2), (3,)), fewer_cells=True)
"""1024 networks, if those that differ in cells that they lack count apart."""

FEW = SearchSpace(("none", "channel_gate"), cells_per_stage=1, interactions_per_cell=1, depths=((0, 1), (1,)))
"""The three stages that a network has, and little in them."""

table_of = functools.cache(multiply_adds_table)


def random_table(space: SearchSpace) -> CostTable:
    draw = torch.rand(space.places, len(space.columns), dtype=torch.float64)
    for decision in space.decisions:
        if decision.is_of_stage:
            draw[:, decision.columns] = 0
    cells = torch.rand(space.shape[:2], dtype=torch.float64)
    return CostTable(space, "ms", 3.0, tuple(map(tuple, cells.tolist())), tuple(map(tuple, draw.tolist())))


def random_shares(space: SearchSpace) -> torch.Tensor:
    logits = torch.randn(space.places, len(space.columns), dtype=torch.float64)
    return torch.cat([logits[:, decision.columns].softmax(-1) for decision in space.decisions], -1)


@settings(max_examples=6)
@given(st.sampled_from(SPACES), st.sampled_from(WIDTHS), st.sampled_from([(64, 48), (37, 61)]), st.integers(0, 10**6))
def test_multiply_adds_of_the_table_are_those_of_the_network(space, width, size, seed):
    architecture = Architecture.random(seed, space)
    network = MSINet(architecture, 1, channels_at(width), size)
    assert table_of(space, width, size).of(architecture) == count_multiply_adds(network)


def test_multiply_adds_of_the_published_network():
    assert table_of(PUBLISHED, 1.0, (256, 256)).of(Architecture.named("veri776")) == 2_320_829_696


def test_a_table_takes_no_random_numbers():
    before = torch.get_rng_state()
    multiply_adds_table(FEW, 0.25, (32, 32))
    drawing = Timing("a runtime that draws", {}, lambda networks, threads, seconds: 1 + torch.rand(len(networks)).double())
    latency_table(FEW, 0.25, (32, 32), seconds=0, again=True, timing=drawing)
    assert torch.get_rng_state().equal(before)


@pytest.mark.parametrize("space", [*SPACES, SMALL], ids=lambda space: "x".join(map(str, space.shape)))
def test_expected_cost_of_one_network_is_its_cost(space):
    table = random_table(space)
    for seed in range(5):
        architecture = Architecture.random(seed, space)
        assert table.of(architecture) == pytest.approx(added_up(table, architecture), rel=1e-12)


def added_up(table: CostTable, architecture: Architecture) -> float:
    """Return the cost of a network, cell by cell and place by place."""
    space, cost = table.space, table.fixed
    for s, stage in enumerate(architecture.cells):
        for c, cell in enumerate(stage):
            cost += table.cells[s][c]
            for i, place in enumerate(cell):
                row = table.options[(s * space.cells_per_stage + c) * space.interactions_per_cell + i]
                named = dict(zip(space.columns, row, strict=True))
                cost += named[place.interaction]
                cost += named.get(f"a{place.depth_a}", 0.0) + named.get(f"b{place.depth_b}", 0.0)
    return cost


def test_expected_cost_is_the_mean_over_all_networks():
    table, shares = random_table(SMALL), random_shares(SMALL)
    of_stages = SMALL.decisions[-1].columns
    choices = list(itertools.product(SMALL.choices, SMALL.depths[0]))
    mean = total = 0.0
    for cells in itertools.product((1, 2), repeat=SMALL.stages):
        chance_of_cells = math.prod(shares[2 * s, of_stages][n - 1].item() for s, n in enumerate(cells))
        for taken in itertools.product(choices, repeat=SMALL.places):
            chance = chance_of_cells
            for row, (name, depth) in zip(shares, taken, strict=True):
                chance *= row[SMALL.columns.index(name)].item() * row[SMALL.columns.index(f"a{depth}")].item()
            places = [Place(name, depth, SMALL.depths[1][0]) for name, depth in taken]
            mean += chance * table.of(Architecture.from_cells(SMALL.cut(places, cells)))
            total += chance
    assert total == pytest.approx(1)
    assert table.expected(shares).item() == pytest.approx(mean, rel=1e-9)


def test_expected_cost_is_differentiable():
    table, shares = random_table(SCALES), random_shares(SCALES).requires_grad_()
    assert torch.autograd.gradcheck(table.expected, shares)
    (slopes,) = torch.autograd.grad(table.expected(shares), shares)
    cells = SCALES.decisions[-1].columns
    assert slopes[:, : cells.start].gt(0).all()
    assert slopes[:: SCALES.places_per_stage, cells].gt(0).all()


def test_an_architecture_outside_the_space_has_no_cost():
    with pytest.raises(SettingsError, match="depth a 2 is not in the search space"):
        random_table(PUBLISHED).of(Architecture.uniform("none", PUBLISHED, (2, 3)))


def test_a_table_has_all_costs():
    table = random_table(SMALL)
    with pytest.raises(SettingsError, match="a cost for each cell"):
        replace(table, cells=table.cells[:1])
    with pytest.raises(SettingsError, match="finite and not negative"):
        replace(table, fixed=math.nan)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder()


@pytest.fixture
def measured(cache, monkeypatch):
    """Let measuring take no time; return the (width, image size, threads) that were measured."""
    calls = []

    def fit(space, width, image_size, threads, seconds, timing):
        calls.append((width, image_size, threads))
        kinds = ["exchange", "channel_gate", "cross_attention", "convolution", "cell"]
        parts = {(stage, kind): 2.0**-number for stage in range(3) for number, kind in enumerate(kinds)}
        return Latencies(4.0 + len(calls), parts)

    monkeypatch.setattr(costs, "fit_latencies", fit)
    return calls


def test_latencies_are_measured_once(measured):
    first, second = (latency_table(SCALES, 0.25, (64, 48)) for _ in range(2))
    assert first == second
    assert measured == [(0.25, (64, 48), torch.get_num_threads())]


def test_latencies_are_measured_again_if_asked(measured):
    latency_table(SCALES, 0.25, (64, 48))
    again = latency_table(SCALES, 0.25, (64, 48), again=True)
    assert again.fixed == 6
    assert latency_table(SCALES, 0.25, (64, 48)) == again


def test_other_conditions_have_other_latencies(measured):
    latency_table(SCALES, 0.25, (64, 48))
    latency_table(SCALES, 0.5, (64, 48))
    latency_table(SCALES, 0.25, (48, 64))
    latency_table(SCALES, 0.25, (64, 48), threads=torch.get_num_threads() + 1)
    latency_table(PUBLISHED, 0.25, (64, 48))
    for version in ("1", "2", "2"):
        exported = replace(BY_PYTORCH, conditions={**BY_PYTORCH.conditions, "runtime": version})
        latency_table(SCALES, 0.25, (64, 48), timing=exported)
    assert len(measured) == 7


@pytest.mark.parametrize(
    "content", ["", "half", "[]", '{"fixed": 1}', '{"fixed": NaN, "cells": [], "options": []}', b"\xff\xfe"]
)
def test_a_damaged_file_is_measured_again(measured, cache, content):
    table = latency_table(SCALES, 0.25, (64, 48))
    (file,) = cache.iterdir()
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert latency_table(SCALES, 0.25, (64, 48)).cells == table.cells
    assert len(measured) == 2
    assert json.loads(file.read_text())["fixed"] == 6


def test_a_file_with_a_number_too_few_is_measured_again(measured, cache):
    latency_table(SCALES, 0.25, (64, 48))
    (file,) = cache.iterdir()
    values = json.loads(file.read_text())
    values["options"][3].pop()
    file.write_text(json.dumps(values))
    latency_table(SCALES, 0.25, (64, 48))
    assert len(measured) == 2


def test_a_cache_that_cannot_be_written_is_done_without(measured, cache, caplog):
    cache.write_text("a file in the folder's place")
    assert latency_table(SCALES, 0.25, (64, 48)).unit == "ms"
    assert "measured again the next time" in caplog.text


def test_depths_that_are_not_decided_count_with_their_cells(measured):
    convolution, cell = 2.0**-3, 2.0**-4
    assert latency_table(SCALES, 0.25, (64, 48)).cells == ((0, cell),) * 3
    published = latency_table(PUBLISHED, 0.25, (64, 48))
    assert published.cells == ((8 * convolution, cell + 8 * convolution),) * 3
    assert published.options == ((0, 1, 0.5, 0.25),) * 12


def test_threads_are_at_least_one(measured):
    with pytest.raises(SettingsError, match="threads is 0"):
        latency_table(SCALES, 0.25, (64, 48), threads=0)


@pytest.mark.parametrize("space", [FEW, replace(FEW, cells_per_stage=2, fewer_cells=True)], ids=["one cell", "two cells"])
def test_real_latencies(cache, monkeypatch, space):
    monkeypatch.setattr(latencies, "ROUNDS", 1)
    threads = torch.get_num_threads()
    table = latency_table(space, 0.25, (32, 32), threads=1, seconds=0)
    assert torch.get_num_threads() == threads
    assert table.unit == "ms"
    assert table.of(Architecture.random(0, space)) > 0


@pytest.mark.parametrize("networks_per_term", [1.5, 3])
def test_costs_are_found_from_whole_networks(networks_per_term):
    """Where times are sums of costs, these are the costs, however the networks are timed."""
    true = {"convolution": 0.25, "channel_gate": 0.5, "cell": 1.0}

    def times(networks, threads, seconds):
        assert len({network.architecture for network in networks}) == networks_per_term * 10
        return torch.tensor(
            [
                3
                + sum(
                    (s + 1) * cost * latencies.count(n.architecture, s, part)
                    for part, cost in true.items()
                    for s in range(3)
                )
                for n in networks
            ],
            dtype=torch.float64,
        )

    timing = Timing("adding up", {}, times, networks_per_term)
    found = latencies.fit_latencies(replace(FEW, cells_per_stage=2), 0.25, (32, 32), 1, 0, timing)
    assert found.fixed == pytest.approx(3)
    assert found.parts == pytest.approx({(s, part): (s + 1) * cost for s in range(3) for part, cost in true.items()})


def test_times_are_in_milliseconds_and_in_the_order_of_what_runs():
    found = times_in_turns([partial(time.sleep, seconds) for seconds in (0.003, 0.001, 0.006)], seconds=0)
    assert found.argsort().tolist() == [1, 0, 2]
    assert found.min() >= 1


def test_slow_rounds_and_interruptions_do_not_change_times():
    true = torch.linspace(1, 4, 20, dtype=torch.float64)
    times = true * torch.tensor([[2.0], [1.0], [1.7], [1.1], [3.0], [1.5], [1.0], [1.9]], dtype=torch.float64)
    for n in range(20):
        times[(3 * n) % 8, n] *= 5
    torch.testing.assert_close(latencies.quiet_times(times), true)


def test_no_cost_is_negative():
    matrix = torch.tensor([[1, 0, 1], [1, 1, 0], [1, 1, 1], [1, 0, 0]], dtype=torch.float64)
    found = nonnegative_least_squares(matrix, matrix @ torch.tensor([2.0, -1.0, 1.0], dtype=torch.float64))
    assert found == pytest.approx([1.5, 0, 1])
