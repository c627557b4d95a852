"""What a search keeps where removal decides, against deciding by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from msinet.data.batches import embedding_batches
from msinet.data.records import identities
from msinet.engine.contrast import sides_of
from msinet.engine.decision import IMAGES, decide, loss_on_fixed_images, removal_losses
from msinet.engine.runtime import Silence, make_accelerator
from msinet.engine.search import TwinsSearch, search
from msinet.model.architecture import INTERACTION_NAMES, Architecture
from msinet.model.supernet import Supernet


@pytest.fixture
def splits(make_splits):
    return make_splits(train=12)


@pytest.fixture
def twins(search_settings, splits):
    """A search whose every parameter is random, with memories of the splits' identities."""
    sides = sides_of(search_settings, splits.train)
    twins = TwinsSearch(search_settings, len(sides.weights), len(sides.alphas), make_accelerator(search_settings))
    twins.alphas.data.normal_()
    for parameter in twins.weights:
        parameter.data += 0.1 * torch.randn_like(parameter)
    twins.fill_memories(sides, Silence())
    return twins


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


def test_removals_are_tried_place_by_place_with_the_earlier_ones_fixed():
    """On a loss by which a place's worth hangs on the others."""
    random = torch.Generator().manual_seed(0)
    logits, table = (torch.randn(6, 4, dtype=torch.float64, generator=random) for _ in range(2))
    mixing = torch.randn(24, 24, dtype=torch.float64, generator=random)

    def loss(weights: torch.Tensor) -> float:
        return ((weights * table).sum() + weights.flatten() @ mixing @ weights.flatten()).item()

    kept, losses = slow_removals(logits.softmax(-1).numpy(), lambda shares: loss(torch.from_numpy(shares)))
    found = removal_losses(logits, loss, Silence())
    np.testing.assert_allclose(found, losses, rtol=1e-12)
    assert found.argmax(1).tolist() == kept


def test_an_operation_that_has_all_the_weight_can_be_removed():
    logits = torch.zeros(1, 4)
    logits[0, 2] = 1e4
    seen = []
    removal_losses(logits, lambda weights: seen.append(weights.clone()) or 0.0, Silence())
    assert seen[2].isfinite().all()
    assert seen[2].sum() == 1
    assert seen[2][0, 2] == 0


def test_each_removal_is_told():
    class Count(Silence):
        steps = 0

        def advance(self, **values):
            self.steps += 1

    count = Count()
    removal_losses(torch.zeros(3, 4), lambda weights: 0.0, count)
    assert count.steps == 12


@torch.no_grad()
def test_the_loss_is_the_alphas_over_batches_with_their_own_statistics(twins, splits, search_settings):
    sides = sides_of(search_settings, splits.train)
    records, weights = sides.split.alphas, twins.supernet.mixture()
    loss = loss_on_fixed_images(twins.supernet, twins.alpha_memory, sides, search_settings, twins.accelerator)
    before = {name: buffer.clone() for name, buffer in twins.supernet.named_buffers()}
    found = loss(weights)
    assert loss(weights) == found
    assert all(buffer.equal(before[name]) for name, buffer in twins.supernet.named_buffers())

    order = np.random.default_rng(search_settings.seed).permutation(len(records))
    assert len(records) < IMAGES
    losses, labels = [], identities(records)
    for start in range(0, len(records) // 8 * 8, 8):
        batch = [records[i] for i in order[start : start + 8]]
        images = next(iter(embedding_batches(batch, (32, 32)))).images
        unit = torch.nn.functional.normalize(twins.supernet(images, weights))
        for feature, record in zip(unit, batch, strict=True):
            shares = (twins.alpha_memory.centroids @ feature / search_settings.temperature).softmax(0)
            losses.append(-shares[labels.index(record.identity)].log().item())
    assert found == pytest.approx(np.mean(losses), rel=1e-5)


def test_what_is_kept_is_what_costs_most_to_remove(splits, search_settings, tmp_path):
    """And the search before is the same, whatever decides."""
    by_alpha = search(splits, search_settings, tmp_path / "alpha")
    by_removal = search(splits, replace(search_settings, choose_by="removal"), tmp_path / "removal")
    logs = [(tmp_path / name / "search.jsonl").read_text() for name in ("alpha", "removal")]
    assert logs[0] == logs[1]
    told = json.loads((tmp_path / "removal/architecture.json").read_text())
    losses = np.array(told["losses_without"]["rows"])
    assert by_removal == Architecture.from_interactions([INTERACTION_NAMES[i] for i in losses.argmax(1)], 1)
    assert [choice["taken"] for choice in told["choices"]] == list(by_removal.interactions)
    assert "losses_without" not in json.loads((tmp_path / "alpha/architecture.json").read_text())
    assert by_alpha.interactions == tuple(INTERACTION_NAMES[i] for i in np.argmax(told["alphas"]["rows"], 1))


def test_the_shares_that_are_told_are_those_of_the_cooled_mixture():
    supernet = Supernet((16, 64, 96, 128), 1, 2)
    _, told = decide(supernet, 0.01, None, Silence())
    found = [[choice["share"], choice["rival_share"]] for choice in told["choices"]]
    torch.testing.assert_close(torch.tensor(found), supernet.mixture(0.01).detach().topk(2).values)
