"""Variants of the search: what each of them changes, and what it must not."""

from dataclasses import replace

import pytest
import torch

from msinet.architecture_search.search import search
from msinet.architecture_search.twins import TwinsSearch
from msinet.batches.loading import labels_of
from msinet.data.records import identities
from msinet.engine.checkpoint import load_checkpoint
from msinet.engine.machine import Machine
from msinet.engine.optimizers import make_optimizer
from msinet.errors import CheckpointError, DatasetError, SettingsError
from msinet.experiments.softmax_classifier import SoftmaxClassifier
from msinet.experiments.variants import (
    METHODS,
    Balanced,
    Classifiers,
    Removal,
    SharedMemory,
    variant,
)
from msinet.losses.twins_memory import CentroidMemory
from msinet.model.msinet.search_space import PUBLISHED

SPACE = replace(PUBLISHED, cells_per_stage=1)


@pytest.fixture
def splits(make_splits):
    return make_splits(train=12)


def on_data(method: type[TwinsSearch], settings, records) -> TwinsSearch:
    """Return a search of its own split of the records."""
    return method(settings, SPACE, method.sides_of(settings, records), Machine(settings.machine))


@pytest.fixture
def prepared(make_twins, search_settings, batches):
    """Return a maker of searches whose memories know the batches' four identities."""

    def make(method: type[TwinsSearch], **changes) -> TwinsSearch:
        twins = make_twins(replace(search_settings, **changes), method=method)
        for memory, batch in zip((twins.weight_memory, twins.alpha_memory), batches, strict=True):
            if isinstance(memory, CentroidMemory):
                memory.fill(twins.supernet(batch.images).detach(), batch.identities)
        return twins

    return make


def has_gradient(module: torch.nn.Module) -> bool:
    return any(p.grad is not None and p.grad.any() for p in module.parameters())


@pytest.mark.parametrize("method", [SharedMemory, Classifiers, Removal])
def test_the_supernet_starts_alike(prepared, method):
    starts = [[*prepared(one).supernet.parameters()] for one in (TwinsSearch, method)]
    assert all(one.equal(other) for one, other in zip(*starts, strict=True))


@pytest.mark.parametrize("method", [TwinsSearch, SharedMemory, Classifiers])
def test_each_step_leaves_a_gradient_on_its_own_side_alone(prepared, batches, monkeypatch, method):
    twins, seen = prepared(method), {}
    for name, optimizer in twins.optimizers().items():

        def note(name=name):
            on_alphas = twins.alphas.grad is not None and bool(twins.alphas.grad.any())
            memories = [has_gradient(memory) for memory in (twins.weight_memory, twins.alpha_memory)]
            seen[name] = [has_gradient(twins.supernet.backbone), on_alphas, *memories]

        monkeypatch.setattr(optimizer, "step", note)
    twins.step(*batches)
    expected = {"weight_optimizer": [True, False, False, False], "alpha_optimizer": [False, True, False, False]}
    if method is Classifiers:
        expected["weight_classifier_optimizer"] = [False, False, True, False]
        expected["alpha_classifier_optimizer"] = [False, False, False, True]
    assert seen == expected


@pytest.mark.parametrize("method", [TwinsSearch, Classifiers])
def test_weights_and_their_memory_learn_from_the_weight_batch_alone(prepared, batches, method):
    after = []
    for alpha_batch in (batches[1], replace(batches[1], images=-batches[1].images)):
        twins = prepared(method)
        twins.step(batches[0], alpha_batch)
        after.append([*twins.weights, *twins.weight_memory.state_dict().values()])
    assert all(one.equal(other) for one, other in zip(*after, strict=True))


class TestSharedMemory:
    def test_both_batches_are_folded_into_it(self, prepared, batches):
        twins = prepared(SharedMemory)
        memory = twins.weight_memory
        assert memory is twins.alpha_memory
        before = memory.centroids.clone()
        weight_batch = replace(batches[0], identities=torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]))
        alpha_batch = replace(batches[1], identities=torch.full((8,), 2))
        twins.step(weight_batch, alpha_batch)
        assert (memory.centroids != before).any(1).tolist() == [True, True, True, False]
        assert [name for name in twins.tensors() if "memory" in name] == ["weight_memory.centroids"]

    def test_it_starts_with_all_images_and_labels_mean_the_same_on_both_sides(self, make_splits, search_settings):
        records = make_splits(train=6).train[1:]
        single = [record for record in records if record.identity != "v005"] + [records[-1]]
        twins = on_data(SharedMemory, search_settings, single)
        sides = twins.sides
        assert sides.weight_identities == sides.alpha_identities == identities(single)
        assert "v005" not in identities(sides.split.alpha_images)
        twins.fill_memories({})
        other = on_data(SharedMemory, search_settings, single)
        other.fill(other.weight_memory, (*sides.split.weight_images, *sides.split.alpha_images), {})
        assert twins.alpha_memory.centroids.equal(other.weight_memory.centroids)
        assert labels_of(sides.split.alpha_images, sides.alpha_identities) == [
            int(r.identity[1:]) for r in sides.split.alpha_images
        ]

    def test_images_that_cannot_be_halved_are_named(self, make_splits, search_settings):
        records = make_splits(train=6, cameras=1, images=1).train
        with pytest.raises(DatasetError, match="every identity has one image"):
            SharedMemory.sides_of(search_settings, records)


