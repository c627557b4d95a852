import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.architecture_search.certainty import choices_of, doubts_about, shares_of
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import PUBLISHED

ROWS = st.lists(st.lists(st.floats(-5, 5), min_size=4, max_size=4), min_size=12, max_size=12)
UNDECIDED = [[0.25, 0.25, 0.25, 0.25]]
SURE = [[0.7, 0.1, 0.1, 0.1]]


def choices(shares, architecture=None):
    taken = (architecture or Architecture.from_alphas(shares)).interactions
    return choices_of(shares, taken, PUBLISHED.choices)


@given(ROWS, st.sampled_from([1.0, 0.1]))
def test_shares_are_the_softmax(alphas, temperature):
    for found, row in zip(shares_of(alphas, temperature), alphas, strict=True):
        powers = [math.exp(alpha / temperature) for alpha in row]
        assert found == pytest.approx([power / sum(powers) for power in powers])


@given(ROWS)
def test_what_the_alphas_take_has_the_largest_share(alphas):
    shares = shares_of(alphas)
    for choice, row in zip(choices(shares), shares, strict=True):
        assert (choice.rival_share, choice.share) == tuple(sorted(row)[2:])
        assert choice.margin == choice.share - choice.rival_share >= 0
        assert {choice.taken, choice.rival} <= set(PUBLISHED.choices) and choice.taken != choice.rival
        assert 0 <= choice.entropy <= 2 + 1e-9


@pytest.mark.parametrize(
    ("row", "bits"), [([0.25] * 4, 2), ([0.5, 0.5, 0, 0], 1), ([0, 0, 1, 0], 0), ([0.5, 0.25, 0.125, 0.125], 1.75)]
)
def test_entropies_in_bits(row, bits):
    assert choices([row] * 12)[0].entropy == bits


def test_each_choice_says_what_was_decided_and_in_which_row():
    depths = choices_of([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], ["0", "2"], ["0", "1", "2"], "depth_a")
    assert [(choice.decision, choice.row, choice.taken, choice.rival) for choice in depths] == [
        ("depth_a", 0, "0", "1"),
        ("depth_a", 1, "2", "1"),
    ]
    assert [choice.decision for choice in choices(SURE * 12)] == ["interaction"] * 12


def test_what_removal_took_may_have_a_smaller_share_than_its_rival():
    choice = choices([[0.4, 0.3, 0.2, 0.1]] * 12, Architecture.uniform("channel_gate"))[5]
    assert (choice.taken, choice.share, choice.rival, choice.rival_share) == ("channel_gate", 0.2, "none", 0.4)
    assert choice.margin == pytest.approx(0.1)


def test_nothing_speaks_against_a_search_that_decided():
    shares = [[0.7 if column == place % 4 else 0.1 for column in range(4)] for place in range(12)]
    assert doubts_about(choices(shares)) == []


@pytest.mark.parametrize(("alike", "doubted"), [(12, True), (10, True), (9, False)])
def test_a_collapsed_search_is_named(alike, doubted):
    doubts = doubts_about(choices(SURE * alike + [[0.1, 0.7, 0.1, 0.1]] * (12 - alike)))
    assert [f"{alike} of 12 places chose none" in doubt for doubt in doubts] == [True] * doubted


def test_collapse_is_relative_to_the_places():
    architecture = Architecture.from_interactions(["exchange"] * 5 + ["none"], 1, 2)
    [doubt] = doubts_about(choices([[0.1, 0.7, 0.1, 0.1]] * 6, architecture))
    assert "5 of 6 places chose exchange" in doubt


@pytest.mark.parametrize(("undecided", "doubted"), [(12, True), (7, True), (5, False)])
def test_a_search_that_never_decided_is_named(undecided, doubted):
    architecture = Architecture.from_interactions(list(PUBLISHED.choices) * 3)
    doubts = doubts_about(choices(UNDECIDED * undecided + SURE * (12 - undecided), architecture))
    assert ["did not decide" in doubt for doubt in doubts] == [True] * doubted
