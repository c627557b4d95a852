import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from msinet.batches.loading import Batch
from msinet.data.identity_splits import hold_out_validation
from msinet.data.records import identities
from msinet.engine.evaluate import evaluate, evaluate_among
from msinet.engine.machine import Machine
from msinet.errors import CheckpointError, DatasetError, FileError, SettingsError, TrainingError
from msinet.files.content_hash import content_hash
from msinet.files.sketch import Sketch
from msinet.files.tensor_files import load_arrays
from msinet.losses.alignment import alignment_loss
from msinet.losses.identity import identity_loss
from msinet.losses.triplet import triplet_loss
from msinet.model.cost import count_multiply_adds
from msinet.model.model_files import load_model
from msinet.model.msinet.architecture import Architecture
from msinet.training.train import Trained, Training, train

MSMT17 = Architecture.named("msmt17")
MODES = ("none", "both")


def weights(trained: Trained | torch.nn.Module) -> dict[str, torch.Tensor]:
    network = trained.network if isinstance(trained, Trained) else trained
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
    training = Training(train_settings, MSMT17, 4, Machine(train_settings))
    first, *_, last = [training.step(batch)["identity"].item() for _ in range(20)]
    assert last < first / 2


def test_loss_is_identity_plus_triplet_on_both_heads(train_settings, batch):
    training = Training(train_settings, MSMT17, 4, Machine(train_settings))
    features = training.network(batch.images)
    expected = sum(
        identity_loss(head.logits, batch.identities, 0.1) + triplet_loss(head.feature, batch.identities, 0.3)
        for head in features.heads
    )
    torch.testing.assert_close(training.objective(features, batch)["loss"], expected)


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
    training = Training(settings, MSMT17, 4, Machine(settings))
    features = training.network(batch.images)
    wished = training.activation(features.last) if training.activation else None
    expected = alignment_loss(features.last, batch.identities, wished, mode, **options)
    losses = training.objective(features, batch)
    torch.testing.assert_close(losses["alignment"], expected)
    torch.testing.assert_close(losses["loss"], losses["identity"] + losses["triplet"] + 3 * expected)


def test_the_position_activation_learns(train_settings, batch):
    settings = replace(train_settings, alignment="positive")
    training = Training(settings, MSMT17, 4, Machine(settings))
    assert training.activation is not None
    before = weights(training.activation)
    first, *_, last = [training.step(batch)["alignment"].item() for _ in range(20)]
    assert last < first / 2
    assert not any(torch.equal(before[name], now) for name, now in weights(training.activation).items())


def test_a_network_starts_the_same_with_alignment(train_settings):
    networks = []
    for mode in MODES:
        settings = replace(train_settings, alignment=mode)
        networks.append(Training(settings, MSMT17, 4, Machine(settings)).network)
    assert same(*map(weights, networks))


def test_alignment_is_logged_where_it_is_on(splits, train_settings, tmp_path):
    for mode in MODES:
        train(splits, MSMT17, replace(train_settings, epochs=1, alignment=mode), tmp_path / mode)
        (line,) = (tmp_path / mode / "train.jsonl").read_text().splitlines()
        assert ("alignment" in json.loads(line)) == (mode == "both")


def test_a_network_trained_with_alignment_costs_nothing_more(splits, train_settings, tmp_path):
    """The same tensors in its file, and the same multiply-adds; the checkpoint alone knows the position activation."""
    settings = {mode: replace(train_settings, alignment=mode) for mode in MODES}
    networks = {mode: train(splits, MSMT17, settings[mode], tmp_path / mode).network for mode in MODES}
    without, aligned = (weights(load_model(tmp_path / mode)) for mode in MODES)
    assert {name: t.shape for name, t in without.items()} == {name: t.shape for name, t in aligned.items()}
    assert not same(without, aligned)
    assert count_multiply_adds(networks["none"]) == count_multiply_adds(networks["both"])
    known = [{n for n in load_arrays(tmp_path / m / "train.checkpoint.safetensors")[0] if "activation" in n} for m in MODES]
    assert known == [set(), {f"activation.{layer}.{kind}" for layer in ("query", "key") for kind in ("weight", "bias")}]


def test_the_written_model_is_the_returned_one(splits, train_settings, tmp_path):
    trained = train(splits, MSMT17, train_settings, tmp_path)
    assert same(weights(trained), weights(load_model(tmp_path)))
    assert trained.network.identities == len(identities(splits.train))
    assert json.loads((tmp_path / "model.json").read_text())["info"]["made_from"]["data"] == splits.fingerprint()


@pytest.mark.parametrize("workers", [0, 2])
def test_same_seed_same_weights_at_any_number_of_workers(splits, train_settings, tmp_path, workers):
    """Workers load only images that are not decoded yet: without the cache all of them."""
    settings = replace(train_settings, image_cache=False)
    one = train(splits, MSMT17, settings, tmp_path / "one")
    other = train(splits, MSMT17, replace(settings, workers=workers), tmp_path / "other")
    assert same(weights(one), weights(other))
    assert evaluate(one.network, splits).mAP == evaluate(other.network, splits).mAP


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
        with pytest.raises(KeyboardInterrupt), stop_after("train", steps):
            train(splits, MSMT17, settings, tmp_path / "stopped")
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
    training = Training(replace(train_settings, ema_decay=0.5), MSMT17, 4, Machine(train_settings))
    steps = []
    for _ in range(2):
        training.step(batch)
        steps.append(training.network.whole_head.linear.weight.detach().clone())
    torch.testing.assert_close(training.result().whole_head.linear.weight.detach(), (steps[0] + steps[1]) / 2)


