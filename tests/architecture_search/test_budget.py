"""The budget's price: what it does to the loss of the alphas, and how it follows the expected cost."""

import pytest
import torch

from msinet.architecture_search.budget import RATE, Budget
from msinet.model.msinet.costs import CostTable
from msinet.model.msinet.search_space import SearchSpace

SPACE = SearchSpace(("none", "exchange"), stages=3, cells_per_stage=2, interactions_per_cell=1, fewer_cells=True)
TABLE = CostTable(SPACE, "multiply-adds", 4.0, ((1.0, 2.0),) * 3, ((0.0, 3.0, 0.0, 0.0),) * 6)
"""From 7 to 31 in all: 4, and in each stage 1 to 4 for one cell, 3 to 9 for two."""


def shares_of(*rows: list[float]) -> torch.Tensor:
    return torch.tensor([*rows] * (6 // len(rows)))


DEAREST, CHEAPEST = shares_of([0.0, 1, 0, 1]), shares_of([1.0, 0, 1, 0])


def test_the_price_rises_above_the_limit_by_the_excess():
    budget = Budget(TABLE, 15.5)
    for step in range(1, 4):
        budget(DEAREST)
        assert budget.price.item() == pytest.approx(step * RATE)  # 31 is twice the budget


def test_the_price_falls_to_0_under_the_limit_and_no_further():
    budget = Budget(TABLE, 14.0)
    budget.price.fill_(0.12)
    prices = []
    for _ in range(4):
        budget(CHEAPEST)  # 7 is half of the budget
        prices.append(budget.price.item())
    assert prices == pytest.approx([0.12 - RATE / 2, 0.12 - RATE, 0, 0])


def test_the_charge_is_the_price_of_the_excess_before_the_price_follows():
    budget = Budget(TABLE, 15.5)
    assert budget(DEAREST).item() == 0
    assert budget(DEAREST).item() == pytest.approx(RATE)
    assert budget(DEAREST).item() == pytest.approx(2 * RATE)


def test_the_gradient_is_the_price_times_that_of_the_relative_cost():
    budget = Budget(TABLE, 15.5)
    budget.price.fill_(0.7)
    shares = torch.rand(6, 4, requires_grad=True)
    (slopes,) = torch.autograd.grad(budget(shares), shares)
    (expected,) = torch.autograd.grad(TABLE.expected(shares) / 15.5, shares)
    torch.testing.assert_close(slopes, 0.7 * expected)
    assert not budget.price.requires_grad


def test_the_price_is_in_the_checkpoint():
    budget = Budget(TABLE, 15.5)
    budget(DEAREST)
    again = Budget(TABLE, 15.5)
    again.load_state_dict(budget.state_dict())
    assert again.price.item() == pytest.approx(RATE)


def mixture(alphas: torch.Tensor) -> torch.Tensor:
    return torch.cat([alphas[:, decision.columns].softmax(-1) for decision in SPACE.decisions], -1)


def costs_of_descent(budget: Budget, gain: float = 0.03) -> torch.Tensor:
    """Return the expected costs in 1200 steps of Adam; each exchange and each second cell lowers the loss by a gain."""
    alphas, costs = torch.zeros(6, 4, requires_grad=True), []
    optimizer = torch.optim.Adam([alphas], 0.005, betas=(0.5, 0.999))
    for _ in range(1200):
        shares = mixture(alphas)
        loss = -gain * (shares[:, 1].sum() + shares[:, 3].sum()) + budget(shares)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        costs.append(TABLE.expected(shares.detach()))
    return torch.stack(costs)


@pytest.mark.parametrize("limit", [12.0, 24.0], ids=["falling to the budget", "rising to it"])
def test_alphas_end_near_the_budget(limit):
    """They swing about it: 16.75 is the expected cost at the start."""
    last = costs_of_descent(Budget(TABLE, limit))[-400:]
    assert last.mean().item() == pytest.approx(limit, rel=0.05)
    assert last[-1].item() == pytest.approx(limit, rel=0.15)


def test_a_budget_that_is_not_reached_charges_nothing():
    budget = Budget(TABLE, 32.0)
    assert costs_of_descent(budget)[-1].item() > 29
    assert budget.price.item() == 0
