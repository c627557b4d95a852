"""Identity loss: softmax cross-entropy over the training identities (equation 5)."""

from torch import Tensor
from torch.nn import functional as F


def identity_loss(logits: Tensor, identities: Tensor, smoothing: float = 0.1) -> Tensor:
    """Return the mean cross-entropy of logits (B, I) and identities (B,), with label smoothing."""
    return F.cross_entropy(logits, identities, label_smoothing=smoothing)
