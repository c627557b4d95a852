"""A budget of the search: the expected cost of the mixture joins the loss of the alphas, at a price that follows it."""

import torch
from torch import Tensor, nn

from msinet.model.msinet.costs import CostTable

RATE = 0.1
"""How fast the price follows: by this much in a step whose expected cost is twice the budget."""


class Budget(nn.Module):
    """A limit on the expected cost, held by a Lagrange multiplier that rises while it is exceeded.

    Args:
        costs: of the options of the search space.
        limit: in their unit.
    """

    price: Tensor

    def __init__(self, costs: CostTable, limit: float) -> None:
        super().__init__()
        self.costs, self.limit = costs, limit
        self.register_buffer("price", torch.zeros(()))

    def forward(self, shares: Tensor) -> Tensor:
        """Return what a mixture (L, columns) costs the loss of the alphas, and let the price follow."""
        excess = self.costs.expected(shares) / self.limit - 1
        charged = self.price.clone() * excess  # The backward pass needs the price as it is now.
        with torch.no_grad():
            self.price.add_(RATE * excess.detach()).clamp_(min=0)
        return charged
