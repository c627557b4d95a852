import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from msinet.data.batches import Batch
from msinet.data.records import identities
from msinet.engine.evaluate import evaluate
from msinet.engine.loop import Loop
from msinet.engine.runtime import learning_rate_factor, make_accelerator
from msinet.engine.search import TwinsSearch
from msinet.engine.settings import TrainSettings
from msinet.engine.train import Training, train
from msinet.errors import CheckpointError, DatasetError, SettingsError, TrainingError
from msinet.losses.alignment import alignment_loss
from msinet.losses.identity import identity_loss
from msinet.losses.triplet import triplet_loss
from msinet.model.architecture import Architecture
from msinet.model.cost import count_multiply_adds
from msinet.model.model_files import load_model
from msinet.tensor_files import load_tensors

MSMT17 = Architecture.named("msmt17")
MODES = ("none", "both")


def weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def splits(make_splits):
    return make_splits(train=6)


@pytest.fixture
def batch():
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    return Batch(torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1)), labels, labels, labels)


def test_training_learns_a_batch_by_heart(train_settings, batch):
    training = Training(train_settings, MSMT17, 4, make_accelerator(train_settings))
    first, *_, last = [training.step(batch)["identity"].item() for _ in range(20)]
    assert last < first / 2


def test_loss_is_identity_plus_triplet_on_both_heads(train_settings, batch):
    training = Training(train_settings, MSMT17, 4, make_accelerator(train_settings))
    features = training.network(batch.images)
    expected = sum(
        identity_loss(head.logits, batch.identities, 0.1) + triplet_loss(head.feature, batch.identities, 0.3)
        for head in (features.whole, features.part)
    )
    torch.testing.assert_close(training.losses(features, batch.identities)["loss"], expected)


@pytest.mark.parametrize(
    ("changed", "options"),
    [
        ({}, {}),
        ({"alignment_unit_features": True}, {"unit_features": True}),
        ({"alignment_as_published": True}, {"self_pairs": True, "transposed": True}),
    ],
    ids=["equation 8", "unit features", "as published"],
)
@pytest.mark.parametrize("mode", ["positive", "negative", "both"])
def test_alignment_is_added_by_its_weight(train_settings, batch, mode, changed, options):
    settings = replace(train_settings, alignment=mode, alignment_weight=3.0, **changed)
    training = Training(settings, MSMT17, 4, make_accelerator(settings))
    features = training.network(batch.images)
    wished = training.activation(features.last) if training.activation else None
    expected = alignment_loss(features.last, batch.identities, wished, mode, **options)
    losses = training.losses(features, batch.identities)
    torch.testing.assert_close(losses["alignment"], expected)
    torch.testing.assert_close(losses["loss"], losses["identity"] + losses["triplet"] + 3 * expected)


def test_the_position_activation_learns(train_settings, batch):
    settings = replace(train_settings, alignment="positive")
    training = Training(settings, MSMT17, 4, make_accelerator(settings))
    assert training.activation is not None
    before = weights(training.activation)
    first, *_, last = [training.step(batch)["alignment"].item() for _ in range(20)]
    assert last < first / 2
    assert not any(torch.equal(before[name], now) for name, now in weights(training.activation).items())


def test_a_network_starts_the_same_with_alignment(train_settings):
    networks = []
    for mode in MODES:
        settings = replace(train_settings, alignment=mode)
        networks.append(Training(settings, MSMT17, 4, make_accelerator(settings)).network)
    assert same(*map(weights, networks))


def test_alignment_is_logged_where_it_is_on(splits, train_settings, tmp_path):
    for mode in MODES:
        train(splits, MSMT17, replace(train_settings, epochs=1, alignment=mode), tmp_path / mode)
        (line,) = (tmp_path / mode / "train.jsonl").read_text().splitlines()
        assert ("alignment" in json.loads(line)) == (mode == "both")


