import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from msinet.losses.distillation import direction_loss, relation_loss


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def slow_relations(own: np.ndarray, teacher: np.ndarray) -> float:
    """Pair by pair."""
    count = len(own)
    pairs = [(i, j) for i in range(count) for j in range(count) if i != j]
    return float(np.mean([(cosine(own[i], own[j]) - cosine(teacher[i], teacher[j])) ** 2 for i, j in pairs]))


@given(count=st.integers(2, 9), seed=st.integers(0, 2**32 - 1))
def test_relations_equal_the_slow_ones(count, seed):
    random = np.random.default_rng(seed)
    own, teacher = random.standard_normal((count, 3)), random.standard_normal((count, 5))
    found = relation_loss(torch.from_numpy(own), torch.from_numpy(teacher))
    assert found.item() == pytest.approx(slow_relations(own, teacher), rel=1e-9, abs=1e-12)


def test_a_rotated_teacher_has_the_same_relations(normal):
    teacher = normal(1, (6, 4))
    rotation = torch.linalg.qr(normal(2, (4, 4)))[0]
    assert relation_loss(teacher @ rotation, teacher).item() == pytest.approx(0, abs=1e-12)


def test_one_image_has_no_relations(normal):
    assert relation_loss(normal(1, (1, 4)), normal(2, (1, 3))).item() == 0


def test_direction_is_one_minus_the_mean_cosine(normal):
    own, teacher = normal(3, (5, 4)), normal(4, (5, 4))
    expected = np.mean([1 - cosine(a, b) for a, b in zip(own.numpy(), teacher.numpy(), strict=True)])
    assert direction_loss(own, teacher).item() == pytest.approx(expected, rel=1e-9)


def test_lengths_change_nothing(normal):
    own, teacher, lengths = normal(3, (5, 4)), normal(4, (5, 4)), torch.linspace(0.1, 20, 5, dtype=torch.float64)[:, None]
    for loss in (direction_loss, relation_loss):
        torch.testing.assert_close(loss(lengths * own, teacher), loss(own, teacher))
