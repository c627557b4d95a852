"""The published network's alignment losses are compared in `tests/model/test_published.py`."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from msinet.losses import alignment
from msinet.losses.alignment import activation_of_pairs, alignment_loss

LABELS = [0, 0, 1, 1, 1, 2]
OPTIONS = st.fixed_dictionaries({name: st.booleans() for name in ("unit_features", "self_pairs", "transposed")})
MODES = ["positive", "negative", "both"]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Zeros are at right angles to all."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) or 1))


def slow_activation(maps: np.ndarray, i: int, j: int, transposed: bool = False) -> np.ndarray:
    """Equation 7, position by position: what of image j meets each position of image i best."""
    if transposed:
        i, j = j, i
    columns_i, columns_j = (maps[k].reshape(len(maps[k]), -1).T for k in (i, j))
    return np.array([max(a @ b for b in columns_j) for a in columns_i])


def slow_loss(
    maps: np.ndarray,
    labels: list[int],
    wished: np.ndarray,
    mode: str = "both",
    unit_features: bool = False,
    self_pairs: bool = False,
    transposed: bool = False,
) -> float:
    """Equation 8, anchor by anchor and pair by pair."""
    if unit_features:
        lengths = np.linalg.norm(maps, axis=1, keepdims=True)
        maps = maps / np.where(lengths == 0, 1, lengths)
    total, images = 0.0, range(len(labels))
    for i in images:
        positives = [p for p in images if labels[p] == labels[i] and (self_pairs or p != i)]
        negatives = [n for n in images if labels[n] != labels[i]]
        pairs = [(n1, n2) for n1 in negatives for n2 in negatives if self_pairs or n1 != n2]
        reactions = {j: slow_activation(maps, i, j, transposed) for j in images}
        if positives and mode != "negative":
            total += np.mean([1 - cosine(wished[i], reactions[p]) for p in positives])
        if pairs and mode != "positive":
            total += np.mean([1 - cosine(reactions[n1], reactions[n2]) for n1, n2 in pairs])
    return float(total / len(labels))


def draw(count: int, size: tuple[int, int] = (3, 2), seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return maps and a wished activation."""
    random = torch.Generator().manual_seed(seed)
    maps = torch.randn(count, 5, *size, dtype=torch.float64, generator=random)
    return maps, torch.randn(count, size[0] * size[1], dtype=torch.float64, generator=random)


@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    mode=st.sampled_from(MODES),
    options=OPTIONS,
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_the_slow_one(labels, size, mode, options, seed):
    """At any size and any number of images an identity, one identity and one image among them."""
    maps, wished = draw(len(labels), size, seed)
    found = alignment_loss(maps, torch.tensor(labels), wished, mode, **options)
    assert found.item() == pytest.approx(slow_loss(maps.numpy(), labels, wished.numpy(), mode, **options), abs=1e-12)


@pytest.mark.parametrize("options", [{}, {"unit_features": True}, {"self_pairs": True, "transposed": True}])
@pytest.mark.parametrize("mode", MODES)
def test_gradient(mode, options):
    maps, wished = (x.requires_grad_() for x in draw(len(LABELS)))

    def loss(maps, wished):
        return alignment_loss(maps, torch.tensor(LABELS), wished, mode, **options)

    assert torch.autograd.gradcheck(loss, (maps, wished))


def test_an_activation_has_one_value_for_each_position_of_the_anchor():
    """The first image is bright in its first position; so is its activation, whatever it is compared with."""
    maps = torch.ones(2, 5, 2, 2)
    maps[0, :, 0, 0] = 3
    activations = activation_of_pairs(maps.flatten(2).mT, torch.ones(2, 2, dtype=torch.bool))
    assert activations[0, 1].tolist() == [15, 5, 5, 5]
    assert activations[1, 0].tolist() == [15, 15, 15, 15]


def test_the_published_form_is_another_loss():
    """It keeps the positions of the other image, so its negatives compare maps of different images."""
    maps, wished = draw(len(LABELS))
    for mode in MODES:
        ours, published = (
            alignment_loss(maps, torch.tensor(LABELS), wished, mode, transposed=form) for form in (False, True)
        )
        assert abs(ours - published) > 1e-3


def test_both_is_the_sum():
    maps, wished = draw(len(LABELS))
    positive, negative, both = (alignment_loss(maps, torch.tensor(LABELS), wished, mode) for mode in MODES)
    torch.testing.assert_close(both, positive + negative)


@given(order=st.permutations(range(len(LABELS))))
def test_the_order_in_the_batch_changes_nothing(order):
    (maps, wished), labels = draw(len(LABELS)), torch.tensor(LABELS)
    shuffled = alignment_loss(maps[list(order)], labels[list(order)], wished[list(order)])
    torch.testing.assert_close(shuffled, alignment_loss(maps, labels, wished))


