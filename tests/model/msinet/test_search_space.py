import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.errors import SettingsError
from msinet.model.msinet.search_space import PUBLISHED, SCALES, SPACES, Place

INTERACTIONS = ("none", "exchange", "channel_gate", "cross_attention")
SHAPES = {
    "published": PUBLISHED,
    "scales": SCALES,
    "one branch": replace(PUBLISHED, depths=((1,), (2, 5))),
    "fewer cells": replace(PUBLISHED, cells_per_stage=3, interactions_per_cell=1, fewer_cells=True),
    "one cell": replace(SCALES, cells_per_stage=1),
    "two stages": replace(SCALES, stages=2, interactions_per_cell=3),
}


def stages_of(place: Place, *cells: int):
    """Return stages of some numbers of cells, with the same place twice in each."""
    return tuple(((place, place),) * count for count in cells)


def test_the_published_space_decides_the_interaction_alone():
    [decision] = PUBLISHED.decisions
    assert (decision.name, decision.options, decision.columns) == ("interaction", INTERACTIONS, slice(0, 4))
    assert PUBLISHED.columns == PUBLISHED.choices == INTERACTIONS
    assert PUBLISHED.shape == (3, 2, 2) and PUBLISHED.places == 12


def test_the_space_of_scales_also_decides_depths_and_cells():
    assert {decision.name: decision.options for decision in SCALES.decisions} == {
        "interaction": INTERACTIONS,
        "depth_a": (1, 2, 3),
        "depth_b": (0, 1, 3, 5),
        "cells": (1, 2),
    }
    assert SCALES.columns == (*INTERACTIONS, "a1", "a2", "a3", "b0", "b1", "b3", "b5", "cells1", "cells2")
    assert [decision.name for decision in SCALES.decisions if decision.is_of_stage] == ["cells"]


def test_the_published_network_is_in_both_spaces():
    published = stages_of(Place("exchange"), 2, 2, 2)
    for space in (PUBLISHED, SCALES):
        space.require(published)
        assert space.largest(space.indicators(published)) == published


def test_spaces_are_found_by_their_names():
    assert SPACES == {"published": PUBLISHED, "scales": SCALES}


@pytest.mark.parametrize("space", SHAPES.values(), ids=SHAPES)
def test_the_decisions_share_out_all_columns_in_order(space):
    numbers = [number for decision in space.decisions for number in range(len(space.columns))[decision.columns]]
    assert numbers == list(range(len(space.columns)))
    assert all(len(range(len(space.columns))[d.columns]) == len(d.options) for d in space.decisions)
    assert all(len(decision.options) > 1 for decision in space.decisions)


@given(st.sampled_from(list(SHAPES.values())), st.integers(0, 2**32))
def test_the_largest_of_the_indicators_is_the_architecture(space, seed):
    cells = space.random(seed)
    indicators = space.indicators(cells)
    assert (len(indicators), {len(row) for row in indicators}) == (space.places, {len(space.columns)})
    assert space.largest(indicators) == cells


@given(st.sampled_from(list(SHAPES.values())), st.integers(0, 2**32))
def test_each_decision_takes_one_option_at_each_place(space, seed):
    rows = space.indicators(space.random(seed))
    assert {sum(row[decision.columns]) for row in rows for decision in space.decisions} == {1}
    assert {value for row in rows for value in row} <= {0, 1}


@given(st.data(), st.sampled_from([PUBLISHED, SCALES]))
def test_each_option_taken_has_the_largest_value_of_its_decision(data, space):
    """A stage's number of cells stands in the row of its first place; nothing else in the rows of cells left out counts."""
    row = st.lists(st.floats(-5, 5), min_size=len(space.columns), max_size=len(space.columns))
    values = data.draw(st.lists(row, min_size=space.places, max_size=space.places))
    for s, stage in enumerate(space.largest(values)):
        rows = iter(values[s * space.places_per_stage :])
        for place, row in zip((place for cell in stage for place in cell), rows, strict=False):
            for d in space.decisions:
                taken = len(stage) if d.is_of_stage else getattr(place, d.name)
                if not d.is_of_stage or row is values[s * space.places_per_stage]:
                    assert row[d.columns][d.options.index(taken)] == max(row[d.columns])


