import json
from dataclasses import replace

import pytest

from msinet.errors import ModelError, SettingsError
from msinet.jobs.adapt import adapt_model
from msinet.jobs.fine_tune import fine_tune
from msinet.jobs.score import Source
from msinet.model.cards import Card
from msinet.model.model_files import load_model
from msinet.model.msinet.architecture import Architecture
from msinet.training.train import train


@pytest.fixture(scope="module")
def splits(make_splits):
    return make_splits(train=8)


@pytest.fixture(scope="module")
def initial(splits, train_settings, tmp_path_factory):
    """The folder of a model that was trained on the same kind of data."""
    out = tmp_path_factory.mktemp("initial")
    train(splits, Architecture.named("msmt17"), train_settings, out)
    return out


def test_each_step_is_scored_and_the_model_is_that_of_the_last(splits, initial, train_settings, tmp_path):
    tuned = fine_tune(splits, replace(train_settings, init=str(initial), seed=1), tmp_path)
    steps = {"as it is", "adapted", "fine-tuned", "fine-tuned, adapted"}
    assert tuned.results.keys() | tuned.refused.keys() == steps
    written = json.loads((tmp_path / "steps.json").read_text())["results"]
    assert [one["mAP"] for one in written] == [one.mAP for one in tuned.results.values()]
    assert json.loads((tmp_path / "result.json").read_text())["mAP"] == tuned.result.mAP
    weights = load_model(tmp_path).fingerprint()
    assert tuned.result.record.model is not None
    assert (weights, weights) == (tuned.network.fingerprint(), tuned.result.record.model.weights)


def test_a_stopped_fine_tuning_goes_on_where_it_was(splits, initial, train_settings, tmp_path, stop_after):
    settings = replace(train_settings, init=str(initial), seed=1)
    whole = fine_tune(splits, settings, tmp_path / "whole").result
    with pytest.raises(KeyboardInterrupt), stop_after("train", 2):
        fine_tune(splits, settings, tmp_path / "stopped")
    assert fine_tune(splits, settings, tmp_path / "stopped").result.to_dict() == whole.to_dict()
    again = fine_tune(splits, settings, tmp_path / "stopped")
    assert again.finished_before
    assert again.result.to_dict() == whole.to_dict()


@pytest.mark.parametrize(("init", "error"), [(None, SettingsError), ("nowhere", ModelError)])
def test_without_a_model_nothing_is_begun(splits, train_settings, tmp_path, init, error):
    with pytest.raises(error):
        fine_tune(splits, replace(train_settings, init=init), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_adapted_model_keeps_what_its_card_said(splits, initial, tmp_path):
    table = tmp_path / "data.csv"
    rows = [f"{r.path},{r.identity},{r.camera},train" for r in splits.train]
    table.write_text("\n".join(["path,identity,camera,split", *rows]), encoding="utf-8")
    adapted = adapt_model(initial, Source.read(table), tmp_path / "out")
    card, before = Card.load(tmp_path / "out"), Card.load(initial)
    assert card.adapted
    assert card.info["made_from"] == before.info["made_from"]
    assert card.info["adapted_from"] == before.fingerprint
    assert card.info["adaptation"]["mAP_after"] == adapted.after
