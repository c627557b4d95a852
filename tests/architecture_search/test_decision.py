"""Decisions by effects and costs, beside all networks of a small space."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from msinet.architecture_search.decision import Decisions, Network
from msinet.architecture_search.effects import Effects, features, sizes
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.costs import CostTable, multiply_adds_table
from msinet.model.msinet.search_space import SCALES, Cells, Place, SearchSpace

TINY = SearchSpace(
    ("none", "exchange"), stages=2, cells_per_stage=2, interactions_per_cell=1, depths=((1,), (0, 2)), fewer_cells=True
)
"""400 networks: in each stage one cell of four, or two."""

SEEDS = st.integers(0, 10**6)
MULTIPLY_ADDS = multiply_adds_table(SCALES, 0.25, (64, 64))


def table_of(space: SearchSpace, seed: int) -> CostTable:
    """Return random costs; those of an interaction are the same at all places of a stage, as measured ones are."""
    random = np.random.default_rng(seed)
    options = random.uniform(0.5, 2, (space.places, len(space.columns)))
    for decision in space.decisions:
        if decision.is_of_stage:
            options[:, decision.columns] = 0
        elif decision.name == "interaction":
            by_stage = options[:: space.places_per_stage, decision.columns]
            options[:, decision.columns] = by_stage.repeat(space.places_per_stage, 0)
    cells = random.uniform(1, 3, (space.stages, space.cells_per_stage))
    return CostTable(space, "ms", 5.0, tuple(map(tuple, cells.tolist())), tuple(map(tuple, options.tolist())))


def decisions_of(seed: int, space: SearchSpace = TINY, error: float = 0.0, costs: CostTable | None = None) -> Decisions:
    """Return decisions by random effects, each with a standard error."""
    count = sum(sizes(space))
    mean = 0.01 * np.random.default_rng(seed).standard_normal(count)
    return Decisions(Effects(space, mean, error**2 * np.eye(count)), costs or table_of(space, seed))


def score(decisions: Decisions, cells: Cells) -> float:
    return float(features(decisions.effects.space, cells) @ decisions.effects.mean)


def all_networks(space: SearchSpace) -> list[Cells]:
    """Return all networks with one interaction a cell."""
    places = [Place(name, a, b) for name, a, b in product(space.choices, *space.depths)]
    stages = [
        tuple((place,) for place in cells) for count in space.numbers_of_cells for cells in product(places, repeat=count)
    ]
    return list(product(stages, repeat=space.stages))


def costs_and_scores(decisions: Decisions) -> np.ndarray:
    """Return the cost and the score of all networks, (N, 2), the cheapest first."""
    networks = all_networks(decisions.effects.space)
    rows = [[decisions.costs.of(Architecture.from_cells(cells)), score(decisions, cells)] for cells in networks]
    return np.array(sorted(rows))


def corners(points: np.ndarray) -> list[np.ndarray]:
    """Return the corners of the upper hull of (cost, score) up to the highest score: what single prices reach."""
    hull: list[np.ndarray] = []
    for point in points:
        while len(hull) > 1 and slope(hull[-2], point) >= slope(hull[-2], hull[-1]):
            hull.pop()
        if not hull or point[1] > hull[-1][1]:
            hull.append(point)
    return hull


def slope(one: np.ndarray, other: np.ndarray) -> float:
    return (other[1] - one[1]) / (other[0] - one[0])


@settings(max_examples=5)
@given(SEEDS)
def test_without_a_budget_the_best_of_all_networks_is_taken(seed):
    decisions = decisions_of(seed)
    assert score(decisions, decisions.cells(decisions.take())) == pytest.approx(costs_and_scores(decisions)[:, 1].max())


@settings(max_examples=8)
@given(SEEDS, st.floats(0.01, 0.99))
@example(35904, 0.5)
def test_a_budget_takes_the_best_that_a_single_price_reaches(seed, share):
    """Beside all networks: the last corner of their hull within the budget, if not always the best below it.

    A better one would need a price for each decision. It lies below the hull's next edge.
    """
    decisions = decisions_of(seed)
    points = costs_and_scores(decisions)
    hull = corners(points)
    budget = (1 - share) * hull[0][0] + share * hull[-1][0]
    last = max(number for number, corner in enumerate(hull) if corner[0] <= budget)
    taken, beyond = hull[last], hull[last + 1 :]
    found = decisions.take(budget)
    assert decisions.cost(found) == pytest.approx(taken[0])
    assert score(decisions, decisions.cells(found)) == pytest.approx(taken[1])
    best = points[points[:, 0] <= budget, 1].max()
    rises = slope(taken, beyond[0]) if len(beyond) else 0  # Nothing lies beyond where the cheapest of all is the best.
    assert taken[1] <= best + 1e-12 <= taken[1] + rises * (budget - taken[0]) + 2e-12


@settings(max_examples=10)
@given(SEEDS, st.lists(st.floats(0, 1), min_size=1, max_size=4), st.sampled_from([0.0, 0.002, 0.01]))
def test_a_budget_is_met(seed, shares, error):
    decisions = decisions_of(seed, SCALES, error)
    cheapest, dearest = (decisions.cost(decisions.best(price)) for price in (1e6, -1e6))
    for share in shares:
        budget = (1 - share) * cheapest + share * dearest
        assert decisions.cost(decisions.take(budget)) <= budget * (1 + 1e-12)


@pytest.mark.parametrize("costs", [None, MULTIPLY_ADDS], ids=["random", "multiply-adds"])
@settings(max_examples=3)
@given(SEEDS, st.sampled_from([0.0, 0.005]))
def test_neither_score_nor_cost_rises_with_the_price_of_cost(costs, seed, error):
    decisions = decisions_of(seed, SCALES, error, costs)
    steepest = decisions.price_of_the_cheapest()
    taken = [decisions.best(price) for price in (0, *np.geomspace(1e-6, 1, 12) * steepest)]
    scores = [score(decisions, decisions.cells(network)) for network in taken]
    assert all(after <= before + 1e-12 for before, after in pairwise(scores))
    costs_of_them = [decisions.cost(network) for network in taken]
    assert all(after <= before + 1e-6 for before, after in pairwise(costs_of_them))


@pytest.mark.parametrize("error", [0.0, 0.01])
@pytest.mark.parametrize("budget", [0.0, 1.0, 6.0])
def test_below_the_cheapest_network_the_cheapest_is_taken(budget, error):
    decisions = decisions_of(0, error=error)
    assert decisions.cost(decisions.take(budget)) == pytest.approx(costs_and_scores(decisions)[0, 0])


def test_costs_that_differ_by_little_can_be_told_apart():
    """A price at which cost alone decides is that of the smallest difference, not of the smallest cost."""
    costs = table_of(TINY, 0)
    options = [[1.0, 1.0001, *row[2:]] for row in costs.options]
    decisions = decisions_of(0, costs=replace(costs, options=tuple(map(tuple, options))))
    effects = decisions.effects
    effects.mean[TINY.columns.index("none")] = -1.0
    assert {place.interaction for place in decisions.take(0).places} == {"none"}


def with_gain(gain: float, error: float) -> Decisions:
    """Return decisions in which an exchange gains by an error everywhere, and costs; nothing else matters."""
    mean, covariance = np.zeros(sum(sizes(TINY))), np.zeros((sum(sizes(TINY)),) * 2)
    exchange = TINY.columns.index("exchange")
    mean[exchange], covariance[exchange, exchange] = gain, error**2
    costs = table_of(TINY, 0)
    options = [[0.0, 1.0, *row[2:]] for row in costs.options]
    return Decisions(Effects(TINY, mean, covariance), replace(costs, options=tuple(map(tuple, options))))


@pytest.mark.parametrize(("gain", "taken"), [(0.021, "exchange"), (0.019, "none"), (0.0, "none"), (-0.001, "none")], ids=str)
def test_the_better_option_is_taken_where_it_gains_more_than_a_standard_error(gain, taken):
    network = with_gain(gain, 0.02).take()
    assert {place.interaction for place in network.places} == {taken}


def test_a_dearer_option_that_costs_the_score_is_never_taken():
    """Not even where it loses less than an error."""
    network = with_gain(-0.01, 0.02).take()
    assert {place.interaction for place in network.places} == {"none"}


def test_of_options_that_cost_the_same_the_first_is_taken_unless_it_loses_more_than_an_error():
    for gain, taken in ((0.019, "none"), (0.021, "exchange")):
        decisions = with_gain(gain, 0.02)
        options = tuple((0.0, 0.0, *row[2:]) for row in decisions.costs.options)
        network = replace(decisions, costs=replace(decisions.costs, options=options)).take()
        assert network.places[0].interaction == taken


@settings(max_examples=10)
@given(SEEDS, st.sampled_from([0.0, 0.01]))
def test_comparisons_name_each_decision_once(seed, error):
    decisions = decisions_of(seed, SCALES, error)
    network = decisions.take()
    found = decisions.comparisons(network)
    places = [stage * 4 + place for stage, cells in enumerate(network.kept) for place in range(2 * cells)]
    expected = [(name, row) for name in ("interaction", "depth_a", "depth_b") for row in places]
    assert [(one.decision, one.row) for one in found] == expected + [("cells", stage) for stage in range(3)]
    for one in found:
        of_stage = one.decision == "cells"
        taken = network.kept[one.row] if of_stage else getattr(network.places[one.row], one.decision)
        assert one.taken == taken != one.rival


@settings(max_examples=5)
@given(SEEDS)
def test_the_rival_has_the_highest_score_of_the_others(seed):
    decisions = decisions_of(seed, SCALES, 0.01)
    network = decisions.take()
    for one in decisions.comparisons(network):
        [decision] = (decision for decision in SCALES.decisions if decision.name == one.decision)
        others = [option for option in decision.options if option != one.taken]
        scores = {o: score(decisions, decisions.cells(network.having(decision, one.row, o))) for o in others}
        assert scores[one.rival] == pytest.approx(max(scores.values()))
        assert one.gain == pytest.approx(score(decisions, decisions.cells(network)) - scores[one.rival])


def test_gains_are_below_0_only_where_cost_decided():
    decisions = decisions_of(1, SCALES, 0.003)
    for one in decisions.comparisons(decisions.take()):
        assert one.gain >= -one.error
    assert any(one.gain < -one.error for one in decisions.comparisons(decisions.take(0)))


def test_where_nothing_is_decided_there_is_nothing_to_compare():
    space = replace(TINY, choices=("exchange",))
    decisions = decisions_of(0, space)
    assert {one.decision for one in decisions.comparisons(decisions.take())} == {"depth_b", "cells"}


def test_a_network_keeps_what_would_stand_in_the_cells_that_it_leaves_out():
    places = tuple(Place("exchange", 1, 0) for _ in range(4))
    [interaction, _, cells] = TINY.decisions
    network = Network(places, (1, 2)).having(interaction, 1, "none").having(cells, 0, 2)
    assert network == Network((places[0], Place("none", 1, 0), *places[2:]), (2, 2))
    assert [*Network(places, (1, 2)).rows(interaction, TINY)] == [0, 2, 3]
    assert [*network.rows(cells, TINY)] == [0, 1]
