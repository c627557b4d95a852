import json
from dataclasses import replace

import pytest

from msinet.data.identity_splits import hold_out_validation
from msinet.engine.machine import Machine
from msinet.errors import TrainingError
from msinet.jobs import choose_start as module
from msinet.jobs.choose_start import choose_start
from msinet.model import zoo
from msinet.model.model_files import save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.networks import build_network
from msinet.training.train import train

PLAIN = Architecture.find("all:none:1,1x1")


@pytest.fixture(scope="module")
def splits(make_splits):
    return make_splits(train=16)


@pytest.fixture(scope="module")
def good(make_splits, train_settings, tmp_path_factory):
    """A network that has learned other images of the same kind."""
    settings = replace(train_settings, epochs=12, learning_rate=3e-3)
    return train(make_splits(train=24), PLAIN, settings, tmp_path_factory.mktemp("good")).network


@pytest.fixture
def ship(monkeypatch, tmp_path):
    """Return a function that makes networks all that ships, by name."""

    def ship(**networks):
        monkeypatch.setattr(zoo, "ZOO", tmp_path / "zoo")
        for name, network in networks.items():
            save_model(network, tmp_path / "zoo" / name, {})

    return ship


@pytest.fixture
def plain(monkeypatch):
    """Adapt nothing: the painted images are so easy that an adaptation hides what was learned."""

    def refuse(*given):
        raise TrainingError("as it is")

    monkeypatch.setattr(module, "adapt", refuse)


def test_a_model_that_knows_such_objects_beats_noise(splits, good, ship, plain, train_settings, tmp_path):
    good.learned = None
    ship(good=good)
    hasty = replace(train_settings, learning_rate=3.0, epochs=16)
    start = choose_start(splits, hasty, tmp_path / "out", Machine(hasty.machine))
    assert (start.init, start.unjudged, start.identities) == ("good", (), 4)
    assert start.mAP > start.mAP_from_noise
    assert start.in_words().startswith(
        "from good: after a quarter of the epochs and an adaptation, mAP on 4 held-out identities"
    )


def test_noise_is_kept_where_no_model_does_better(splits, ship, plain, train_settings, tmp_path, monkeypatch):
    """A model that knows nothing, and learns nothing."""
    ship(new=build_network(PLAIN, 2, (32, 32), 0.25))
    monkeypatch.setattr(module, "load_recipe", lambda name: {"train": {"epochs": 1, "learning_rate": 1e-12}})
    longer = replace(train_settings, epochs=48, learning_rate=3e-3)
    start = choose_start(splits, longer, tmp_path / "out", Machine(longer.machine))
    assert (start.init, start.model) == (None, "new")
    assert start.in_words().startswith("from noise, not from new: ")


def test_a_model_that_learned_the_images_is_not_judged_by_them(splits, good, ship, train_settings, tmp_path):
    knowing = train(splits, PLAIN, replace(train_settings, epochs=1), tmp_path / "knowing").network
    ship(knowing=knowing)
    start = choose_start(splits, train_settings, tmp_path / "out", Machine(train_settings.machine))
    assert (start.init, start.model, start.unjudged) == (None, None, ("knowing",))
    assert start.in_words().endswith("Not compared, as they have learned these images: knowing; --init takes one")


def test_too_few_identities_judge_nothing(make_splits, good, ship, train_settings, tmp_path):
    good.learned = None
    ship(good=good)
    start = choose_start(make_splits(train=2), train_settings, tmp_path / "out", Machine(train_settings.machine))
    assert start.init is None
    assert "no model that ships could be compared" in start.in_words()


def test_a_choice_is_made_once(splits, ship, train_settings, tmp_path, monkeypatch):
    """Again for other data or settings; a damaged file is no choice."""
    ship(any=build_network(PLAIN, 2, (32, 32), 0.25))
    out, machine = tmp_path / "out", Machine(train_settings.machine)
    first = choose_start(splits, train_settings, out, machine)
    assert [path.name for path in out.iterdir()] == ["start.json"]
    asked = []
    monkeypatch.setattr(module, "_compare", lambda *given: asked.append(given) or first)
    assert choose_start(splits, train_settings, out, machine) == first
    assert not asked
    choose_start(splits, replace(train_settings, seed=1), out, machine)
    choose_start(replace(splits, train=splits.train[:-1]), train_settings, out, machine)
    (out / "start.json").write_text("{", encoding="utf-8")
    choose_start(splits, train_settings, out, machine)
    assert len(asked) == 3
    assert json.loads((out / "start.json").read_text())["start"]["model"] == first.model


def test_a_stopped_comparison_goes_on_where_it_was(splits, ship, train_settings, tmp_path, stop_after):
    ship(any=build_network(PLAIN, 2, (32, 32), 0.25))
    settings = replace(train_settings, epochs=8)
    whole = choose_start(splits, settings, tmp_path / "whole", Machine(settings.machine))
    with pytest.raises(KeyboardInterrupt), stop_after("train", 2):
        choose_start(splits, settings, tmp_path / "stopped", Machine(settings.machine))
    assert choose_start(splits, settings, tmp_path / "stopped", Machine(settings.machine)) == whole


def test_the_identities_that_judge_teach_nothing(splits, ship, train_settings, tmp_path, monkeypatch):
    """Those of a validation split, where the data has one."""
    ship(any=build_network(PLAIN, 2, (32, 32), 0.25))
    learned = []
    monkeypatch.setattr(module, "train", lambda given, *rest: learned.append(given) or train(given, *rest))
    own = hold_out_validation(splits, 0.5)
    for data, judges in ((splits, 4), (own, 8)):
        start = choose_start(data, train_settings, tmp_path / str(judges), Machine(train_settings.machine))
        assert start.identities == judges
    for given, judges in zip(learned, (4, 4, 8, 8), strict=True):
        assert len({record.identity for record in given.train}) == 16 - judges
        assert not given.validation