class TestClassifiers:
    def test_they_learn_alike_on_both_sides(self, search_settings, splits):
        """Same kind of optimizer, same learning rate at every step."""
        twins = on_data(Classifiers, search_settings, splits.train)
        memories = twins.weight_memory, twins.alpha_memory
        assert all(type(memory) is SoftmaxClassifier for memory in memories)
        outputs = [memory.linear.out_features for memory in memories]
        assert outputs == [len(twins.sides.weight_identities), len(twins.sides.alpha_identities)]
        optimizers = {name: one for name, one in twins.optimizers().items() if name != "alpha_optimizer"}
        assert len(optimizers) == 3
        assert len({type(optimizer) for optimizer in optimizers.values()}) == 1
        for step in (0, 7, 15):
            twins.follow_schedules(step, 10)
            assert len({group["lr"] for optimizer in optimizers.values() for group in optimizer.param_groups}) == 1

    def test_they_learn_while_the_alphas_rest(self, prepared, batches):
        twins = prepared(Classifiers, alpha_start_epoch=1)
        before = [tensor.clone() for tensor in (twins.alphas.detach(), twins.alpha_memory.linear.weight.detach())]
        twins.step(*batches)
        assert twins.alphas.equal(before[0])
        assert not twins.alpha_memory.linear.weight.equal(before[1])

    def test_they_learn_as_if_their_loss_were_the_supernets(self, prepared, batches):
        """One backward pass through classifier and supernet, one optimizer for both, gives the same weights."""
        twins, slow = prepared(Classifiers), prepared(Classifiers)
        learning = [*slow.weights, *slow.weight_memory.parameters()]
        optimizer = make_optimizer(slow.settings, learning)
        features = slow.supernet(batches[0].images, slow.supernet.mixture())
        slow.weight_memory(features, batches[0].identities).backward()
        optimizer.step()
        twins.step(*batches)
        for one, other in zip([*twins.weights, *twins.weight_memory.parameters()], learning, strict=True):
            torch.testing.assert_close(one, other)


def test_balanced_changes_where_gates_and_attentions_start_and_nothing_else(prepared):
    plain, balanced = (prepared(method).supernet for method in (TwinsSearch, Balanced))
    for (name, one), other in zip(plain.named_parameters(), balanced.parameters(), strict=True):
        if name.endswith("excite.bias"):
            assert (one.sigmoid().unique().item(), other.sigmoid().unique().item()) == (0.5, pytest.approx(0.95))
        elif name.endswith("gamma"):
            assert (one.item(), other.item()) == (0, 0.5)
        else:
            assert one.equal(other)


@pytest.mark.parametrize("memory", ["shared", "classifiers"])
def test_stopped_search_with_all_variants_goes_on_where_it_was(splits, search_settings, tmp_path, stop_after, memory):
    """In the middle of the second epoch, where the alphas learn and the mixture has cooled."""
    settings = replace(search_settings, alpha_start_epoch=1, mixture_temperature=0.2)
    method = variant(memory, "balanced", "removal")
    search(splits, settings, tmp_path / "whole", method=method)
    steps = load_checkpoint(tmp_path / "whole/search.checkpoint.safetensors").values["step"]
    with pytest.raises(KeyboardInterrupt), stop_after("search", steps // 2 + 1):
        search(splits, settings, tmp_path / "stopped", method=method)
    search(splits, settings, tmp_path / "stopped", method=method)
    for name in ("search.jsonl", "architecture.json"):
        assert (tmp_path / "stopped" / name).read_text() == (tmp_path / "whole" / name).read_text()


@pytest.mark.parametrize(
    ("method", "piece"),
    [
        (SharedMemory, "weight_memory"),
        (Classifiers, "weight_memory"),
        (Classifiers, "alpha_memory"),
        (Classifiers, "weight_classifier_optimizer"),
        (Classifiers, "alpha_classifier_optimizer"),
    ],
)
def test_no_piece_can_be_left_out(splits, search_settings, tmp_path, stop_after, method, piece):
    """As in test_restart.py, for what only these hold: without the piece a stopped search ends differently."""

    class WithoutPiece(method):
        def restore(self, tensors):
            fresh = {name: tensor for name, tensor in self.tensors().items() if name.startswith(f"{piece}.")}
            super().restore({n: tensor for n, tensor in tensors.items() if not n.startswith(f"{piece}.")} | fresh)

    search(splits, search_settings, tmp_path / "whole", method=method)
    for name in ("stopped", "without"):
        with pytest.raises(KeyboardInterrupt), stop_after("search", 3):
            search(splits, search_settings, tmp_path / name, method=method)
    search(splits, search_settings, tmp_path / "stopped", method=method)
    search(splits, search_settings, tmp_path / "without", method=WithoutPiece)
    logs = {name: (tmp_path / name / "search.jsonl").read_text() for name in ("whole", "stopped", "without")}
    assert logs["stopped"] == logs["whole"]
    assert logs["without"] != logs["whole"]


def test_a_variant_does_not_go_on_from_another_search(splits, search_settings, tmp_path):
    search(splits, search_settings, tmp_path)
    with pytest.raises(CheckpointError, match="variant: None -> balanced"):
        search(splits, search_settings, tmp_path, method=Balanced)


def test_variants_are_combined_by_name_in_any_order():
    assert variant() is TwinsSearch
    assert [variant(name) for name in METHODS] == [*METHODS.values()]
    one, other = variant("removal", "shared"), variant("shared", "removal")
    assert one.name == other.name == "shared+removal"
    assert one.__mro__[1:3] == other.__mro__[1:3] == (SharedMemory, Removal)


@pytest.mark.parametrize(
    ("names", "complaint"), [(["cake"], "choose from shared"), (["shared", "classifiers"], "cannot be combined")]
)
def test_variants_that_do_not_exist_or_exclude_each_other_are_refused(names, complaint):
    with pytest.raises(SettingsError, match=complaint):
        variant(*names)