def test_best_weights_on_validation_are_kept(make_splits, train_settings, tmp_path):
    """The model is the one of the best epoch, whatever came later."""
    splits, settings = make_splits(train=9), replace(train_settings, epochs=6, validation_share=0.4, validate_every=1)
    trained = train(splits, MSMT17, settings, tmp_path)
    scores = [json.loads(line)["validation_mAP"] for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert trained.best == max(scores)
    validation = hold_out_validation(splits, 0.4).validation
    assert evaluate_among(trained.network, validation, Machine(settings)).mAP == pytest.approx(max(scores))


def test_test_identities_choose_nothing(splits, train_settings, tmp_path):
    """Other query and gallery labels change no weight."""
    one = train(splits, MSMT17, train_settings, tmp_path / "one")
    blind = replace(splits, query=(), gallery=())
    assert same(weights(one), weights(train(blind, MSMT17, train_settings, tmp_path / "other")))


def test_batch_norm_bias_of_the_heads_is_frozen(train_settings, batch):
    training = Training(train_settings, MSMT17, 4, Machine(train_settings))
    training.step(batch)
    assert training.network.whole_head.norm.bias.abs().max() == 0


@pytest.mark.parametrize("late", [0, 1])
def test_loss_that_is_not_finite_names_the_images_and_is_not_kept(splits, train_settings, tmp_path, late):
    """Also where it is read a step later, as on a GPU: what broken weights gave never reaches a checkpoint."""
    settings = replace(train_settings, learning_rate=1e30, warmup_epochs=0, checkpoint_minutes=0)
    machine = Machine(settings)
    machine.steps_read_late = late
    with pytest.raises(TrainingError, match=r"(nan|inf) at step 1.*(\n.*\.png){8}"):
        train(splits, MSMT17, settings, tmp_path, machine)
    arrays, values = load_arrays(tmp_path / "train.checkpoint.safetensors")
    assert values["step"] == 1
    assert all(np.isfinite(array).all() for array in arrays.values())


@pytest.mark.long
def test_a_compiled_network_computes_the_same(train_settings, search_settings, make_twins, batch, monkeypatch):
    """Traced, but not made into machine code, which takes minutes."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    losses = []
    for compiled in (False, True):
        training = Training(replace(train_settings, compile=compiled), MSMT17, 4, Machine(train_settings))
        twins = make_twins(replace(search_settings, compile=compiled))
        for memory in (twins.weight_memory, twins.alpha_memory):
            memory.fill(torch.eye(4, 128), torch.arange(4))
        losses.append([training.step(batch)["loss"], *twins.step(batch, batch)])
    torch.testing.assert_close(*losses)


def test_losses_read_late_are_the_same(splits, train_settings, tmp_path, stop_after):
    """Also where the run is stopped in the middle of an epoch: the checkpoint holds the means of all steps before."""
    train(splits, MSMT17, train_settings, tmp_path / "at once")
    machine = Machine(train_settings)
    machine.steps_read_late = 1
    with pytest.raises(KeyboardInterrupt), stop_after("train", 2):
        train(splits, MSMT17, train_settings, tmp_path / "late", machine)
    train(splits, MSMT17, train_settings, tmp_path / "late", machine)
    logs = [(tmp_path / name / "train.jsonl").read_text() for name in ("at once", "late")]
    assert logs[0] == logs[1]


def test_other_architecture_does_not_go_on(splits, train_settings, tmp_path):
    train(splits, MSMT17, train_settings, tmp_path)
    with pytest.raises(CheckpointError, match="architecture"):
        train(splits, Architecture.named("veri776"), train_settings, tmp_path)


def test_too_few_identities_say_what_to_set(splits, train_settings, tmp_path):
    with pytest.raises(SettingsError, match="identities_per_batch"):
        train(splits, MSMT17, replace(train_settings, identities_per_batch=7), tmp_path)


def test_nothing_to_train_on_is_an_error(splits, train_settings, tmp_path):
    with pytest.raises(DatasetError, match="nothing to train on"):
        train(replace(splits, train=()), MSMT17, train_settings, tmp_path)


def test_a_file_in_the_way_of_out_is_an_error(splits, train_settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="where the path needs a folder: move it, or choose another folder for out"):
        train(splits, MSMT17, train_settings, tmp_path / "file")


def hashes(records):
    return [content_hash(record.path.read_bytes()) for record in records]


def test_a_model_says_which_images_it_and_its_initial_weights_learned(make_splits, train_settings, tmp_path):
    splits, later = make_splits(train=8), make_splits(train=6)
    settings = replace(train_settings, epochs=1, validation_share=0.4, identities_per_batch=2)
    first = train(splits, MSMT17, settings, tmp_path / "first").network
    trained_on = hold_out_validation(splits, 0.4)
    assert load_model(tmp_path / "first").learned == first.learned == Sketch.of(hashes(trained_on.train))
    assert first.learned.overlap(hashes(trained_on.validation)).found == 0
    settings = replace(train_settings, epochs=1, init=str(tmp_path / "first"))
    second = train(later, MSMT17, settings, tmp_path / "second").network
    assert second.learned == Sketch.of(hashes((*trained_on.train, *later.train)))


def test_a_training_ends_without_the_initial_weights(make_splits, train_settings, tmp_path, stop_after, caplog):
    splits = make_splits(train=6)
    train(splits, MSMT17, replace(train_settings, epochs=1), tmp_path / "first")
    settings = replace(train_settings, init=str(tmp_path / "first"))
    with stop_after("train", 2), pytest.raises(KeyboardInterrupt):
        train(splits, MSMT17, settings, tmp_path / "second")
    (tmp_path / "first").rename(tmp_path / "elsewhere")
    assert train(splits, MSMT17, settings, tmp_path / "second").network.learned == Sketch.of(hashes(splits.train))
    assert "does not say which images" in caplog.text
