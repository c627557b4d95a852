"""Two processes that share every batch do what one process does with the whole of it."""

import json
import multiprocessing
import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState, GradientState
from torch import nn

from msinet.architecture_search.search import search
from msinet.architecture_search.twins import TwinsSearch
from msinet.batches.loading import Batch
from msinet.engine.checkpoint import load_checkpoint
from msinet.engine.embed import embed
from msinet.engine.evaluate import evaluate
from msinet.engine.machine import Machine
from msinet.engine.settings import MachineSettings
from msinet.experiments.supernet_score import supernet_scores
from msinet.experiments.variants import variant
from msinet.jobs.run import run
from msinet.losses.alignment import alignment_loss
from msinet.losses.triplet import triplet_loss
from msinet.model.model_files import load_model, save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.training.train import train

MSMT17 = Architecture.named("msmt17")
SGD = {"optimizer": "sgd", "learning_rate": 0.01}  # AdamW scales all gradients alike, the rounding of tiny ones too
ON_CPU = MachineSettings(device="cpu", precision="fp32")


def in_processes(work: Callable[[int], Any], count: int = 2) -> list[int]:
    """Do work in `count` processes that see each other through gloo, each told its number; return their exit codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def enter(rank: int) -> None:
        sizes = {"WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "OMP_NUM_THREADS": 1}
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": rank, "LOCAL_RANK": rank}
        os.environ.update({name: str(value) for name, value in (sizes | where).items()})
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        work(rank)
        torch.distributed.destroy_process_group()

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=enter, args=(rank,), daemon=True) for rank in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        process.kill()
        process.join()
    return [process.exitcode if process.exitcode is not None else -1 for process in processes]


@pytest.fixture
def frozen(monkeypatch):
    """Batch norms that keep their statistics: those of half a batch are not those of the whole."""

    start = nn.modules.batchnorm._BatchNorm.__init__

    def start_frozen(self, *arguments, **options):
        start(self, *arguments, **options)
        self.training = False

    monkeypatch.setattr(nn.modules.batchnorm._BatchNorm, "__init__", start_frozen)
    monkeypatch.setattr(nn.modules.batchnorm._BatchNorm, "train", lambda self, mode=True: self)


@pytest.fixture
def splits(make_splits):
    return make_splits(train=12)


def largest_difference(a: Path, b: Path, of: tuple[str, ...] = ("",)) -> float:
    """Return how far the tensors of two files of tensors are apart, of those whose names begin so."""
    one, other = load_checkpoint(a).tensors, load_checkpoint(b).tensors
    assert one.keys() == other.keys()
    names = [name for name in one if name.startswith(of) and one[name].numel()]
    return max((one[name].double() - other[name].double()).abs().max().item() for name in names)


def test_processes_are_found_here(tmp_path):
    assert in_processes(lambda rank: (tmp_path / str(Machine(ON_CPU).processes)).touch()) == [0, 0]
    assert (tmp_path / "2").exists()


def test_shares_and_rows_join_in_order(tmp_path):
    """5 rows over 2 processes: 2 and 3."""
    rows = torch.arange(10.0).reshape(5, 2)

    def work(rank):
        machine = Machine(ON_CPU)
        own = rows[machine.share(5)]
        assert len(own) == 2 + rank
        assert machine.gather(own).equal(rows)

    assert in_processes(work) == [0, 0]


def test_triplets_are_found_across_processes():
    """Mean of the processes' gradients = gradient of the whole batch, which has harder triplets than its halves."""
    features = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    triplet_loss(features, labels).backward()
    gradient = features.grad
    assert gradient is not None

    def work(rank):
        machine = Machine(ON_CPU)
        half = slice(4 * rank, 4 * rank + 4)
        own = features.detach()[half].requires_grad_()
        loss = triplet_loss(machine.join_batch(own), machine.gather(labels[half]))
        loss.backward()
        torch.testing.assert_close(own.grad, 2 * gradient[half])
        torch.testing.assert_close(loss, triplet_loss(features, labels))

    assert in_processes(work) == [0, 0]


def test_pairs_are_aligned_across_processes():
    """Mean of the processes' gradients = gradient of the whole batch, whose pairs are mostly not in one half."""
    maps = torch.randn(8, 4, 2, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 3])
    whole = alignment_loss(maps, labels, maps.flatten(2).amax(1))
    whole.backward()
    gradient = maps.grad
    assert gradient is not None

    def work(rank):
        machine = Machine(ON_CPU)
        half = slice(4 * rank, 4 * rank + 4)
        own = maps.detach()[half].requires_grad_()
        joined = machine.join_batch(own)
        loss = alignment_loss(joined, machine.gather(labels[half]), joined.flatten(2).amax(1))
        loss.backward()
        torch.testing.assert_close(own.grad, 2 * gradient[half])
        torch.testing.assert_close(loss, whole)

    assert in_processes(work) == [0, 0]


