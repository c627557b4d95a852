"""Files of version 0.1 are read, and its runs go on: `tests/before` holds some, made by that version."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from msinet.architecture_search.search import search
from msinet.architecture_search.settings import SearchSettings
from msinet.engine.checkpoint import load_checkpoint
from msinet.errors import CheckpointError
from msinet.evaluation.result import RetrievalResult
from msinet.files.tensor_files import load_arrays, save_arrays
from msinet.model.model_files import load_model, save_model
from msinet.model.msinet.architecture import Architecture
from msinet.training.settings import TrainSettings
from msinet.training.train import train

BEFORE = Path(__file__).parent / "before"


@pytest.fixture
def stopped(tmp_path):
    """A search and a training of version 0.1 that were stopped after three steps."""
    shutil.copytree(BEFORE / "stopped", tmp_path / "stopped")
    return tmp_path / "stopped"


@pytest.fixture(scope="module")
def splits(make_splits):
    """The data that version 0.1 searched and trained on."""
    return make_splits(train=12)


def settings_of(checkpoint: Path) -> dict:
    """Return the settings that a checkpoint was made with."""
    made_from = load_checkpoint(checkpoint).values["made_from"]
    lists = ("milestones", "alpha_milestones")
    values = {name: tuple(value) if name in lists else value for name, value in made_from.items()}
    return {name: value for name, value in values.items() if name not in ("data", "architecture")} | {"device": "cpu"}


def test_a_model_is_read_and_written_anew(tmp_path):
    network = load_model(BEFORE / "run")
    save_model(network, tmp_path)
    again = load_model(tmp_path)
    images = torch.randn(2, 3, *network.image_size)
    assert again.embed(images).equal(network.embed(images))
    assert json.loads((tmp_path / "model.json").read_text())["format"] == 2


def test_an_architecture_is_read():
    assert [len(stage) for stage in Architecture.load(BEFORE / "run/architecture.json").cells] == [1, 1, 1]


def test_a_result_is_read_and_written_anew(tmp_path):
    before = json.loads((BEFORE / "run/result.json").read_text())
    result = RetrievalResult.load(BEFORE / "run/result.json")
    assert (result.mAP, result.rank(1)) == (before["mAP"], before["cmc"][0])
    result.save(tmp_path / "again.json")
    again = RetrievalResult.load(tmp_path / "again.json")
    assert (again.scores, again.record, again.evidence) == (result.scores, result.record, result.evidence)
    again.save(tmp_path / "more.json")
    assert (tmp_path / "more.json").read_bytes() == (tmp_path / "again.json").read_bytes()


def test_a_stopped_search_goes_on(stopped, splits):
    settings = SearchSettings(**settings_of(stopped / "search.checkpoint.safetensors"))
    found = search(splits, settings, stopped)
    assert [len(stage) for stage in found.architecture.cells] == [1, 1, 1]
    epochs = [json.loads(line)["epoch"] for line in (stopped / "search.jsonl").read_text().splitlines()]
    assert epochs == [1, 2]


def test_a_stopped_training_goes_on(stopped, splits):
    checkpoint = stopped / "train.checkpoint.safetensors"
    architecture = Architecture.from_dict(load_checkpoint(checkpoint).values["made_from"]["architecture"])
    trained = train(splits, architecture, TrainSettings(**settings_of(checkpoint)), stopped)
    assert trained.network.identities == 12
    assert load_checkpoint(checkpoint).values["step"] == 12


def test_a_search_with_a_switch_that_is_gone_says_where_it_went(stopped, splits):
    path = stopped / "search.checkpoint.safetensors"
    arrays, values = load_arrays(path)
    settings = SearchSettings(**settings_of(path))
    save_arrays(path, arrays, values | {"made_from": values["made_from"] | {"contrast": "shared"}})
    with pytest.raises(CheckpointError, match=r"contrast: shared, which msinet search no longer has.*search-worth"):
        search(splits, settings, stopped)


def test_files_of_a_later_version_are_refused(stopped, splits):
    path = stopped / "search.checkpoint.safetensors"
    settings = SearchSettings(**settings_of(path))
    arrays, values = load_arrays(path)
    save_arrays(path, arrays, values | {"format": 3})
    shutil.copy(BEFORE / "stopped" / path.name, path.with_name("search.checkpoint-before.safetensors"))
    with pytest.raises(CheckpointError, match="later version"):
        search(splits, settings, stopped)
    assert path.is_file()  # It is whole: neither set aside nor passed over for the one before.
