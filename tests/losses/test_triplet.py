import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from msinet.losses.triplet import triplet_loss, unit_distances


def slow_hinges(features: np.ndarray, identities: list[int], margin: float = 0.3) -> list[float]:
    """Equation 6, anchor by anchor."""
    unit = [row / np.linalg.norm(row) for row in features]
    hinges = []
    for a, anchor in enumerate(unit):
        others = [i for i in range(len(unit)) if i != a]
        positives = [np.linalg.norm(anchor - unit[i]) for i in others if identities[i] == identities[a]]
        negatives = [np.linalg.norm(anchor - unit[i]) for i in others if identities[i] != identities[a]]
        hinges.append(max(0.0, max(positives) - min(negatives) + margin) if positives and negatives else 0.0)
    return hinges


def gradient_of(features: torch.Tensor, identities: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    features = features.clone().requires_grad_()
    loss = triplet_loss(features, torch.tensor(identities))
    loss.backward()
    assert features.grad is not None
    return loss.detach(), features.grad


@pytest.fixture
def published(anchors, normal):
    """The anchors' features, labels and numbers."""
    expected = anchors["triplet"]
    labels = torch.tensor(expected["labels"])
    return 1.1 * normal(9, (4, 16))[labels] + normal(10, (8, 16)), labels, expected


def test_the_loss_is_the_published_one(published):
    features, labels, expected = published
    assert triplet_loss(features, labels).item() == pytest.approx(expected["loss"], rel=1e-8)


def test_the_slow_one_has_as_many_active_anchors_as_published(published):
    features, labels, expected = published
    hinges = slow_hinges(features.numpy(), labels.tolist())
    assert sum(hinge > 0 for hinge in hinges) == expected["active"]
    assert np.mean(hinges) == pytest.approx(expected["loss"], rel=1e-8)


@given(
    identities=st.lists(st.integers(0, 3), min_size=1, max_size=10),
    margin=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_the_slow_one(identities, margin, seed):
    features = np.random.default_rng(seed).standard_normal((len(identities), 5))
    found = triplet_loss(torch.from_numpy(features), torch.tensor(identities), margin)
    assert found.item() == pytest.approx(np.mean(slow_hinges(features, identities, margin)), rel=1e-9, abs=1e-12)


def test_distances_are_euclidean_and_of_unit_vectors(normal):
    features = normal(3, (5, 4))
    expected = torch.cdist(F.normalize(features), F.normalize(features))
    torch.testing.assert_close(unit_distances(7 * features), expected, rtol=0, atol=2e-6)  # 1e-6 on the diagonal


def test_a_length_changes_nothing(published):
    features, labels, _ = published
    lengths = torch.linspace(0.1, 20, 8, dtype=torch.float64)[:, None]
    torch.testing.assert_close(triplet_loss(lengths * features, labels), triplet_loss(features, labels))


def test_the_order_in_the_batch_changes_nothing(published):
    features, labels, _ = published
    order = torch.tensor([3, 7, 0, 5, 2, 6, 1, 4])
    torch.testing.assert_close(triplet_loss(features[order], labels[order]), triplet_loss(features, labels))


def test_gradient(published):
    features, labels, _ = published
    assert torch.autograd.gradcheck(lambda x: triplet_loss(x, labels), features.clone().requires_grad_())


@pytest.mark.parametrize(
    "identities",
    [[0, 1, 2, 3], [0, 0, 0, 0], [0, 0, 0, 1], [0]],
    ids=["one image each", "one identity", "one alone", "one image"],
)
def test_a_batch_without_positives_or_negatives_has_no_nan(normal, identities):
    loss, gradient = gradient_of(normal(4, (len(identities), 8)), identities)
    assert loss.isfinite()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("identities", [[0, 1, 2, 3], [0, 0, 0, 0]], ids=["no positives", "no negatives"])
def test_anchors_without_a_triplet_count_as_zero(normal, identities):
    loss, gradient = gradient_of(normal(4, (4, 8)), identities)
    assert loss == 0
    assert not gradient.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_identical_features_cost_the_margin_and_have_no_nan(dtype):
    loss, gradient = gradient_of(torch.ones(6, 8, dtype=dtype), [0, 0, 1, 1, 2, 2])
    assert loss.item() == pytest.approx(0.3, abs=1e-3)
    assert gradient.isfinite().all()


def test_features_of_zero_have_no_nan():
    loss, gradient = gradient_of(torch.zeros(4, 8), [0, 0, 1, 1])
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_half_precision_features_are_compared_in_float32(published):
    features, labels, _ = published
    halves = features.bfloat16()
    assert triplet_loss(halves, labels).dtype == torch.float32
    torch.testing.assert_close(triplet_loss(halves, labels), triplet_loss(halves.float(), labels), rtol=0, atol=0)
