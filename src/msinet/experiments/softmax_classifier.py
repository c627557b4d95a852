"""Softmax classifier that takes the place of a centroid memory in a variant of the search."""

from torch import Tensor, nn

from msinet.losses.identity import identity_loss


class SoftmaxClassifier(nn.Module):
    """A linear layer whose rows, one an identity, are learned; the centroids of a memory follow the features instead.

    It is called as `CentroidMemory` is, and starts as the classifiers of the network do: weights N(0, 0.01), biases 0.

    Args:
        identities: number of classes, I.
        dim: length of a feature, D.
    """

    def __init__(self, identities: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dim, identities)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor, identities: Tensor) -> Tensor:
        """Return the mean softmax cross-entropy, without label smoothing: (B, D) and (B,) -> scalar."""
        return identity_loss(self.linear(features.to(self.linear.weight.dtype)), identities, smoothing=0.0)
