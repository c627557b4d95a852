"""Distillation losses: the embeddings of a network against the vectors that a teacher gives to the same images."""

from torch import Tensor
from torch.nn import functional as F


def direction_loss(projected: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean of 1 - cosine between projected features (B, T) and the teacher's vectors (B, T), any lengths."""
    return (1 - F.cosine_similarity(projected, teacher)).mean()


def relation_loss(embeddings: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean squared difference of the cosines of all pairs of different images (after Park et al., 2019).

    Args:
        embeddings: (B, D), any length.
        teacher: (B, T), any length.
    """
    differences = cosines(embeddings) - cosines(teacher)
    pairs = len(embeddings) * (len(embeddings) - 1)
    return differences.square().fill_diagonal_(0).sum() / max(pairs, 1)


def cosines(vectors: Tensor) -> Tensor:
    """Return the cosines (B, B) of vectors (B, D)."""
    unit = F.normalize(vectors)
    return unit @ unit.T