@pytest.mark.parametrize("names", [(), ("removal",), ("shared", "removal"), ("classifiers", "removal")], ids=str)
@pytest.mark.usefixtures("frozen")
def test_two_processes_search_as_one(splits, search_settings, tmp_path, names):
    """Weights, alphas, what they are compared with and all optimizers, after two epochs; and what removals cost."""
    settings, method = replace(search_settings, **SGD), variant(*names)
    search(splits, settings, tmp_path / "one", method=method)
    assert in_processes(lambda _: search(splits, settings, tmp_path / "two", method=method)) == [0, 0]
    assert largest_difference(*(tmp_path / name / "search.checkpoint.safetensors" for name in ("one", "two"))) < 1e-5
    assert len((tmp_path / "two/search.jsonl").read_text().splitlines()) == search_settings.epochs
    if names:
        told = [json.loads((tmp_path / name / "architecture.json").read_text())["decided_by"] for name in ("one", "two")]
        torch.testing.assert_close(*(torch.tensor(losses["rows"]) for losses in told), rtol=1e-4, atol=1e-4)


def test_two_processes_try_networks_as_one(splits, search_settings, tmp_path):
    """Both decide the same, and a list of trials that was cut off grows to what it was."""
    settings = replace(search_settings, **SGD, space="scales", trials=20)

    def work(rank):
        found = search(splits, settings, tmp_path / "two")
        (tmp_path / f"{rank}.json").write_text(json.dumps([found.architecture.to_dict(), found.findings]))

    assert in_processes(work) == [0, 0]
    assert (tmp_path / "0.json").read_text() == (tmp_path / "1.json").read_text()
    trials = tmp_path / "two/trials.jsonl"
    whole = trials.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) == 20
    trials.write_bytes(b"".join(lines[:7]) + lines[7][:9])
    assert in_processes(work) == [0, 0]
    assert trials.read_bytes() == whole


@pytest.mark.usefixtures("frozen")
def test_two_processes_train_the_networks_of_trials_and_finals_as_one(splits, search_settings, tmp_path, monkeypatch):
    """Finals of few steps: rounding grows with them."""
    monkeypatch.setattr("msinet.architecture_search.finals.LONGER", 1)
    settings = replace(search_settings, **SGD, space="scales", trials=8, trial_weights="own", finals=2)
    search(splits, settings, tmp_path / "one")
    assert in_processes(lambda _: search(splits, settings, tmp_path / "two")) == [0, 0]
    assert largest_difference(*(tmp_path / name / "search.checkpoint.safetensors" for name in ("one", "two"))) < 1e-5
    lines = [(tmp_path / name / "trials.jsonl").read_text().splitlines() for name in ("one", "two")]
    one, two = ([json.loads(line)["mAP"] for line in own] for own in lines)
    assert len(two) == 8 and two == pytest.approx(one, abs=1e-6)
    finals = [sorted((tmp_path / name).glob("finals/*/search.checkpoint.safetensors")) for name in ("one", "two")]
    assert [file.parent.name for file in finals[0]] == [file.parent.name for file in finals[1]]
    assert len(finals[0]) == 2 and all(largest_difference(*files) < 1e-4 for files in zip(*finals, strict=True))


def test_two_processes_score_architectures_as_one(splits, search_settings, tmp_path):
    search(splits, replace(search_settings, validation_share=0.3), tmp_path)
    architectures = [Architecture.from_interactions([name] * 6, 1) for name in ("none", "channel_gate")]
    expected = supernet_scores(tmp_path, splits, architectures, Machine(ON_CPU))

    def work(rank):
        assert supernet_scores(tmp_path, splits, architectures, Machine(ON_CPU)) == pytest.approx(expected, abs=1e-6)

    assert in_processes(work) == [0, 0]


@pytest.mark.parametrize("alignment", ["none", "both"])
@pytest.mark.usefixtures("frozen")
def test_two_processes_train_as_one(splits, train_settings, tmp_path, alignment):
    settings = replace(train_settings, **SGD, validation_share=0.3, alignment=alignment)
    train(splits, MSMT17, settings, tmp_path / "one")
    assert in_processes(lambda _: train(splits, MSMT17, settings, tmp_path / "two")) == [0, 0]
    checkpoints = (tmp_path / name / "train.checkpoint.safetensors" for name in ("one", "two"))
    assert largest_difference(*checkpoints, of=("network.", "activation.")) < 1e-5
    one, two = (
        [json.loads(line) for line in (tmp_path / name / "train.jsonl").read_text().splitlines()] for name in ("one", "two")
    )
    assert [epoch["loss"] for epoch in two] == pytest.approx([epoch["loss"] for epoch in one], rel=1e-5)


