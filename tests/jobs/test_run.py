from dataclasses import replace

import pytest

from msinet.errors import DatasetError, SettingsError
from msinet.jobs.run import run
from msinet.model.msinet.widths import channels_at


@pytest.fixture
def splits(make_splits):
    return make_splits(train=12)


@pytest.mark.parametrize("work", ["search", "train"])
def test_stopped_run_goes_on_where_it_was(splits, search_settings, train_settings, tmp_path, stop_after, work):
    whole = run(splits, search_settings, train_settings, tmp_path / "whole").result
    with pytest.raises(KeyboardInterrupt), stop_after(work, 2):
        run(splits, search_settings, train_settings, tmp_path / "stopped")
    stopped = run(splits, search_settings, train_settings, tmp_path / "stopped").result
    assert stopped.to_dict() == whole.to_dict()
    assert (tmp_path / "stopped/result.json").read_text() == (tmp_path / "whole/result.json").read_text()


def test_finished_run_is_not_done_again(splits, search_settings, train_settings, tmp_path, stop_after):
    first = run(splits, search_settings, train_settings, tmp_path)
    with stop_after("train", 1):
        again = run(splits, search_settings, train_settings, tmp_path)
    assert again.result.to_dict() == first.result.to_dict()
    assert again.searched == first.searched


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"splits": {"query": ()}}, DatasetError),
        ({"train": {"identities_per_batch": 13}}, SettingsError),
        ({"search": {"validation_share": 0.2}}, SettingsError),
        ({"search": {"space": "scales", "trials": 20, "budget_macs": 2e6, "width": 0.5}}, SettingsError),
        ({"search": {"space": "scales", "trials": 20, "budgets": (2e6, 3e6), "image_height": 64}}, SettingsError),
        ({"protocol": "marked"}, SettingsError),
    ],
)
def test_what_cannot_be_finished_is_not_begun(splits, search_settings, train_settings, tmp_path, change, error):
    splits = replace(splits, **change.get("splits", {}))
    search, train = replace(search_settings, **change.get("search", {})), replace(train_settings, **change.get("train", {}))
    with pytest.raises(error):
        run(splits, search, train, tmp_path, change.get("protocol"))
    assert not (tmp_path / "search.jsonl").exists()


def test_a_width_that_the_search_fits_to_a_budget_is_that_of_the_training(splits, search_settings, train_settings, tmp_path):
    budget = {"space": "scales", "trials": 20, "budget_macs": 4e6, "fit_width": True}
    done = run(splits, replace(search_settings, **budget), replace(train_settings, width=0.5), tmp_path)
    assert done.searched.width > search_settings.width
    assert done.trained.network.arguments()["channels"] == list(channels_at(done.searched.width))
    assert done.result.record.training["width"] == done.searched.width