def test_unit_features_do_not_see_how_bright_a_position_is():
    maps, wished = draw(len(LABELS))
    brightness = torch.linspace(0.1, 20, 6, dtype=torch.float64).reshape(1, 1, 3, 2)
    one, other = (alignment_loss(x, torch.tensor(LABELS), wished, unit_features=True) for x in (maps, brightness * maps))
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("at_once", [1, 300, 2**24])
def test_how_many_pairs_are_taken_at_once_changes_nothing(monkeypatch, at_once):
    results = []
    for numbers in (2**24, at_once):
        monkeypatch.setattr(alignment, "NUMBERS_AT_ONCE", numbers)
        maps, wished = draw(len(LABELS))
        loss = alignment_loss(maps.requires_grad_(), torch.tensor(LABELS), wished)
        loss.backward()
        results.append((loss, maps.grad))
    torch.testing.assert_close(*results)


class Largest(TorchDispatchMode):
    """Remembers the largest tensor that is made."""

    numbers = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        made = function(*arguments, **(options or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, torch.Tensor) and not tensor._is_view():
                self.numbers = max(self.numbers, tensor.numel())
        return made


def test_the_correlation_is_never_held_whole(monkeypatch):
    """12 images of 64 positions: 590,000 correlations, of which 2 pairs' are held at once."""
    monkeypatch.setattr(alignment, "NUMBERS_AT_ONCE", 2 * 64 * (64 + 2 * 5))
    maps, wished = draw(12, (8, 8))
    with Largest() as largest:
        alignment_loss(maps.requires_grad_(), torch.arange(12) // 3, wished).backward()
    assert largest.numbers <= 2 * 12 * 12 * 64 < 12 * 12 * 64 * 64 / 30  # two numbers a best meeting, in the backward


def gradients_of(maps: torch.Tensor, labels: list[int], wished: torch.Tensor, **options) -> tuple[torch.Tensor, ...]:
    maps, wished = maps.clone().requires_grad_(), wished.clone().requires_grad_()
    loss = alignment_loss(maps, torch.tensor(labels), wished, **options)
    loss.backward()
    assert maps.grad is not None and wished.grad is not None
    return loss.detach(), maps.grad, wished.grad


@pytest.mark.parametrize(
    ("mode", "labels"),
    [
        ("positive", [0, 1, 2]),
        ("negative", [0, 0, 0]),
        ("negative", [0, 1]),
        ("both", [0]),
    ],
    ids=["no positives", "no negatives", "one negative each", "one image"],
)
def test_what_has_nothing_to_compare_costs_nothing(mode, labels):
    maps, wished = draw(len(labels))
    wished = wished.requires_grad_()
    loss = alignment_loss(maps.requires_grad_(), torch.tensor(labels), wished, mode)
    loss.backward()
    assert loss == 0
    for x in (maps, wished):
        assert x.grad is None or not x.grad.any()


@pytest.mark.parametrize("unit_features", [False, True])
@pytest.mark.parametrize("dark", [slice(None), slice(0, 2)], ids=["all", "some"])
def test_dark_maps_have_no_nan_and_no_huge_gradient(dark, unit_features):
    """After a ReLU whole maps may be zero."""
    maps, wished = draw(len(LABELS))
    maps[dark], wished[dark] = 0, 0
    loss, *gradients = gradients_of(maps, LABELS, wished, unit_features=unit_features)
    assert loss.item() == pytest.approx(slow_loss(maps.numpy(), LABELS, wished.numpy(), unit_features=unit_features))
    for gradient in gradients:
        assert gradient.abs().max() < 100


def test_identical_images_are_aligned():
    maps, _ = draw(1)
    maps = maps.abs().expand(4, -1, -1, -1)
    wished = torch.from_numpy(np.stack([slow_activation(maps.numpy(), 0, 0)] * 4))
    loss, *gradients = gradients_of(maps, [0, 0, 1, 1], wished)
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert all(gradient.abs().max() < 1e-12 for gradient in gradients)


def test_positives_need_what_they_are_aligned_with():
    maps, _ = draw(len(LABELS))
    with pytest.raises(ValueError, match="mode both needs the self-activation"):
        alignment_loss(maps, torch.tensor(LABELS), None)
    assert alignment_loss(maps, torch.tensor(LABELS), None, "negative") > 0


def test_half_precision_maps_are_compared_in_float32():
    maps, wished = draw(len(LABELS))
    halves = maps.bfloat16()
    expected = alignment_loss(halves.float(), torch.tensor(LABELS), wished.float())
    with torch.autocast("cpu", torch.bfloat16):
        found = alignment_loss(halves, torch.tensor(LABELS), wished.float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