class NoGradients(Machine):
    """Processes that keep their gradients to themselves."""

    def average_gradients(self, parameters):
        pass


class NoRows(Machine):
    """Processes that keep their features and labels to themselves."""

    def gather(self, rows):
        return rows.detach()

    def join_batch(self, rows):
        return rows


class FilledAlike(TwinsSearch):
    """A search whose memories start without the images: with one centroid an axis."""

    def fill(self, memory, records, caches):
        memory.fill(torch.eye(len(memory.centroids), memory.centroids.shape[1]), torch.arange(len(memory.centroids)))


@pytest.mark.parametrize(
    ("verb", "silent"),
    [("search", NoGradients), ("search", NoRows), ("train", NoGradients), ("train", NoRows)],
    ids=["gradients of the search", "features for the memories", "gradients of the training", "triplets"],
)
@pytest.mark.usefixtures("frozen")
def test_nothing_that_processes_tell_each_other_can_be_left_out(
    splits, search_settings, train_settings, tmp_path, verb, silent
):
    def work(out: Path, machine: type[Machine]) -> None:
        if verb == "search":
            settings = replace(search_settings, **SGD, epochs=1)
            search(splits, settings, out, machine(settings), FilledAlike)
        else:
            settings = replace(train_settings, **SGD, epochs=1)
            train(splits, MSMT17, settings, out, machine(settings))

    work(tmp_path / "one", Machine)
    assert in_processes(lambda _: work(tmp_path / "two", silent)) == [0, 0]
    checkpoints = (tmp_path / name / f"{verb}.checkpoint.safetensors" for name in ("one", "two"))
    assert largest_difference(*checkpoints) > 1e-5


def test_memories_stay_equal(search_settings, make_twins):
    """Also with batch statistics of their own, from which each process has other features."""
    images = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])

    def work(rank):
        half = slice(4 * rank, 4 * rank + 4)
        batch = Batch(images[half], labels[half], labels[half], labels[half])
        machine = Machine(search_settings)
        twins = make_twins(search_settings, machine)
        for _ in range(3):
            twins.step(batch, batch)
        for memory in (twins.weight_memory, twins.alpha_memory):
            one, other = machine.gather(memory.centroids).chunk(2)
            assert one.equal(other)
        for tensor in (twins.alphas, twins.weights[0]):
            one, other = machine.gather(tensor).chunk(2)
            assert one.equal(other)

    assert in_processes(work) == [0, 0]


def test_embedding_and_scoring_are_shared(splits, tmp_path):
    network = MSINet(MSMT17, 4, (16, 64, 96, 128), (32, 32)).eval()
    save_model(network, tmp_path)
    expected = embed(network, splits.query, Machine(ON_CPU)).vectors
    score = evaluate(network, splits, machine=Machine(ON_CPU))

    def work(rank):
        embeddings = embed(load_model(tmp_path), splits.query, Machine(ON_CPU))
        assert abs(embeddings.vectors - expected).max() < 1e-6
        shared = evaluate(load_model(tmp_path), splits, machine=Machine(ON_CPU))
        assert shared.mAP == pytest.approx(score.mAP, abs=1e-6)
        assert shared.average_precision == pytest.approx(score.average_precision, abs=1e-6)

    assert in_processes(work) == [0, 0]


def test_interrupted_in_one_process_all_stop_and_go_on_together(
    splits, search_settings, train_settings, tmp_path, stop_after
):
    """Ctrl-C in the third step of training, in the second process alone."""
    assert in_processes(lambda _: run(splits, search_settings, train_settings, tmp_path / "whole")) == [0, 0]

    def stopped(rank):
        interrupted = stop_after("train", 3) if rank else nullcontext()
        with pytest.raises(KeyboardInterrupt), interrupted:
            run(splits, search_settings, train_settings, tmp_path / "stopped")

    assert in_processes(stopped) == [0, 0]
    assert load_checkpoint(tmp_path / "stopped/train.checkpoint.safetensors").values["step"] == 3
    assert in_processes(lambda _: run(splits, search_settings, train_settings, tmp_path / "stopped")) == [0, 0]
    for name in ("result.json", "train.jsonl", "architecture.json"):
        assert (tmp_path / "stopped" / name).read_text() == (tmp_path / "whole" / name).read_text()
