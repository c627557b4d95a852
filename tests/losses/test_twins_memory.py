import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from msinet.losses.twins_memory import CentroidMemory, identity_means

LABELS = [0, 3, 3, 4]


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def slow_loss(centroids: np.ndarray, features: np.ndarray, identities: list[int], temperature: float) -> float:
    """Equation 2, image by image."""
    losses = []
    for feature, identity in zip(unit(features), identities, strict=True):
        exponents = [feature @ centroid / temperature for centroid in centroids]
        losses.append(np.log(sum(np.exp(exponents))) - exponents[identity])
    return float(np.mean(losses))


def slow_update(centroids: np.ndarray, features: np.ndarray, identities: list[int], keep: float) -> np.ndarray:
    """Equation 3, identity by identity, with the mean of its images in the batch."""
    updated = centroids.copy()
    for identity in set(identities):
        own = [feature for feature, label in zip(unit(features), identities, strict=True) if label == identity]
        updated[identity] = unit(keep * centroids[identity] + (1 - keep) * np.mean(own, axis=0))
    return updated


def memory_of(centroids: torch.Tensor, **options) -> CentroidMemory:
    memory = CentroidMemory(*centroids.shape, **options).to(centroids.dtype)
    memory.centroids.copy_(F.normalize(centroids))
    return memory


@pytest.fixture
def memory(normal):
    """The anchors' memory: 5 entries of 16 numbers."""
    return memory_of(normal(7, (5, 16)))


@pytest.fixture
def features(normal):
    """The anchors' features of the images labelled `LABELS`."""
    return normal(8, (4, 16))


# The loss


def test_loss_and_gradient_are_the_published_ones(anchors, memory, features):
    expected = anchors["memory"]
    assert expected["labels"] == LABELS
    loss = memory(features.requires_grad_(), torch.tensor(LABELS))
    loss.backward()
    gradient = expected["gradient_first8"]
    assert loss.item() == pytest.approx(expected["loss"], rel=1e-8)
    assert features.grad[0, :8].tolist() == pytest.approx(gradient, rel=0, abs=1e-8 * max(map(abs, gradient)))


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_the_loss_equals_the_slow_one(memory, features, temperature):
    memory.temperature = temperature
    expected = slow_loss(memory.centroids.numpy(), features.numpy(), LABELS, temperature)
    assert memory(features, torch.tensor(LABELS)).item() == pytest.approx(expected, rel=1e-12)


def test_the_losss_gradient(memory, features):
    assert torch.autograd.gradcheck(lambda x: memory(x, torch.tensor(LABELS)), features.requires_grad_())


def test_the_loss_teaches_the_features_alone(memory, features):
    memory(features.requires_grad_(), torch.tensor(LABELS))
    assert not list(memory.parameters())
    assert not memory.centroids.requires_grad


def test_the_first_gradient_after_a_fill_is_not_zero(normal):
    """Memories that start at zero, as published, give a first gradient of exactly zero."""
    memory, features = CentroidMemory(5, 16), normal(3, (10, 16)).float().requires_grad_()
    memory.fill(features, torch.arange(10) % 5)
    memory(features, torch.arange(10) % 5).backward()
    assert features.grad is not None
    assert features.grad.abs().sum(1).gt(0).all()


def test_one_identity_costs_nothing(normal):
    loss = memory_of(normal(1, (1, 16)))(normal(2, (3, 16)), torch.zeros(3, dtype=torch.int64))
    assert loss == 0


def test_identical_features_and_zeros_have_no_nan(memory):
    for same in (torch.ones(4, 16), torch.zeros(4, 16)):
        same = same.double().requires_grad_()
        memory(same, torch.tensor(LABELS)).backward()
        assert same.grad is not None and same.grad.isfinite().all()


# The update


def test_an_entry_with_one_image_is_updated_as_published(anchors, memory, features):
    memory.update(features, torch.tensor(LABELS))
    expected = anchors["memory"]["published_sequential_update"]["entry_0_first8"]
    assert memory.centroids[0, :8].tolist() == pytest.approx(expected, rel=0, abs=1e-8 * max(map(abs, expected)))


