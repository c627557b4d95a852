"""The published network's identity losses are compared in `tests/model/test_published.py`."""

import numpy as np
import pytest
import torch

from msinet.losses.identity import identity_loss


def slow_identity_loss(logits: np.ndarray, identities: list[int], smoothing: float) -> float:
    """Equation 5, image by image; smoothing spreads its share over all identities, the right one too."""
    losses = []
    for row, identity in zip(logits, identities, strict=True):
        log_shares = row - np.log(np.exp(row).sum())
        wanted = np.full(len(row), smoothing / len(row))
        wanted[identity] += 1 - smoothing
        losses.append(-(wanted * log_shares).sum())
    return float(np.mean(losses))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_equals_the_slow_one(normal, smoothing):
    logits, identities = 3 * normal(1, (6, 5)), [0, 3, 3, 4, 1, 0]
    found = identity_loss(logits, torch.tensor(identities), smoothing)
    assert found.item() == pytest.approx(slow_identity_loss(logits.numpy(), identities, smoothing), rel=1e-12)


def test_smoothing_is_a_tenth_unless_told(normal):
    logits, identities = normal(1, (6, 5)), torch.tensor([0, 3, 3, 4, 1, 0])
    assert identity_loss(logits, identities) == identity_loss(logits, identities, 0.1)


def test_gradient(normal):
    logits = normal(1, (4, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: identity_loss(x, torch.tensor([0, 2, 2, 1])), logits)


def test_one_identity_costs_nothing():
    assert identity_loss(torch.randn(4, 1), torch.zeros(4, dtype=torch.int64)) == 0


def test_large_logits_stay_finite():
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    loss = identity_loss(logits, torch.tensor([1, 1]))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None and logits.grad.isfinite().all()