def test_places_of_cells_left_out_are_known_too():
    cells = stages_of(Place("exchange", 2, 3), 2, 2, 2)
    rows = SCALES.indicators(cells)
    fewer = SCALES.columns.index("cells1")
    for first in range(0, SCALES.places, SCALES.places_per_stage):
        rows[first][fewer] = 9
    assert SCALES.largest(rows) == stages_of(Place("exchange", 2, 3), 1, 1, 1)
    assert SCALES.largest_places(rows) == [Place("exchange", 2, 3)] * 12


@given(st.sampled_from(list(SHAPES.values())), st.integers(0, 2**32))
def test_a_random_draw_lies_in_the_space(space, seed):
    cells = space.random(seed)
    space.require(cells)
    assert space.random(seed) == cells


def test_a_seed_draws_the_interactions_that_it_always_drew():
    """Results of `random:SEED` are compared over versions."""
    for seed in range(5):
        drawn = [place.interaction for stage in PUBLISHED.random(seed) for cell in stage for place in cell]
        assert drawn == random.Random(seed).choices(INTERACTIONS, k=12)


def test_random_draws_reach_every_option():
    drawn = [SCALES.random(seed) for seed in range(60)]
    seen = {place for cells in drawn for stage in cells for cell in stage for place in cell}
    assert {len(stage) for cells in drawn for stage in cells} == {1, 2}
    assert {place.interaction for place in seen} == set(INTERACTIONS)
    assert {place.depth_a for place in seen} == {1, 2, 3} and {place.depth_b for place in seen} == {0, 1, 3, 5}


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place("none", 0, 3), "depth a 0 is not in the search space scales, which has 1, 2, 3"),
        (Place("none", 1, 2), "depth b 2 is not in the search space scales, which has 0, 1, 3, 5"),
        (Place("shift"), "interaction shift is not in the search space scales, which has none, exchange"),
    ],
)
def test_an_option_that_the_space_does_not_offer_is_named(place, words):
    with pytest.raises(SettingsError, match=words):
        SCALES.indicators(stages_of(place, 2, 2, 2))


def test_other_depths_are_not_in_the_published_space():
    with pytest.raises(SettingsError, match="depth b 2 is not in the search space published, which has 3"):
        PUBLISHED.indicators(stages_of(Place("none", 1, 2), 2, 2, 2))


@pytest.mark.parametrize(
    ("space", "counts"),
    [
        (PUBLISHED, (2, 2)),
        (PUBLISHED, (2, 2, 1)),
        (PUBLISHED, (2, 2, 2, 2)),
        (SCALES, (2, 3, 2)),
        (SCALES, (2, 0, 2)),
        (SCALES, ()),
    ],
)
def test_other_numbers_of_stages_and_cells_are_refused(space, counts):
    with pytest.raises(SettingsError, match="does not fit a search space of 3 stages"):
        space.indicators(stages_of(Place("none"), *counts))


def test_other_numbers_of_interactions_are_refused():
    with pytest.raises(SettingsError, match=r"2 \+ 1 \+ 2 cells with 2 .* 3 stages of 1 or 2 cells with 3 each"):
        replace(SCALES, interactions_per_cell=3).indicators(stages_of(Place("none"), 2, 1, 2))
    with pytest.raises(SettingsError, match="with 1 or 2 interactions each does not fit"):
        SCALES.indicators((((Place("none"),),), *stages_of(Place("none"), 2, 2)))


@pytest.mark.parametrize("options", [(), (2, 1), (1, 1), (-1, 0)], ids=["none", "falling", "twice", "negative"])
@pytest.mark.parametrize("branch", [0, 1], ids="ab")
def test_depths_are_rising_numbers_from_0_on(options, branch):
    depths = (options, (3,)) if branch == 0 else ((1,), options)
    with pytest.raises(SettingsError, match="rising numbers from 0 on"):
        replace(PUBLISHED, depths=depths)


@pytest.mark.parametrize("changes", [{"choices": ()}, {"stages": 0}, {"cells_per_stage": 0}, {"interactions_per_cell": 0}])
def test_an_empty_space_is_refused(changes):
    with pytest.raises(SettingsError, match="at least one choice, stage, cell and interaction"):
        replace(PUBLISHED, **changes)


def test_a_space_of_unknown_interactions_is_refused():
    with pytest.raises(SettingsError, match="unknown interaction shift: choose from none"):
        replace(PUBLISHED, choices=("none", "shift"))
