"""Memory of identity centroids, and the contrastive loss against it (equations 2 and 3).

The twins contrastive mechanism keeps two: one for the identities of the weights, one for those of the alphas.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CentroidMemory(nn.Module):
    """One unit-length centroid per identity.

    Args:
        identities: number of entries, I.
        dim: length of a feature, D.
        temperature: tau of equation 2.
        keep: beta of equation 3, the share of an entry that an update keeps.
    """

    centroids: Tensor

    def __init__(self, identities: int, dim: int, temperature: float = 0.05, keep: float = 0.2) -> None:
        super().__init__()
        self.temperature = temperature
        self.keep = keep
        self.register_buffer("centroids", torch.zeros(identities, dim))

    @torch.no_grad()
    def fill(self, features: Tensor, identities: Tensor) -> None:
        """Start every entry with the centroid of its identity's features: (N, D) and (N,), each identity at least once."""
        means, seen = identity_means(features, identities, len(self.centroids))
        if not seen.all():
            raise ValueError(f"{int((~seen).sum())} of {len(seen)} identities have no feature for their first centroid")
        self.centroids.copy_(F.normalize(means))

    def forward(self, features: Tensor, identities: Tensor) -> Tensor:
        """Return the mean of -log softmax(f . c / tau) at each feature's own identity: (B, D) and (B,) -> scalar."""
        unit = F.normalize(features.to(self.centroids.dtype))
        return F.cross_entropy(unit @ self.centroids.T / self.temperature, identities)

    @torch.no_grad()
    def update(self, features: Tensor, identities: Tensor) -> None:
        """Fold a batch in: c <- beta c + (1 - beta) f at unit length, once per identity, f the mean of its features.

        The mean makes the result independent of the order of the images in the batch.
        """
        means, seen = identity_means(features, identities, len(self.centroids))
        folded = F.normalize(self.keep * self.centroids + (1 - self.keep) * means)
        self.centroids.copy_(torch.where(seen[:, None], folded, self.centroids))


def identity_means(features: Tensor, identities: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return each identity's mean of unit-length features, (count, D), and which identities have any, (count,) bool."""
    unit = F.normalize(features.detach().to(torch.promote_types(features.dtype, torch.float32)))
    images = unit.new_zeros(count).index_add_(0, identities, torch.ones_like(unit[:, 0]))  # bincount would wait for a GPU
    sums = unit.new_zeros(count, unit.shape[1]).index_add_(0, identities, unit)
    return sums / images.clamp_min(1)[:, None], images > 0
