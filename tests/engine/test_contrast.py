"""Two memories, one memory, or classifiers: what each of them changes, and what it must not."""

from dataclasses import replace

import pytest
import torch

from msinet.data.batches import Batch, labels_of
from msinet.data.records import identities
from msinet.engine import search as search_module
from msinet.engine.contrast import make_memories, sides_of
from msinet.engine.runtime import Silence, make_accelerator
from msinet.engine.search import TwinsSearch, search
from msinet.errors import DatasetError
from msinet.losses.softmax_classifier import SoftmaxClassifier
from msinet.losses.twins_memory import CentroidMemory

CONTRASTS = ["twins", "shared", "classifiers"]


def make_search(settings, contrast: str, batches: list[Batch]) -> TwinsSearch:
    """Return a search whose memories know the batches' four identities."""
    settings = replace(settings, contrast=contrast)
    twins = TwinsSearch(settings, 4, 4, make_accelerator(settings))
    for memory, batch in zip((twins.weight_memory, twins.alpha_memory), batches, strict=True):
        if isinstance(memory, CentroidMemory):
            memory.fill(twins.supernet(batch.images).detach(), batch.identities)
    return twins


def has_gradient(module: torch.nn.Module) -> bool:
    return any(p.grad is not None and p.grad.any() for p in module.parameters())


def test_the_supernet_starts_alike(search_settings, batches):
    starts = [[*make_search(search_settings, contrast, batches).supernet.parameters()] for contrast in CONTRASTS]
    assert all(one.equal(other) for start in starts for one, other in zip(starts[0], start, strict=True))


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_each_step_leaves_a_gradient_on_its_own_side_alone(search_settings, batches, monkeypatch, contrast):
    twins, seen = make_search(search_settings, contrast, batches), {}
    for name in ("weight_optimizer", "alpha_optimizer"):

        def note(name=name):
            on_alphas = twins.alphas.grad is not None and bool(twins.alphas.grad.any())
            memories = [has_gradient(memory) for memory in (twins.weight_memory, twins.alpha_memory)]
            seen[name] = [has_gradient(twins.supernet.backbone), on_alphas, *memories]

        monkeypatch.setattr(getattr(twins, name), "step", note)
    twins.step(*batches)
    learns = contrast == "classifiers"
    assert seen == {
        "weight_optimizer": [True, False, learns, False],
        "alpha_optimizer": [False, True, False, learns],
    }


@pytest.mark.parametrize("contrast", ["twins", "classifiers"])
def test_weights_and_their_memory_learn_from_the_weight_batch_alone(search_settings, batches, contrast):
    after = []
    for alpha_batch in (batches[1], replace(batches[1], images=-batches[1].images)):
        twins = make_search(search_settings, contrast, batches)
        twins.step(batches[0], alpha_batch)
        after.append([*twins.weights, *twins.weight_memory.state_dict().values()])
    assert all(one.equal(other) for one, other in zip(*after, strict=True))


def test_both_batches_are_folded_into_the_shared_memory(search_settings, batches):
    twins = make_search(search_settings, "shared", batches)
    memory = twins.weight_memory
    assert memory is twins.alpha_memory
    before = memory.centroids.clone()
    weight_batch = replace(batches[0], identities=torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]))
    alpha_batch = replace(batches[1], identities=torch.full((8,), 2))
    twins.step(weight_batch, alpha_batch)
    assert (memory.centroids != before).any(1).tolist() == [True, True, True, False]
    assert [name for name in twins.tensors() if "memory" in name] == ["weight_memory.centroids"]


