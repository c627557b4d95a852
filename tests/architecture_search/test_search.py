import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from msinet.architecture_search.search import search
from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.sides import Sides
from msinet.architecture_search.twins import TwinsSearch
from msinet.batches.loading import Batch, RecordImages, embedding_batches
from msinet.data.identity_splits import SearchSplit, hold_out_validation
from msinet.data.records import ReidSplits
from msinet.engine.checkpoint import load_checkpoint
from msinet.engine.machine import Machine
from msinet.errors import CheckpointError, SettingsError, TrainingError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import PUBLISHED


@pytest.fixture
def splits(make_splits):
    return make_splits(train=12)


@pytest.fixture
def twins(search_settings, make_twins):
    return make_twins(search_settings)


def fill(twins: TwinsSearch, batches: list[Batch]) -> None:
    """Start both memories from the batches' own features."""
    for memory, batch in zip((twins.weight_memory, twins.alpha_memory), batches, strict=True):
        memory.fill(twins.supernet(batch.images).detach(), batch.identities)


def gradients(parameters) -> float:
    """Return the largest gradient that is left on parameters."""
    return max((p.grad.abs().max().item() for p in parameters if p.grad is not None), default=0.0)


def gradients_at_step_of(name: str, twins: TwinsSearch, batches: list[Batch], monkeypatch) -> tuple[float, float]:
    """Return the gradients on the weights and on the alphas when one of the optimizers steps."""
    seen = []
    optimizer = getattr(twins, name)
    monkeypatch.setattr(optimizer, "step", lambda: seen.append((gradients(twins.weights), gradients([twins.alphas]))))
    fill(twins, batches)
    twins.step(*batches)
    assert len(seen) == 1
    return seen[0]


def test_the_alpha_step_leaves_no_gradient_on_the_weights(twins, batches, monkeypatch):
    on_weights, on_alphas = gradients_at_step_of("alpha_optimizer", twins, batches, monkeypatch)
    assert on_weights == 0
    assert on_alphas > 0
    assert gradients(twins.supernet.parameters()) == 0


def test_the_weight_step_leaves_no_gradient_on_the_alphas(twins, batches, monkeypatch):
    on_weights, on_alphas = gradients_at_step_of("weight_optimizer", twins, batches, monkeypatch)
    assert on_alphas == 0
    assert on_weights > 0


def test_weights_learn_from_the_weight_batch_alone(search_settings, batches, make_twins):
    """Whatever the alphas' batch holds, one iteration leaves the same weights."""
    after = []
    for alpha_batch in (batches[1], replace(batches[1], images=-batches[1].images)):
        twins = make_twins(search_settings)
        fill(twins, batches)
        twins.step(batches[0], alpha_batch)
        after.append([p.detach().clone() for p in twins.weights])
    assert all(torch.equal(a, b) for a, b in zip(*after, strict=True))


def test_alphas_see_the_weights_just_updated(search_settings, batches, make_twins, monkeypatch):
    """The order is the report's: with the weights' update held back, the alphas' loss is another one."""
    losses = []
    for held_back in (False, True):
        twins = make_twins(search_settings)
        fill(twins, batches)
        if held_back:
            monkeypatch.setattr(twins.weight_optimizer, "step", lambda: None)
        twins.follow_schedules(10, 10)
        losses.append(twins.step(*batches)[1].item())
    assert losses[0] != losses[1]


def test_first_gradient_is_not_zero(twins, batches):
    """The memories start at the centroids: from zero, nothing would be learned by the first step."""
    fill(twins, batches)
    before = [p.detach().clone() for p in twins.weights]
    twins.step(*batches)
    assert any(not torch.equal(a, b) for a, b in zip(before, twins.weights, strict=True))


