"""What a search keeps where removal decides, against deciding by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.heard import Heard

from msinet.architecture_search.search import search
from msinet.batches.loading import RecordImages, embedding_batches
from msinet.data.records import identities
from msinet.engine.machine import Machine
from msinet.experiments.removal import REMOVAL_IMAGES, Removal, removal_losses
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import PUBLISHED
from msinet.progress import listen

SPACE = replace(PUBLISHED, cells_per_stage=1)


@pytest.fixture
def splits(make_splits):
    return make_splits(train=12)


def slow_removals(shares: np.ndarray, loss) -> tuple[list[int], list[list[float]]]:
    """Place by place; what is left of a row is divided by its sum."""
    shares, kept, losses = shares.copy(), [], []
    for place in range(len(shares)):
        costs = []
        for removed in range(4):
            tried = shares.copy()
            tried[place, removed] = 0
            tried[place] /= tried[place].sum()
            costs.append(loss(tried))
        kept.append(int(np.argmax(costs)))
        losses.append(costs)
        shares[place] = np.eye(4)[kept[-1]]
    return kept, losses


@pytest.fixture
def twins(search_settings, splits):
    """A search whose every parameter is random, with memories of the splits' identities."""
    sides = Removal.sides_of(search_settings, splits.train)
    twins = Removal(search_settings, SPACE, sides, Machine(search_settings.machine))
    twins.alphas.data.normal_()
    for parameter in twins.weights:
        parameter.data += 0.1 * torch.randn_like(parameter)
    twins.fill_memories({})
    return twins


def test_removals_are_tried_place_by_place_with_the_earlier_ones_fixed():
    """On a loss by which the worth of a place depends on the others."""
    random = torch.Generator().manual_seed(0)
    logits, table = (torch.randn(6, 4, dtype=torch.float64, generator=random) for _ in range(2))
    mixing = torch.randn(24, 24, dtype=torch.float64, generator=random)

    def loss(weights: torch.Tensor) -> float:
        return ((weights * table).sum() + weights.flatten() @ mixing @ weights.flatten()).item()

    kept, losses = slow_removals(logits.softmax(-1).numpy(), lambda shares: loss(torch.from_numpy(shares)))
    found = removal_losses(logits, loss)
    np.testing.assert_allclose(found, losses, rtol=1e-12)
    assert found.argmax(1).tolist() == kept


def test_an_interaction_that_has_all_the_weight_can_be_removed():
    logits = torch.zeros(1, 4)
    logits[0, 2] = 1e4
    seen = []
    removal_losses(logits, lambda weights: seen.append(weights.clone()) or 0.0)
    assert seen[2].isfinite().all()
    assert seen[2].sum() == 1
    assert seen[2][0, 2] == 0


def test_each_removal_is_a_step_of_the_progress():
    with listen(heard := Heard()):
        removal_losses(torch.zeros(3, 4), lambda weights: 0.0)
    assert (heard.begun, heard.steps) == ([("try removals", 12, 0)], 12)


@torch.no_grad()
def test_the_loss_is_the_alphas_over_batches_with_their_own_statistics(twins, search_settings):
    records, weights = twins.sides.split.alpha_images, twins.supernet.mixture()
    fixed = twins.fixed_batches({})
    before = {name: buffer.clone() for name, buffer in twins.supernet.named_buffers()}
    found = twins.mean_loss(fixed, weights)
    assert twins.mean_loss(fixed, weights) == found
    assert all(buffer.equal(before[name]) for name, buffer in twins.supernet.named_buffers())

    order = np.random.default_rng(search_settings.seed).permutation(len(records))
    assert len(records) < REMOVAL_IMAGES
    losses, labels = [], identities(records)
    for start in range(0, len(records) // 8 * 8, 8):
        batch = [records[i] for i in order[start : start + 8]]
        images = next(iter(embedding_batches(RecordImages(batch, (32, 32))))).images
        unit = torch.nn.functional.normalize(twins.supernet(images, weights))
        for feature, record in zip(unit, batch, strict=True):
            shares = (twins.alpha_memory.centroids @ feature / search_settings.temperature).softmax(0)
            losses.append(-shares[labels.index(record.identity)].log().item())
    assert found == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_place_keeps_what_costs_most_to_remove(splits, search_settings, tmp_path):
    """And the search before is the same, whatever decides."""
    by_alpha = search(splits, search_settings, tmp_path / "alpha").architecture
    by_removal = search(splits, search_settings, tmp_path / "removal", method=Removal).architecture
    logs = [(tmp_path / name / "search.jsonl").read_text() for name in ("alpha", "removal")]
    assert logs[0] == logs[1]
    written = json.loads((tmp_path / "removal/architecture.json").read_text())
    losses = np.array(written["decided_by"]["rows"])
    assert by_removal == Architecture.from_interactions([PUBLISHED.choices[i] for i in losses.argmax(1)], 1)
    assert [choice["taken"] for choice in written["choices"]] == list(by_removal.interactions)
    assert "decided_by" not in json.loads((tmp_path / "alpha/architecture.json").read_text())
    assert by_alpha.interactions == tuple(PUBLISHED.choices[i] for i in np.argmax(written["alphas"]["rows"], 1))
