"""Repeating results: of this version by the command line (tests/cli), of version 0.1 here."""

from dataclasses import replace
from pathlib import Path

import pytest

from msinet.errors import DatasetError, ResultError
from msinet.evaluation.record import EvaluateCommand
from msinet.evaluation.result import RetrievalResult
from msinet.jobs.rerun import rerun


@pytest.fixture
def before() -> RetrievalResult:
    """The result of a run of version 0.1."""
    return RetrievalResult.load(Path(__file__).parent.parent / "before/run/result.json")


def test_a_result_of_version_0_1_is_repeated_with_its_settings(before, make_splits, tmp_path):
    again = rerun(before, make_splits(train=12), tmp_path)
    gone = {"contrast", "balanced", "choose_by"}
    kept = {name: value for name, value in before.record.search.items() if name not in gone}
    later = {"space": "published", "trials": 0, "repeats": 1, "budget_macs": None, "budget_ms": None, "budgets": []}
    later |= {"trial_weights": "shared", "finals": 0, "on": "torch", "init": None, "fit_width": False, "zoom": 0.0}
    assert again.record.search == kept | later
    trained = {"init": None, "teachers": [], "teacher_weight": 1.0, "zoom": 0.0}
    assert again.record.training == before.record.training | trained
    assert again.record.command == before.record.command
    assert again.record.data == replace(before.record.data, pictures=again.record.data.pictures)
    if again.record.versions == before.record.versions and again.record.machine == before.record.machine:
        assert again.table() == before.table()


def test_a_search_with_a_switch_that_is_gone_cannot_be_repeated(before, make_splits, tmp_path):
    other = before.with_record(search={**before.record.search, "contrast": "shared"})
    with pytest.raises(ResultError, match=r"install the one that made it, 0\.1\.0\n  contrast"):
        rerun(other, make_splits(train=12), tmp_path)
    assert not list(tmp_path.iterdir())


def test_drawn_galleries_that_are_gone_are_named(before, make_splits, tmp_path):
    command = EvaluateCommand(Path("data"), before.record.command.reading, Path("model"), draws=tmp_path / "draws.json")
    with pytest.raises(DatasetError, match=r"draws\.json"):
        rerun(before.with_record(command=command), make_splits(), tmp_path)


def test_a_result_without_a_command_cannot_be_repeated(before, make_splits, tmp_path):
    with pytest.raises(ResultError, match="records no command"):
        rerun(replace(before, record=replace(before.record, command=None)), make_splits(), tmp_path)