def test_a_shared_memory_starts_with_all_images_and_labels_mean_the_same_on_both_sides(make_splits, search_settings):
    records = make_splits(train=6).train[1:]
    single = [record for record in records if record.identity != "v005"] + [records[-1]]
    settings = replace(search_settings, contrast="shared")
    sides = sides_of(settings, single)
    assert sides.weights == sides.alphas == identities(single)
    assert "v005" not in identities(sides.split.alphas)
    twins = TwinsSearch(settings, 6, 6, make_accelerator(settings))
    twins.fill_memories(sides, Silence())
    other = TwinsSearch(settings, 6, 6, make_accelerator(settings))
    other.fill(other.weight_memory, (*sides.split.weights, *sides.split.alphas), Silence())
    assert twins.alpha_memory.centroids.equal(other.weight_memory.centroids)
    assert labels_of(sides.split.alphas, sides.alphas) == [int(r.identity[1:]) for r in sides.split.alphas]


def test_images_that_cannot_be_halved_are_named(make_splits, search_settings):
    records = make_splits(train=6, cameras=1, images=1).train
    with pytest.raises(DatasetError, match="--contrast shared halves the images"):
        sides_of(replace(search_settings, contrast="shared"), records)


def test_classifiers_learn_alike_on_both_sides(search_settings):
    """Same kind of optimizer, same learning rate at every step."""
    settings = replace(search_settings, contrast="classifiers")
    twins = TwinsSearch(settings, 4, 6, make_accelerator(settings))
    assert [memory.linear.out_features for memory in (twins.weight_memory, twins.alpha_memory)] == [4, 6]
    assert type(twins.classifier_optimizer) is type(twins.weight_optimizer)
    for step in (0, 7, 15):
        twins.follow_schedules(step, 10)
        rates = {g["lr"] for o in (twins.weight_optimizer, twins.classifier_optimizer) for g in o.param_groups}
        assert len(rates) == 1


def test_a_classifier_learns_while_the_alphas_rest(search_settings, batches):
    twins = make_search(replace(search_settings, alpha_start_epoch=1), "classifiers", batches)
    before = [tensor.clone() for tensor in (twins.alphas.detach(), twins.alpha_memory.linear.weight.detach())]
    twins.step(*batches)
    assert twins.alphas.equal(before[0])
    assert not twins.alpha_memory.linear.weight.equal(before[1])


def test_without_a_memory_of_its_own_each_side_is_what_the_settings_say(search_settings):
    for contrast, kind in zip(CONTRASTS, (CentroidMemory, CentroidMemory, SoftmaxClassifier), strict=True):
        memories = make_memories(replace(search_settings, contrast=contrast), (4, 5), 8)
        assert all(type(memory) is kind for memory in memories)
        assert (memories[0] is memories[1]) == (contrast == "shared")


@pytest.mark.parametrize(
    ("contrast", "piece"),
    [
        ("shared", "weight_memory"),
        ("classifiers", "weight_memory"),
        ("classifiers", "alpha_memory"),
        ("classifiers", "classifier_optimizer"),
    ],
)
def test_no_piece_can_be_left_out(make_splits, search_settings, tmp_path, stop_after, monkeypatch, contrast, piece):
    """As in test_restart.py, for what only these hold: without the piece a stopped search ends differently."""
    splits, settings = make_splits(train=12), replace(search_settings, contrast=contrast)
    search(splits, settings, tmp_path / "whole")
    for name in ("stopped", "without"):
        with pytest.raises(KeyboardInterrupt):
            search(splits, settings, tmp_path / name, stop_after("search", 3))
    search(splits, settings, tmp_path / "stopped")
    restore = TwinsSearch.restore

    def restore_without(self, tensors):
        fresh = {name: tensor for name, tensor in self.tensors().items() if name.startswith(f"{piece}.")}
        restore(self, {name: t for name, t in tensors.items() if not name.startswith(f"{piece}.")} | fresh)

    monkeypatch.setattr(search_module.TwinsSearch, "restore", restore_without)
    search(splits, settings, tmp_path / "without")
    logs = {name: (tmp_path / name / "search.jsonl").read_text() for name in ("whole", "stopped", "without")}
    assert logs["stopped"] == logs["whole"]
    assert logs["without"] != logs["whole"]
