"""A run knows its pictures: it neither goes on with others under the same names, nor passes them off as done."""

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msinet.data.records import ReidSplits
from msinet.data.settings import DataSettings
from msinet.engine.checkpoint import load_checkpoint
from msinet.errors import CheckpointError, DatasetError
from msinet.evaluation.record import EvaluateCommand, RunCommand
from msinet.files.tensor_files import load_arrays, save_arrays
from msinet.jobs.rerun import source_of
from msinet.jobs.run import run
from msinet.jobs.score import Source, score_models
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.training.train import train

MSMT17 = Architecture.named("msmt17")


@pytest.fixture(scope="module")
def painted(make_splits):
    return make_splits(train=12)


def moved(splits: ReidSplits, folder: Path) -> ReidSplits:
    """Copy a dataset to another folder, at another time."""
    if not folder.exists():
        shutil.copytree(splits.train[0].path.parent, folder)
        for file in folder.iterdir():
            os.utime(file, (0, 0))
    parts = {part: tuple(replace(r, path=folder / r.path.name) for r in records) for part, records in splits.parts().items()}
    return splits.with_parts(parts)


@pytest.fixture
def splits(painted, tmp_path):
    """A dataset whose files a test may change."""
    return moved(painted, tmp_path / "images")


@pytest.fixture
def settings(train_settings):
    return replace(train_settings, epochs=1)


def repaint(path: Path) -> None:
    """Write other pixels into a picture; its file keeps its time."""
    times = path.stat()
    time.sleep(0.02)  # The time of the last change, which cannot be set, advances in steps.
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def weights_of(trained) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in trained.network.state_dict().items()}


def test_other_pictures_under_the_same_names_are_refused_in_words(splits, settings, tmp_path):
    train(splits, MSMT17, settings, tmp_path / "r")
    model = (tmp_path / "r/model.safetensors").read_bytes()
    for record in splits.train[:3]:
        repaint(record.path)
    words = (
        r"delete train\.checkpoint\*\.safetensors in this one to train anew:\n  data: 3 images changed \(the first: v000_"
    )
    with pytest.raises(CheckpointError, match=words) as error:
        train(splits, MSMT17, settings, tmp_path / "r")
    assert error.value.settings == ("out",)
    assert (tmp_path / "r/model.safetensors").read_bytes() == model


def test_after_the_advice_was_followed_it_trains_on_the_new_pictures(splits, settings, tmp_path):
    first = train(splits, MSMT17, settings, tmp_path / "r")
    for record in splits.train:
        repaint(record.path)
    for file in (tmp_path / "r").glob("train.checkpoint*.safetensors"):
        file.unlink()
    again = train(splits, MSMT17, settings, tmp_path / "r")
    assert not again.finished_before
    assert weights_of(again) != weights_of(first)  # Nor are decoded images taken for those of the new pictures.


def test_a_copied_dataset_goes_on(splits, settings, tmp_path):
    first = train(splits, MSMT17, settings, tmp_path / "r")
    again = train(moved(splits, tmp_path / "elsewhere"), MSMT17, settings, tmp_path / "r")
    assert (first.finished_before, again.finished_before) == (False, True)
    assert weights_of(again) == weights_of(first)


def test_other_labels_and_fewer_images_are_said_in_words(splits, settings, tmp_path):
    train(splits, MSMT17, settings, tmp_path / "r")
    first, *rest = splits.train
    relabelled = replace(splits, train=(replace(first, identity="v001"), *rest))
    with pytest.raises(CheckpointError, match=r"data: 1 label changed \(the first: identity of v000_c0_0.*: v000 -> v001"):
        train(relabelled, MSMT17, settings, tmp_path / "r")
    with pytest.raises(CheckpointError, match=r"data: 2 images removed \(the first: v000_c0_0\.png"):
        train(replace(splits, train=splits.train[2:]), MSMT17, settings, tmp_path / "r")


@pytest.mark.parametrize("how", ["deleted", "damaged"])
def test_without_its_list_of_pictures_a_run_knows_them_all_the_same(splits, settings, tmp_path, how):
    train(splits, MSMT17, settings, tmp_path / "r")
    file = tmp_path / "r/train.data.npz"
    file.unlink() if how == "deleted" else file.write_bytes(b"PK")
    assert train(splits, MSMT17, settings, tmp_path / "r").finished_before
    file.unlink()
    repaint(splits.train[0].path)
    with pytest.raises(CheckpointError, match="data: the content of images changed, under the same names"):
        train(splits, MSMT17, settings, tmp_path / "r")


@pytest.mark.parametrize("number", [1, 2])
def test_checkpoints_that_know_no_pictures_go_on_and_know_them_afterwards(splits, settings, tmp_path, number, stop_after):
    with pytest.raises(KeyboardInterrupt), stop_after("train", 2):
        train(splits, MSMT17, settings, tmp_path / "r")
    path = tmp_path / "r/train.checkpoint.safetensors"
    arrays, values = load_arrays(path)
    values["made_from"].pop("pictures")
    values = {name: value for name, value in values.items() if name != "format" or number > 1}
    save_arrays(path, arrays, values)
    (tmp_path / "r/train.data.npz").unlink()
    again = train(splits, MSMT17, settings, tmp_path / "r")
    assert weights_of(again) == weights_of(train(splits, MSMT17, settings, tmp_path / "whole"))
    assert load_checkpoint(path).values["made_from"]["pictures"]


def test_a_result_names_its_pictures_and_other_ones_are_not_scored_again(splits, search_settings, settings, tmp_path):
    command = RunCommand(tmp_path / "images", DataSettings(verify=False))
    finished = run(splits, replace(search_settings, epochs=1), settings, tmp_path / "r", command=command)
    again = run(splits, replace(search_settings, epochs=1), settings, tmp_path / "r", command=command)
    assert (finished.finished_before, again.finished_before) == (False, True)
    assert again.result.record.data.pictures == finished.result.record.data.pictures is not None


def test_rerun_refuses_other_pictures_under_the_same_labels(splits, tmp_path):
    folder = tmp_path / "set"
    for record in (*splits.train, *splits.query):
        place = folder / record.identity / record.camera
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(record.path, place)
    source = Source.read(folder)
    network = MSINet(MSMT17, 4, (16, 64, 96, 128), (32, 32)).eval()
    result, *_ = score_models({tmp_path / "model": network}, [source])
    assert isinstance(result.record.command, EvaluateCommand)
    assert source_of(result).splits.fingerprint() == source.splits.fingerprint()
    shutil.copytree(folder, tmp_path / "copy")
    source_of(result, tmp_path / "copy")
    repaint(next((tmp_path / "copy").rglob("*.png")))
    with pytest.raises(DatasetError, match=r"the images have changed: under the same names .*copy holds other ones"):
        source_of(result, tmp_path / "copy")
    before = result.with_record(data=replace(result.record.data, pictures=None))
    source_of(before, tmp_path / "copy")  # A result of version 0.1 knows names and labels only.
