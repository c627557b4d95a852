"""Triplet loss on the hardest positive and negative of each anchor in the batch (equation 6; Hermans et al., 2017)."""

import torch
from torch import Tensor
from torch.nn import functional as F


def triplet_loss(features: Tensor, identities: Tensor, margin: float = 0.3) -> Tensor:
    """Return the mean over all anchors of [D(a, hardest positive) - D(a, hardest negative) + margin]+.

    D is the Euclidean distance of unit-length features. An anchor without a positive or without a negative counts as 0.

    Args:
        features: (B, D), any length.
        identities: (B,) integers.
        margin: by which the hardest negative has to be farther than the hardest positive.
    """
    distances = unit_distances(features)
    same = identities[:, None] == identities[None, :]
    positive = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    hardest_positive = distances.masked_fill(~positive, -torch.inf).amax(1)
    hardest_negative = distances.masked_fill(same, torch.inf).amin(1)
    # Without a positive or a negative the hinge is [-inf]+: zero, and so is its gradient.
    return F.relu(hardest_positive - hardest_negative + margin).mean()


def unit_distances(features: Tensor) -> Tensor:
    """Return the Euclidean distances (B, B) of features (B, D) scaled to unit length, in float32 or better."""
    unit = F.normalize(features.to(torch.promote_types(features.dtype, torch.float32)))
    squared = 2 - 2 * unit @ unit.T
    return squared.clamp_min(1e-12).sqrt()  # The square root's gradient at 0 is infinite.
