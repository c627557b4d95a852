"""Killed at any moment and started again, a run ends as if it had never stopped."""

import json
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msinet.architecture_search.twins import TwinsSearch
from msinet.engine.checkpoint import load_checkpoint
from msinet.errors import CheckpointError, FileError
from msinet.jobs.run import run
from msinet.model.msinet.architecture import Architecture
from msinet.training.train import Trained, Training, train

MSMT17 = Architecture.named("msmt17")


@pytest.fixture(scope="module")
def splits(make_splits):
    return make_splits(train=12)


@pytest.fixture(scope="module")
def settings(search_settings, train_settings):
    """A search and a training that write a checkpoint after every step, and keep all that a training can keep."""
    train = replace(train_settings, checkpoint_minutes=0, ema_decay=0.5, validation_share=0.3, validate_every=1)
    train = replace(train, alignment="both")
    return replace(search_settings, checkpoint_minutes=0), train


@pytest.fixture(scope="module")
def whole(splits, settings, tmp_path_factory):
    """What a run that never stopped leaves, and how many seconds it takes in a process of its own."""
    out, started = tmp_path_factory.mktemp("whole"), time.monotonic()
    assert in_a_process(lambda: run(splits, *settings, out)) == 0
    return result_of(out), time.monotonic() - started


def in_a_process(work: Callable[[], Any], seconds: float | None = None) -> int:
    """Do work in a copy of this process; after so many seconds kill it. Return its exit code."""
    process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode


def same_weights(one: Trained, other: Trained) -> bool:
    """Tell whether two trainings gave the same weights, bit for bit."""
    weights = other.network.state_dict()
    return all(tensor.equal(weights[name]) for name, tensor in one.network.state_dict().items())


def result_of(folder: Path) -> dict[str, Any]:
    """Return everything that a run leaves but the time that it took."""
    model = json.loads((folder / "model.json").read_text())
    model["info"].pop("seconds")
    texts = [(folder / name).read_text() for name in ("architecture.json", "result.json", "search.jsonl", "train.jsonl")]
    return {"texts": texts, "model": model, "weights": (folder / "model.safetensors").read_bytes()}


@pytest.mark.long
def test_killed_at_fourteen_moments_a_run_ends_the_same(splits, settings, whole, tmp_path):
    result, seconds = whole
    random, kills, runs = np.random.default_rng(0), 0, 0
    while kills < 14:
        runs += 1
        out = tmp_path / str(runs)
        while code := in_a_process(lambda out=out: run(splits, *settings, out), random.uniform(0, seconds)):
            assert code == -signal.SIGKILL
            kills += 1
        assert result_of(out) == result


@pytest.mark.long
@pytest.mark.parametrize("call", [0, 3, 6])
@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_killed_while_a_checkpoint_is_written_a_run_ends_the_same(splits, settings, whole, tmp_path, call, where):
    """After its last byte, or between the renaming of the old one and of the new one."""

    def killed():
        calls, inside = iter(range(call, -1, -1)), getattr(os, where)

        def kill(*arguments):
            if next(calls) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return inside(*arguments)

        setattr(os, where, kill)
        run(splits, *settings, tmp_path)

    assert in_a_process(killed) == -signal.SIGKILL
    run(splits, *settings, tmp_path)
    assert result_of(tmp_path) == whole[0]


@pytest.mark.parametrize(
    ("work", "piece", "steps"),
    [
        ("search", "supernet", 3),
        ("search", "weight_memory", 3),
        ("search", "alpha_memory", 3),
        ("search", "weight_optimizer", 3),
        ("search", "alpha_optimizer", 3),
        ("train", "network", 3),
        ("train", "activation", 3),
        ("train", "average", 3),
        ("train", "optimizer", 3),
        ("train", "best", 5),
    ],
)
def test_no_piece_can_be_left_out(splits, settings, whole, tmp_path, stop_after, monkeypatch, work, piece, steps):
    """This is what makes the tests above worth something: without the piece the run ends differently."""
    with pytest.raises(KeyboardInterrupt), stop_after(work, steps):
        run(splits, *settings, tmp_path)
    holder = {"search": TwinsSearch, "train": Training}[work]
    restore = holder.restore

    def restore_without(self, tensors):
        fresh = {name: tensor for name, tensor in self.tensors().items() if name.startswith(f"{piece}.")}
        restore(self, {name: t for name, t in tensors.items() if not name.startswith(f"{piece}.")} | fresh)

    monkeypatch.setattr(holder, "restore", restore_without)
    run(splits, *settings, tmp_path)
    assert not result_of(tmp_path) == whole[0]  # noqa: SIM201 (pytest would print all weights)


class TestDamage:
    @pytest.fixture
    def stopped(self, splits, settings, tmp_path, stop_after):
        """The folder of a training that was stopped after three steps."""
        with pytest.raises(KeyboardInterrupt), stop_after("train", 3):
            train(splits, MSMT17, settings[1], tmp_path)
        return tmp_path

    def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(self, splits, settings, stopped, tmp_path, caplog):
        path = stopped / "train.checkpoint.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        trained = train(splits, MSMT17, settings[1], stopped)
        assert "train.checkpoint.safetensors: its checksum is wrong" in caplog.text
        assert same_weights(trained, train(splits, MSMT17, settings[1], tmp_path / "whole"))

    def test_without_a_good_checkpoint_nothing_is_begun(self, splits, settings, stopped):
        for path in stopped.glob("*.safetensors"):
            os.truncate(path, 1000)
        with pytest.raises(CheckpointError, match=r"checkpoint-before\.safetensors"):
            train(splits, MSMT17, settings[1], stopped)

    def test_a_full_disk_stops_the_run_and_loses_nothing(self, splits, settings, stopped, tmp_path):
        """A limit on the size of files stands for the disk."""
        before = load_checkpoint(stopped / "train.checkpoint.safetensors").values["step"]

        def on_a_full_disk():
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
            with pytest.raises(FileError, match=r"cannot write .*raise the limit"):
                train(splits, MSMT17, settings[1], stopped)

        assert in_a_process(on_a_full_disk) == 0
        assert not list(stopped.glob("*.unfinished"))
        assert load_checkpoint(stopped / "train.checkpoint-before.safetensors").values["step"] == before
        trained = train(splits, MSMT17, settings[1], stopped)
        assert same_weights(trained, train(splits, MSMT17, settings[1], tmp_path / "whole"))