def test_search_writes_architecture_and_every_epochs_alphas(splits, search_settings, tmp_path):
    found = search(splits, search_settings, tmp_path)
    architecture, space = found.architecture, replace(PUBLISHED, cells_per_stage=1)
    written = json.loads((tmp_path / "architecture.json").read_text())
    lines = [json.loads(line) for line in (tmp_path / "search.jsonl").read_text().splitlines()]
    assert Architecture.load(tmp_path / "architecture.json") == architecture
    assert [line["epoch"] for line in lines] == [1, 2]
    assert lines[-1]["alphas"] == written["alphas"]["rows"]
    assert [list(row) for row in found.alphas] == lines[-1]["alphas"]
    assert Architecture.from_alphas(lines[-1]["alphas"], space) == architecture
    assert written["space"] == space.to_dict()
    assert [choice["taken"] for choice in written["choices"]] == list(architecture.interactions)
    assert [choice.taken for choice in found.choices] == list(architecture.interactions)
    assert written["doubts"] == list(found.doubts) != []  # after two epochs


def test_same_seed_same_search(splits, search_settings, tmp_path):
    for name in "ab":
        search(splits, search_settings, tmp_path / name)
    assert (tmp_path / "a/search.jsonl").read_text() == (tmp_path / "b/search.jsonl").read_text()


def test_same_search_at_any_number_of_workers(splits, search_settings, tmp_path):
    """Workers load only images that are not decoded yet: without the cache all of them."""
    settings = replace(search_settings, image_cache=False)
    search(splits, settings, tmp_path / "a")
    search(splits, replace(settings, workers=2), tmp_path / "b")
    assert (tmp_path / "a/search.jsonl").read_text() == (tmp_path / "b/search.jsonl").read_text()


def test_validation_identities_stay_out_of_the_search(splits, search_settings, tmp_path):
    """Whatever their images are labelled with besides, the search does not see it."""
    settings = replace(search_settings, validation_share=0.3)
    held_out = {record.identity for record in hold_out_validation(splits, 0.3).validation}
    others = tuple(record for record in splits.train if record.identity not in held_out)
    search(splits, settings, tmp_path / "a")
    search(replace(splits, train=others), search_settings, tmp_path / "b")
    assert (tmp_path / "a/search.jsonl").read_text() == (tmp_path / "b/search.jsonl").read_text()


