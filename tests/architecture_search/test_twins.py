"""What the search decides by, what it says about the choice, and what a budget does to it."""

import json
from dataclasses import replace

import pytest
import torch

from msinet.architecture_search import twins as twins_module
from msinet.architecture_search.certainty import shares_of
from msinet.architecture_search.search import search
from msinet.architecture_search.twins import TwinsSearch, costs_of
from msinet.engine.machine import Machine
from msinet.model.msinet.search_space import SCALES


def test_the_alphas_decide(search_settings, make_twins):
    twins = make_twins(search_settings)
    assert twins.decide({}).equal(twins.alphas)


def test_shares_are_those_of_the_cooled_mixture(make_splits, search_settings, tmp_path):
    found = search(make_splits(train=12), replace(search_settings, mixture_temperature=0.01), tmp_path)
    shares = torch.tensor([[choice.share, choice.rival_share] for choice in found.choices])
    cooled = torch.tensor(shares_of(found.alphas, 0.01))
    torch.testing.assert_close(shares, cooled.topk(2).values)
    written = json.loads((tmp_path / "architecture.json").read_text())
    assert [choice["share"] for choice in written["choices"]] == pytest.approx(shares[:, 0].tolist())


def fill(twins: TwinsSearch) -> None:
    """Start both memories with one centroid an axis."""
    for memory in (twins.weight_memory, twins.alpha_memory):
        memory.fill(torch.eye(4, 128), torch.arange(4))


def test_costs_are_in_milliseconds_where_a_budget_is(search_settings, monkeypatch):
    pytest.importorskip("onnxscript", reason='onnxscript is missing: pip install "msinet[export]"')
    measured = []
    monkeypatch.setattr(twins_module, "latency_table", lambda *where, timing: measured.append((*where, timing.runtime)))
    machine = Machine(search_settings.machine)
    costs_of(replace(search_settings, trials=20, budget_ms=5.0), SCALES, machine)
    costs_of(replace(search_settings, trials=20, budget_ms=5.0, on="onnx"), SCALES, machine)
    assert measured == [(SCALES, 0.25, (32, 32), "PyTorch"), (SCALES, 0.25, (32, 32), "ONNX Runtime")]
    assert costs_of(replace(search_settings, trials=20, budget_macs=5e6), SCALES, machine).unit == "multiply-adds"
    assert costs_of(search_settings, SCALES, machine).unit == "multiply-adds"


def test_a_budget_makes_the_alphas_of_costly_options_smaller(search_settings, batches, make_twins):
    """Its price joins the loss of the alphas, and is in the checkpoint."""
    after = []
    for limit in (None, 1e5):
        twins = make_twins(replace(search_settings, trials=20, budget_macs=limit))
        fill(twins)
        for _ in range(3):
            twins.step(*batches)
        after.append(twins.costs.expected(twins.supernet.mixture().detach()))
        assert ("budget.price" in twins.tensors()) == (limit is not None)
    assert after[1] < after[0]


def test_the_price_follows_the_mixture_and_is_restored(search_settings, batches, make_twins):
    settings = replace(search_settings, trials=20, budget_macs=1e6)
    twins, again = make_twins(settings), make_twins(settings)
    fill(twins)
    twins.step(*batches)
    assert twins.budget.price > 0
    again.restore(twins.tensors())
    assert again.budget.price == twins.budget.price


def test_the_price_rests_with_the_alphas(search_settings, batches, make_twins):
    twins = make_twins(replace(search_settings, trials=20, budget_macs=1e6, alpha_start_epoch=1))
    twins.follow_schedules(0, 10)
    fill(twins)
    twins.step(*batches)
    assert twins.budget.price == 0