def test_a_network_trained_with_alignment_costs_nothing_more(splits, train_settings, tmp_path):
    """The same tensors in its file, and the same multiply-adds; the checkpoint alone knows the position activation."""
    networks = {mode: train(splits, MSMT17, replace(train_settings, alignment=mode), tmp_path / mode) for mode in MODES}
    (without, _), (aligned, _) = (load_tensors(tmp_path / mode / "model.safetensors") for mode in MODES)
    assert {name: t.shape for name, t in without.items()} == {name: t.shape for name, t in aligned.items()}
    assert not same(without, aligned)
    assert count_multiply_adds(networks["none"]) == count_multiply_adds(networks["both"])
    known = [{n for n in load_tensors(tmp_path / m / "train.checkpoint.safetensors")[0] if "activation" in n} for m in MODES]
    assert known == [set(), {f"activation.{layer}.{kind}" for layer in ("query", "key") for kind in ("weight", "bias")}]


def test_the_written_model_is_the_returned_one(splits, train_settings, tmp_path):
    trained = train(splits, MSMT17, train_settings, tmp_path)
    assert same(weights(trained), weights(load_model(tmp_path)))
    assert trained.identities == len(identities(splits.train))
    assert json.loads((tmp_path / "model.json").read_text())["info"]["made_from"]["data"] == splits.fingerprint()


@pytest.mark.parametrize("workers", [0, 2])
def test_same_seed_same_weights_at_any_number_of_workers(splits, train_settings, tmp_path, workers):
    one = train(splits, MSMT17, train_settings, tmp_path / "one")
    other = train(splits, MSMT17, replace(train_settings, workers=workers), tmp_path / "other")
    assert same(weights(one), weights(other))
    assert evaluate(one, splits).to_dict() == evaluate(other, splits).to_dict()


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"ema_decay": 0.5},
        {"validation_share": 0.3, "validate_every": 1},
        {"optimizer": "sgd"},
        {"alignment": "both"},
        {"alignment": "negative", "optimizer": "sgd"},
    ],
)
def test_stopped_training_goes_on_where_it_was(make_splits, train_settings, tmp_path, stop_after, changed):
    splits, settings = make_splits(train=9), replace(train_settings, **changed)
    whole = train(splits, MSMT17, settings, tmp_path / "whole")
    for steps in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            train(splits, MSMT17, settings, tmp_path / "stopped", stop_after("train", steps))
    stopped = train(splits, MSMT17, settings, tmp_path / "stopped")
    assert same(weights(whole), weights(stopped))
    assert (tmp_path / "whole/train.jsonl").read_text() == (tmp_path / "stopped/train.jsonl").read_text()


def test_deterministic_algorithms_exist_for_all_that_is_computed(splits, train_settings, tmp_path):
    """And on the CPU they are those that are taken anyway."""
    one = train(splits, MSMT17, train_settings, tmp_path / "one")
    other = train(splits, MSMT17, replace(train_settings, deterministic=True), tmp_path / "other")
    assert same(weights(one), weights(other))


def test_averaged_weights_are_the_result(train_settings, batch):
    """With decay 0.5, two steps give half of each step's weights."""
    training = Training(replace(train_settings, ema_decay=0.5), MSMT17, 4, make_accelerator(train_settings))
    steps = []
    for _ in range(2):
        training.step(batch)
        steps.append(training.network.whole_head.linear.weight.detach().clone())
    torch.testing.assert_close(training.result().whole_head.linear.weight.detach(), (steps[0] + steps[1]) / 2)


def test_best_weights_on_validation_are_kept(train_settings, batch):
    training = Training(train_settings, MSMT17, 4, make_accelerator(train_settings))
    training.step(batch)
    training.keep_if_best(0.6)
    best = weights(training.network)
    training.step(batch)
    training.keep_if_best(0.5)
    assert same(weights(training.result()), best)


def test_test_identities_choose_nothing(splits, train_settings, tmp_path):
    """Other query and gallery labels change no weight."""
    one = train(splits, MSMT17, train_settings, tmp_path / "one")
    blind = replace(splits, query=(), gallery=())
    assert same(weights(one), weights(train(blind, MSMT17, train_settings, tmp_path / "other")))


def test_batch_norm_bias_of_the_heads_is_frozen(train_settings, batch):
    training = Training(train_settings, MSMT17, 4, make_accelerator(train_settings))
    training.step(batch)
    assert training.network.whole_head.norm.bias.abs().max() == 0


