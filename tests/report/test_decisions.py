"""Decisions of a search in the space of scales, as the page reads them from files that nobody vouches for."""

import json
import random
from dataclasses import asdict, replace

import pytest

from msinet.architecture_search.certainty import Choice
from msinet.architecture_search.conclusion import choices_in
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import SCALES, Place
from msinet.report.decisions import SearchFile, decided_places, kinds_of, names_of_places, rows_of
from msinet.report.learning import search_part

DRAW = random.Random(7)
ALPHAS = [[[DRAW.gauss(0, 1) for _ in SCALES.columns] for _ in range(SCALES.places)] for _ in range(2)]
"""Of two epochs."""
CHOSEN = Architecture.from_cells(SCALES.cut([Place("exchange", 2, 0)] * SCALES.places, [1, 2, 1]))
ROWS = [0, 1, 4, 5, 6, 7, 8, 9]
"""Places of the network among those of the space."""
CHOICES = choices_in(SCALES, ALPHAS[-1], 1.0, CHOSEN)
BY_TRIALS = [replace(choice, gain=0.004, error=0.006) for choice in CHOICES]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes the files of a search, with changes of its architecture.json, and returns its folder."""

    def files(**changes):
        log = [{"epoch": i, "loss": 1.0, "alpha_loss": 2.0, "alphas": alphas} for i, alphas in enumerate(ALPHAS, 1)]
        (tmp_path / "search.jsonl").write_text("\n".join(map(json.dumps, log)))
        about = {"space": SCALES.to_dict(), "alphas": {"columns": list(SCALES.columns), "rows": ALPHAS[-1]}}
        about |= {"choices": list(map(asdict, CHOICES)), "doubts": ["Beware."], **changes}
        CHOSEN.save(tmp_path / "architecture.json", **about)
        return tmp_path

    return files


def test_places_are_those_of_the_network_and_not_of_the_space():
    assert rows_of(CHOSEN, SCALES.places) == ROWS
    assert names_of_places(CHOSEN)[1:4] == ["stage 1, cell 1, end", "stage 2, cell 1, middle", "stage 2, cell 1, end"]


@pytest.mark.parametrize("count", [3, 6, 13])
def test_rows_of_a_search_that_had_not_this_network_are_none(count):
    assert rows_of(CHOSEN, count) == []


def test_a_place_has_the_choices_of_its_row_and_a_stage_its_cells_once():
    places = decided_places(CHOICES, CHOSEN, ROWS)
    assert kinds_of(CHOICES) == ["interaction", "depth_a", "depth_b", "cells"]
    assert [[choice and choice.taken for choice in place.choices] for place in places[:3]] == [
        ["exchange", "2", "0", "1"],
        ["exchange", "2", "0", None],
        ["exchange", "2", "0", "2"],
    ]
    assert [place.choices[0].row for place in places] == ROWS


def test_a_search_without_trials_shows_shares_and_how_many_do_not_decide(write):
    found = search_part(write(), None)
    assert list(found.colours) == list(SCALES.choices)
    assert found.kinds == ["interaction", "3x3 of a", "3x3 of b", "cells"]
    assert not found.by_trials
    undecided = sum(choice.margin < 0.02 for choice in CHOICES)
    assert found.doubts == f"At {undecided} of 27 decisions the first two shares differ by less than 0.02. Beware."


def test_trials_say_what_they_found_and_shares_are_no_doubt_then(write):
    found = search_part(
        write(choices=list(map(asdict, BY_TRIALS)), findings=["No interaction is needed.", "It is cheap."]), None
    )
    assert found.by_trials
    assert found.findings == "No interaction is needed. It is cheap."
    assert found.doubts == "Beware."
    assert found.places[0].choices[0].gain == 0.004


@pytest.mark.parametrize(
    "change",
    [
        {"row": 99},
        {"row": 1},
        {"row": []},
        {"taken": "none"},
        {"taken": ["exchange"]},
        {"decision": "colour"},
        {"rival": None},
        {"share": "much"},
        {"share": float("nan")},
        {"share": 10**400},
        {"gain": "high"},
        {"error": None},
        {"more": 1},
    ],
    ids=lambda change: str(change)[:24],
)
def test_a_damaged_choice_gives_way_to_those_of_the_log(write, change):
    first, *others = map(asdict, BY_TRIALS)
    are_those_of_the_log(search_part(write(choices=[{**first, **change}, *others]), None))


@pytest.mark.parametrize("choices", [None, "none", [], [None], [{}], {}], ids=str)
def test_damaged_choices_give_way_to_those_of_the_log(write, choices):
    are_those_of_the_log(search_part(write(choices=choices), None))


def are_those_of_the_log(found):
    assert found.kinds == ["interaction"]
    assert not found.by_trials
    assert [place.choices[0].row for place in found.places] == ROWS
    assert "Beware" not in found.doubts


@pytest.mark.parametrize(
    "alphas", [None, [], {"columns": 3}, {"columns": [[]] * 13}, {"columns": ["none"] * 13}, {}], ids=str
)
def test_damaged_columns_are_those_of_all_interactions(write, alphas):
    assert list(search_part(write(alphas=alphas), None).colours) == list(SCALES.choices)


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "\udc80", '{"stages": 3}', '{"stages": [[["none"]]], "depths": 5}'])
def test_a_damaged_file_says_nothing(tmp_path, text):
    (tmp_path / "architecture.json").write_bytes(text.encode(errors="surrogateescape"))
    said = SearchFile.read(tmp_path / "architecture.json")
    assert said.architecture is None
    assert said.choices(CHOSEN, ROWS) == []
    assert said.sentences("findings") == []
    assert said.interactions(4) == list(SCALES.choices)


def test_sentences_are_words():
    assert SearchFile({"findings": ["One.", 2, None]}).sentences("findings") == ["One."]
    assert SearchFile({"findings": "One."}).sentences("findings") == []


def test_choices_of_the_version_before_do_not_name_their_rows():
    first = asdict(CHOICES[0])
    old = {name: first[name] for name in first if name not in ("decision", "row", "gain", "error")}
    assert Choice(**old).row == 0
    assert SearchFile({"choices": [old] * len(ROWS)}).choices(CHOSEN, ROWS) == []
