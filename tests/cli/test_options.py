"""Names of settings in messages become options."""

import pytest

from msinet.cli.options import SharedOptions, as_options
from msinet.errors import FileError, SettingsError


@pytest.mark.parametrize(
    ("verb", "tokens", "option"),
    [
        ("train", [], "--learning-rate"),
        ("run", ["--train.learning-rate=0"], "--train.learning-rate"),
        ("run", ["--search.learning-rate", "0"], "--search.learning-rate"),
        ("run", [], "--search.learning-rate or --train.learning-rate"),
        (
            "run",
            ["--search.learning-rate=1", "--train.learning-rate=0"],
            "--search.learning-rate or --train.learning-rate",
        ),
        ("demo", [], "learning_rate"),
    ],
)
def test_a_setting_is_named_as_it_is_given(verb, tokens, option):
    error = SettingsError("learning_rate is 0: it must be positive", "learning_rate")
    assert as_options(error, verb, tokens) == f"{option} is 0: it must be positive"


def test_a_setting_that_one_part_of_a_run_has_is_named_by_that_part():
    assert as_options(SettingsError("triplet_margin is -1", "triplet_margin"), "run") == "--train.triplet-margin is -1"


def test_what_a_run_shares_is_named_as_it_is_given():
    error = SettingsError("workers is -1: it cannot be negative", "workers")
    assert as_options(error, "run", ["--workers", "-1"]).startswith("--workers is -1")


def test_the_same_word_later_in_a_message_is_a_word():
    error = SettingsError("device is cuda: this machine has no CUDA device that PyTorch can use", "device")
    assert as_options(error, "train") == "--device is cuda: this machine has no CUDA device that PyTorch can use"


def test_only_shared_options_that_are_given_replace_settings():
    assert SharedOptions(seed=0, compile=False).given == {"seed": 0, "compile": False}


def test_a_setting_in_a_path_is_no_option():
    error = FileError("/runs/out/search.jsonl cannot be written: choose another folder for out", "out")
    assert as_options(error, "search") == "/runs/out/search.jsonl cannot be written: choose another folder for --out"