def test_images_one_after_the_other_give_the_published_entry(anchors, memory, features):
    """Called image by image, the update is the published one; called with a batch, it differs on purpose."""
    for feature, identity in zip(features, LABELS, strict=True):
        memory.update(feature[None], torch.tensor([identity]))
    expected = anchors["memory"]["published_sequential_update"]["entry_3_first8"]
    assert memory.centroids[3, :8].tolist() == pytest.approx(expected, rel=0, abs=1e-8 * max(map(abs, expected)))


@pytest.mark.parametrize("keep", [0.0, 0.2, 0.9])
def test_the_update_equals_the_slow_one(memory, features, keep):
    memory.keep = keep
    expected = slow_update(memory.centroids.numpy(), features.numpy(), LABELS, keep)
    memory.update(features, torch.tensor(LABELS))
    np.testing.assert_allclose(memory.centroids, expected, rtol=0, atol=1e-14)


def test_identities_that_are_not_in_the_batch_stay_as_they_are(memory, features):
    before = memory.centroids.clone()
    memory.update(features, torch.tensor(LABELS))
    assert torch.equal(memory.centroids[[1, 2]], before[[1, 2]])


@given(order=st.permutations(range(8)), identities=st.lists(st.integers(0, 4), min_size=8, max_size=8))
def test_the_order_in_the_batch_changes_nothing(order, identities):
    rng = np.random.default_rng(0)
    features, centroids = torch.from_numpy(rng.standard_normal((8, 6))), torch.from_numpy(rng.standard_normal((5, 6)))
    one, other = memory_of(centroids), memory_of(centroids)
    one.update(features, torch.tensor(identities))
    other.update(features[list(order)], torch.tensor(identities)[list(order)])
    torch.testing.assert_close(one.centroids, other.centroids, rtol=0, atol=1e-14)


@given(identities=st.lists(st.integers(0, 4), min_size=1, max_size=12), seed=st.integers(0, 2**32 - 1))
def test_entries_stay_at_unit_length(identities, seed):
    rng = np.random.default_rng(seed)
    memory = memory_of(torch.from_numpy(rng.standard_normal((5, 6))))
    features = torch.from_numpy(rng.standard_normal((len(identities), 6)) * rng.exponential(10, (len(identities), 1)))
    memory.update(features, torch.tensor(identities))
    torch.testing.assert_close(memory.centroids.norm(dim=1), torch.ones(5, dtype=torch.float64))


def test_half_precision_features_are_folded_in_float32(normal):
    halves, centroids = normal(8, (4, 16)).bfloat16(), normal(7, (5, 16)).float()
    one, other = memory_of(centroids), memory_of(centroids)
    one.update(halves, torch.tensor(LABELS))
    other.update(halves.float(), torch.tensor(LABELS))
    assert torch.equal(one.centroids, other.centroids)
    assert one.centroids.dtype == torch.float32


# The start


def test_entries_start_as_the_mean_of_their_identitys_unit_features(normal):
    features, identities = normal(5, (9, 16)), [0, 1, 2, 0, 1, 2, 0, 0, 2]
    memory = CentroidMemory(3, 16).double()
    memory.fill(features, torch.tensor(identities))
    own = [unit(features.numpy())[[label == identity for label in identities]] for identity in range(3)]
    np.testing.assert_allclose(memory.centroids, unit(np.array([rows.mean(0) for rows in own])), atol=1e-14)


def test_an_identity_without_features_is_refused(normal):
    memory = CentroidMemory(5, 16)
    with pytest.raises(ValueError, match="2 of 5 identities have no feature for their first centroid"):
        memory.fill(normal(8, (4, 16)), torch.tensor(LABELS))
    assert not memory.centroids.any()


def test_filling_forgets_what_was_there(memory, normal):
    features, identities = normal(5, (10, 16)), torch.arange(10) % 5
    fresh = CentroidMemory(5, 16).double()
    fresh.fill(features, identities)
    memory.fill(features, identities)
    assert torch.equal(memory.centroids, fresh.centroids)


def test_the_memory_is_in_its_checkpoint(memory):
    assert torch.equal(memory.state_dict()["centroids"], memory.centroids)


def test_means_say_which_identities_have_images():
    means, seen = identity_means(torch.tensor([[2.0, 0.0], [0.0, 3.0]]), torch.tensor([2, 2]), 3)
    assert seen.tolist() == [False, False, True]
    torch.testing.assert_close(means, torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.5, 0.5]]))
