"""Settings of the search that name spaces, trials and budgets."""

import math
from types import SimpleNamespace

import pytest

from msinet.architecture_search.settings import SearchSettings, amount, amounts, in_short
from msinet.errors import SettingsError


def tokens(*values: str) -> list:
    return [SimpleNamespace(value=value) for value in values]


@pytest.mark.parametrize(
    ("written", "number"),
    [("200M", 2e8), ("1.5G", 1.5e9), ("200000000", 2e8), ("50k", 5e4), (" 7 ", 7), ("1e8", 1e8), ("2.5m", 2.5e6)],
)
def test_amounts_as_a_command_line_writes_them(written, number):
    assert amount(float, tokens(written)) == number


@pytest.mark.parametrize("written", ["", "M", "much", "5T", "1,5G"])
def test_what_is_no_number_is_refused(written):
    with pytest.raises(ValueError, match="could not convert"):
        amount(float, tokens(written))


def test_several_amounts():
    assert amounts(tuple, tokens("50M", "1G")) == (5e7, 1e9)


@pytest.mark.parametrize(
    ("number", "short"),
    [
        (2e8, "200M"),
        (1.5e9, "1.5G"),
        (2_320_829_696, "2.32G"),
        (12_345, "12.3K"),
        (12.3456, "12.3"),
        (0.5, "0.5"),
        (1000, "1K"),
    ],
)
def test_numbers_in_short(number, short):
    assert in_short(number) == short


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"space": "wide"}, "space is wide"),
        ({"trials": 5}, "give 0, or 8 at least"),
        ({"trials": -1}, "give 0, or 8 at least"),
        ({"repeats": 0}, "at least 1"),
        ({"trials": 20, "budget_macs": 0.0}, "it must be positive"),
        ({"trials": 20, "budget_ms": math.inf}, "it must be positive"),
        ({"trials": 20, "budgets": (1e8, math.nan)}, "they must be positive"),
        ({"trials": 20, "budget_macs": 1e8, "budget_ms": 5.0}, "give one of budget_macs, budget_ms and budgets"),
        ({"trials": 20, "budget_ms": 5.0, "on": "tensorrt"}, "choose one of torch, onnx, openvino"),
        ({"trials": 20, "budget_macs": 1e8, "on": "onnx"}, "give budget_ms with it"),
        ({"trials": 20, "fit_width": True}, "it needs budget_macs, budget_ms or budgets"),
        ({"trials": 20, "budget_ms": 5.0, "budgets": (1e8,)}, "give one of budget_macs, budget_ms and budgets"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_say_what_to_set(changes, words):
    with pytest.raises(SettingsError, match=words):
        SearchSettings(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"budget_macs": 1e8},
        {"budget_ms": 5.0},
        {"budget_ms": 5.0, "on": "onnx"},
        {"budgets": (1e8, 2e8), "fit_width": True},
        {"repeats": 3},
    ],
    ids=str,
)
def test_trials_with_one_kind_of_budget_can_work(changes):
    assert SearchSettings(trials=20, **changes).trials == 20
