"""Spatial alignment loss: images of an identity react to each other at the same positions (equations 7 and 8)."""

from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

Mode = Literal["positive", "negative", "both"]

NUMBERS_AT_ONCE = 2**23
"""Numbers held at once, of correlations and of the maps they compare: 32 MB in float32."""


def alignment_loss(
    maps: Tensor,
    identities: Tensor,
    self_activation: Tensor | None,
    mode: Mode = "both",
    *,
    unit_features: bool = False,
    self_pairs: bool = False,
    transposed: bool = False,
) -> Tensor:
    """Return the mean over all anchors i of equation 8, in float32 or better.

    Positives: the mean of 1 - cos(a^(i), a(i, p)). Negatives: the mean of 1 - cos(a(i, n1), a(i, n2)) over pairs of them.
    An anchor without a positive, or without two negatives, counts as 0 there.

    Args:
        maps: (B, C, h, w), the last maps of a batch; any h and w, any number of images an identity.
        identities: (B,) integers.
        self_activation: a^, (B, h * w); may be None for the negatives alone.
        mode: which of the two terms; both are summed.
        unit_features: compare positions by the cosine of their features instead of the product.
        self_pairs: count an image as its own positive, and a negative with itself as a pair, as published.
        transposed: keep for a pair (i, j) the positions of j instead of i, as published.

    The published loss is `self_pairs=True, transposed=True`; its negatives compare positions of different images.
    """
    same = identities[:, None] == identities[None, :]
    positives = same if self_pairs else same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    wanted = {"positive": positives, "negative": ~same, "both": positives | ~same}[mode]
    features = maps.flatten(2).mT.to(torch.promote_types(maps.dtype, torch.float32))  # (B, N, C)
    with torch.autocast(maps.device.type, enabled=False):
        activations = activation_of_pairs(unit(features) if unit_features else features, wanted)
        reactions = unit(activations.transpose(0, 1) if transposed else activations)
        loss = reactions.new_zeros(())
        if mode != "negative":
            if self_activation is None:
                raise ValueError(f"mode {mode} needs the self-activation that positives are aligned with")
            loss = loss + distance_of_positives(unit(self_activation.to(features.dtype)), reactions, positives)
        if mode != "positive":
            loss = loss + distance_among_negatives(reactions, ~same, self_pairs)
    return loss


def distance_of_positives(target: Tensor, reactions: Tensor, positives: Tensor) -> Tensor:
    """Return the mean over anchors of the mean of 1 - cosine between the target and the reactions of positives.

    Args:
        target: (B, N), the self-activations, unit length.
        reactions: (B, B, N), unit length or zeros.
        positives: (B, B) bool, which j count for an i.
    """
    distances = 1 - (reactions * target[:, None]).sum(2)
    return (distances.where(positives, 0).sum(1) / positives.sum(1).clamp_min(1)).mean()


def distance_among_negatives(reactions: Tensor, negatives: Tensor, self_pairs: bool) -> Tensor:
    """Return the mean over anchors of the mean of 1 - cosine over all ordered pairs of negatives.

    No pair is formed: the cosines of all M^2 ordered pairs add up to |sum u|^2, those of the pairs of the same twice to
    sum |u|^2. A reaction of zeros has cosine 0 to all.

    Args:
        reactions: (B, B, N), unit length or zeros.
        negatives: (B, B) bool, which j count for an i.
        self_pairs: whether (n, n), at distance 0, is a pair.
    """
    counts = negatives.sum(1)
    chosen = reactions.where(negatives[:, :, None], 0)
    cosines = chosen.sum(1).square().sum(1)
    pairs = counts.square() if self_pairs else counts * (counts - 1)
    if not self_pairs:
        cosines = cosines - chosen.square().sum((1, 2))
    return ((pairs - cosines) / pairs.clamp_min(1)).mean()


def unit(vectors: Tensor) -> Tensor:
    """Scale vectors (..., D) to unit length; those of zeros stay, with a gradient of zero."""
    lengths = vectors.norm(dim=-1, keepdim=True)
    return vectors / lengths.masked_fill(lengths == 0, torch.inf)


def activation_of_pairs(features: Tensor, wanted: Tensor) -> Tensor:
    """Return a(i, j) of equation 7, (B, B, N): the largest correlation of each position of i with a position of j.

    The correlations of all pairs, (B, B, N, N), are never held at once, forwards or backwards.

    Args:
        features: (B, N, C).
        wanted: (B, B) bool, symmetric; other pairs stay 0 and cost nothing.
    """
    activations = _ActivationOfPairs.apply(features, wanted)
    assert isinstance(activations, Tensor)
    return activations


class _ActivationOfPairs(torch.autograd.Function):
    """Activation of pairs, some at a time; the gradient needs only which positions had the largest correlations."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, wanted: Tensor) -> Tensor:
        images, positions, channels = features.shape
        at_once = max(1, NUMBERS_AT_ONCE // (positions * (positions + 2 * channels)))
        activations = features.new_zeros(images, images, positions)
        met = torch.zeros_like(activations, dtype=torch.int64)
        anchors, others = wanted.triu().nonzero().unbind(1)
        for i, j in zip(anchors.split(at_once), others.split(at_once), strict=True):
            correlation = features[i] @ features[j].mT  # (pairs, N, N), and transposed it is that of (j, i)
            activations[i, j], met[i, j] = correlation.max(2)
            activations[j, i], met[j, i] = correlation.max(1)
        ctx.save_for_backward(features, wanted, met)
        return activations

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Add to each position the features of its best partners, and of the positions whose best partner it is."""
        features, wanted, met = ctx.saved_tensors
        images, positions, _ = features.shape
        anchors, others = wanted.nonzero().unbind(1)
        weights = gradient[anchors, others].flatten()
        here = (anchors[:, None] * positions + torch.arange(positions, device=met.device)).flatten()
        there = (others[:, None] * positions + met[anchors, others]).flatten()
        receivers, order = torch.cat([here, there]).sort(stable=True)
        starts = torch.searchsorted(receivers, torch.arange(images * positions, device=met.device))
        givers, weights = torch.cat([there, here])[order], weights.repeat(2)[order]
        rows = features.flatten(0, 1)
        return F.embedding_bag(givers, rows, starts, mode="sum", per_sample_weights=weights).view_as(features), None