def test_other_seed_other_search(splits, search_settings, tmp_path):
    search(splits, search_settings, tmp_path / "a")
    search(splits, replace(search_settings, seed=1), tmp_path / "b")
    assert (tmp_path / "a/search.jsonl").read_text() != (tmp_path / "b/search.jsonl").read_text()


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_stopped_search_goes_on_where_it_was(splits, search_settings, tmp_path, stop_after, steps):
    search(splits, search_settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt), stop_after("search", steps):
        search(splits, search_settings, tmp_path / "stopped")
    search(splits, search_settings, tmp_path / "stopped")
    for name in ("search.jsonl", "architecture.json"):
        assert (tmp_path / "stopped" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_a_search_begun_anew_leaves_no_architecture_of_the_one_before(splits, search_settings, tmp_path, stop_after):
    search(splits, search_settings, tmp_path)
    for checkpoint in tmp_path.glob("*.safetensors"):
        checkpoint.unlink()
    with pytest.raises(KeyboardInterrupt), stop_after("search", 1):
        search(splits, search_settings, tmp_path)
    assert not (tmp_path / "architecture.json").exists()


def test_stopped_search_with_all_options_goes_on_where_it_was(splits, search_settings, tmp_path, stop_after):
    """In the middle of the second epoch, where the alphas learn and the mixture has cooled."""
    settings = replace(search_settings, alpha_start_epoch=1, mixture_temperature=0.2)
    search(splits, settings, tmp_path / "whole")
    epochs = [json.loads(line) for line in (tmp_path / "whole/search.jsonl").read_text().splitlines()]
    assert epochs[0]["alphas"] != epochs[1]["alphas"]
    steps = load_checkpoint(tmp_path / "whole/search.checkpoint.safetensors").values["step"]
    with pytest.raises(KeyboardInterrupt), stop_after("search", steps // 2 + 1):
        search(splits, settings, tmp_path / "stopped")
    search(splits, settings, tmp_path / "stopped")
    for name in ("search.jsonl", "architecture.json"):
        assert (tmp_path / "stopped" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_alphas_rest_until_their_epoch_while_their_memory_follows(search_settings, batches, make_twins):
    twins = make_twins(replace(search_settings, alpha_start_epoch=1))
    fill(twins, batches)
    weights, alphas = twins.weights[0].detach().clone(), twins.alphas.detach().clone()
    centroids = twins.alpha_memory.centroids.clone()
    twins.follow_schedules(9, 10)
    twins.step(*batches)
    assert twins.alphas.equal(alphas)
    assert not twins.weights[0].equal(weights)
    assert not twins.alpha_memory.centroids.equal(centroids)
    twins.follow_schedules(10, 10)
    twins.step(*batches)
    assert not twins.alphas.equal(alphas)


def test_the_mixture_cools_by_equal_factors(search_settings, make_twins):
    """Over 2 epochs of 10 steps, from 1 to what is set."""
    twins = make_twins(replace(search_settings, mixture_temperature=0.1))
    seen = []
    for step in range(20):
        twins.follow_schedules(step, 10)
        seen.append(twins.mixture_temperature)
    assert (seen[0], seen[-1]) == (1, pytest.approx(0.1))
    assert [after / before for before, after in pairwise(seen)] == pytest.approx([0.1 ** (1 / 19)] * 19)


def test_a_mixture_at_a_tenth_of_the_temperature_is_one_of_ten_times_the_alphas(search_settings, batches, make_twins):
    losses = []
    for temperature, scale in ((1.0, 1.0), (0.1, 1.0), (1.0, 10.0)):
        twins = make_twins(search_settings)
        twins.alphas.data *= 1000 * scale
        twins.mixture_temperature = temperature
        for memory in (twins.weight_memory, twins.alpha_memory):
            memory.fill(torch.eye(4, 128), torch.arange(4))
        losses.append(torch.stack(twins.step(*batches)))
    torch.testing.assert_close(*losses[1:])
    assert not losses[0].equal(losses[1])


def test_other_settings_do_not_go_on(splits, search_settings, tmp_path):
    search(splits, search_settings, tmp_path)
    with pytest.raises(CheckpointError, match="epochs: 2 -> 3"):
        search(splits, replace(search_settings, epochs=3), tmp_path)


def test_damaged_checkpoint_is_named(splits, search_settings, tmp_path):
    search(splits, search_settings, tmp_path)
    checkpoint = tmp_path / "search.checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="checkpoint"):
        search(splits, search_settings, tmp_path)


def test_too_few_identities_say_what_to_set(splits, search_settings, tmp_path):
    with pytest.raises(SettingsError, match="identities_per_batch"):
        search(splits, replace(search_settings, identities_per_batch=100), tmp_path)


def test_loss_that_is_not_finite_names_the_images(splits, search_settings, tmp_path):
    settings = replace(search_settings, learning_rate=1e30, warmup_epochs=0)
    with pytest.raises(TrainingError, match=r"(nan|inf) at step [01].*\n.*\.png"):
        search(splits, settings, tmp_path)


def test_memories_hold_the_centroids_of_the_untrained_supernet(splits: ReidSplits, search_settings: SearchSettings):
    """An entry is the mean of its identity's unit features, over plain images."""
    records = splits.train[:8]
    sides = Sides(SearchSplit(records, records), ["v000", "v001"], ["v000", "v001"])
    twins = TwinsSearch(search_settings, replace(PUBLISHED, cells_per_stage=1), sides, Machine(search_settings))
    twins.fill_memories({})
    batch = next(iter(embedding_batches(RecordImages(records, (32, 32)))))
    labels, pixels = batch.identities, batch.images
    features = torch.nn.functional.normalize(twins.supernet(pixels).detach())
    for identity in range(2):
        mean = torch.nn.functional.normalize(features[labels == identity].mean(0), dim=0)
        torch.testing.assert_close(twins.weight_memory.centroids[identity], mean, atol=1e-4, rtol=1e-4)