@pytest.mark.parametrize("late", [0, 1])
def test_loss_that_is_not_finite_names_the_images_and_is_not_kept(splits, train_settings, tmp_path, monkeypatch, late):
    """Also where it is read a step later, as on a GPU: what broken weights gave never reaches a checkpoint."""
    start, losses, step = Loop.__init__, Training.losses, 3

    def start_late(self, *arguments):
        start(self, *arguments)
        self.late = late

    def broken(self, features, labels):
        nonlocal step
        step -= 1
        scale = torch.inf if step < 0 else 1.0
        return {name: loss * scale for name, loss in losses(self, features, labels).items()}

    monkeypatch.setattr(Loop, "__init__", start_late)
    monkeypatch.setattr(Training, "losses", broken)
    settings = replace(train_settings, checkpoint_minutes=0)
    with pytest.raises(TrainingError, match=r"inf at step 3.*(\n.*\.png){8}"):
        train(splits, MSMT17, settings, tmp_path)
    tensors, values = load_tensors(tmp_path / "train.checkpoint.safetensors")
    assert values["step"] == 3
    assert all(tensor.isfinite().all() for tensor in tensors.values())


@pytest.mark.long
def test_a_compiled_network_computes_the_same(train_settings, search_settings, batch, monkeypatch):
    """Traced, but not made into machine code, which takes minutes."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    losses = []
    for compiled in (False, True):
        training = Training(replace(train_settings, compile=compiled), MSMT17, 4, make_accelerator(train_settings))
        twins = TwinsSearch(replace(search_settings, compile=compiled), 4, 4, make_accelerator(search_settings))
        for memory in (twins.weight_memory, twins.alpha_memory):
            memory.fill(torch.eye(4, 128), torch.arange(4))
        losses.append([training.step(batch)["loss"], *twins.step(batch, batch)])
    torch.testing.assert_close(*losses)


def test_losses_read_late_are_the_same(splits, train_settings, tmp_path, monkeypatch, stop_after):
    """Also where the run is stopped in the middle of an epoch: the checkpoint holds the means of all steps before."""
    train(splits, MSMT17, train_settings, tmp_path / "at once")
    start = Loop.__init__

    def start_late(self, *arguments):
        start(self, *arguments)
        self.late = 1

    monkeypatch.setattr(Loop, "__init__", start_late)
    with pytest.raises(KeyboardInterrupt):
        train(splits, MSMT17, train_settings, tmp_path / "late", stop_after("train", 2))
    train(splits, MSMT17, train_settings, tmp_path / "late")
    logs = [(tmp_path / name / "train.jsonl").read_text() for name in ("at once", "late")]
    assert logs[0] == logs[1]


def test_other_architecture_does_not_go_on(splits, train_settings, tmp_path):
    train(splits, MSMT17, train_settings, tmp_path)
    with pytest.raises(CheckpointError, match="architecture"):
        train(splits, Architecture.named("veri776"), train_settings, tmp_path)


def test_too_few_identities_say_what_to_set(splits, train_settings, tmp_path):
    with pytest.raises(SettingsError, match="--identities-per-batch"):
        train(splits, MSMT17, replace(train_settings, identities_per_batch=7), tmp_path)


def test_nothing_to_train_on_is_an_error(splits, train_settings, tmp_path):
    with pytest.raises(DatasetError, match="nothing to train on"):
        train(replace(splits, train=()), MSMT17, train_settings, tmp_path)


def test_a_file_in_the_way_of_out_is_an_error(splits, train_settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="--out"):
        train(splits, MSMT17, train_settings, tmp_path / "file")


class TestLearningRate:
    def test_rises_from_a_hundredth_to_its_full_height(self):
        settings = TrainSettings(warmup_epochs=10)
        assert learning_rate_factor(settings, 0, 100) == pytest.approx(0.01)
        assert learning_rate_factor(settings, 500, 100) == pytest.approx(0.505)
        assert learning_rate_factor(settings, 1000, 100) == 1

    def test_falls_to_a_tenth_at_each_milestone(self):
        settings = TrainSettings(milestones=(150, 225, 300))
        factors = [learning_rate_factor(settings, epoch * 7, 7) for epoch in (149, 150, 225, 300, 349)]
        assert factors == pytest.approx([1, 0.1, 0.01, 0.001, 0.001])

    def test_cosine_falls_to_zero(self):
        settings = TrainSettings(schedule="cosine", warmup_epochs=10, epochs=110)
        factors = [learning_rate_factor(settings, epoch, 1) for epoch in (10, 60, 110)]
        assert factors == pytest.approx([1, 0.5, 0], abs=1e-6)
