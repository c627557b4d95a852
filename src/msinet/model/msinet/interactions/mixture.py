"""The weighted mixture of interactions that the search trains (equation 1), folded into one product a branch."""

from collections.abc import Sequence
from functools import reduce
from typing import cast

import torch
from torch import Tensor, nn

from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.interactions.interaction import (
    Branches,
    Interaction,
    Terms,
    as_map,
    flat_in_float,
    without_autocast,
)


class InteractionMixture(nn.Module):
    """Interactions at one place, all at once, each weighed by its softmax(alpha).

    The weighted sum is folded: interactions are linear in the maps, so that they add up to one matrix product a branch,
    `(diag(own) + mixing) @ x_own + other * x_other`.

    Args:
        channels: of a branch, C.
        choices: names of the interactions, in the order of their shares.
    """

    def __init__(self, channels: int, choices: Sequence[str] = tuple(INTERACTIONS)) -> None:
        super().__init__()
        self.choices = tuple(choices)
        for name in self.choices:
            self.add_module(name, INTERACTIONS[name](channels))

    def operation(self, name: str) -> Interaction:
        """Return the interaction of a name."""
        return cast(Interaction, self.get_submodule(name))

    def forward(self, a: Tensor, b: Tensor, shares: Tensor) -> Branches:
        """Mix; shares: (choices,), adding up to 1."""
        with without_autocast(a):
            flat_a, flat_b = flat_in_float(a), flat_in_float(b)
            # From the last to the first: gradients then add up in the same order as in searches of version 0.1.
            found = {name: self.operation(name).terms(flat_a, flat_b) for name in reversed(self.choices)}
            weighed = [(share, found[name]) for name, share in zip(self.choices, shares.unbind(), strict=True)]
            mixing = [(w * terms.strength, terms.mixing) for w, terms in weighed if terms.mixing]
            other = added([w * terms.other for w, terms in weighed if terms.other])
            mixed_a = fold(flat_a, own(weighed, 0), added([scale * pair[0] for scale, pair in mixing]), other, flat_b)
            mixed_b = fold(flat_b, own(weighed, 1), added([scale * pair[1] for scale, pair in mixing]), other, flat_a)
        return as_map(mixed_a, a), as_map(mixed_b, b)


def added(tensors: Sequence[Tensor]) -> Tensor | None:
    """Return the sum of tensors, None where there are none."""
    return reduce(torch.add, tensors) if tensors else None


def own(weighed: Sequence[tuple[Tensor, Terms]], side: int) -> Tensor | None:
    """Return the factor of a branch's own map, a number or (B, C): numbers first, which cost least to add."""
    numbers = [w * terms.own for w, terms in weighed if isinstance(terms.own, float) and terms.own]
    return added(numbers + [w * terms.own[side] for w, terms in weighed if isinstance(terms.own, tuple)])


def fold(x: Tensor, factors: Tensor | None, matrix: Tensor | None, other: Tensor | None, x_other: Tensor) -> Tensor:
    """Return (diag(factors) + matrix) @ x + other * x_other, for maps (B, C, N); what is None is zero."""
    shift = None if other is None else other * x_other
    if matrix is None:
        parts = [shift] if shift is not None else []
        parts += [] if factors is None else [(factors.unsqueeze(-1) if factors.ndim else factors) * x]
        return added(parts) if parts else torch.zeros_like(x)  # pyright: ignore[reportReturnType]
    if factors is not None:
        matrix = matrix + factors.expand(x.shape[:2]).diag_embed()
    return matrix @ x if shift is None else torch.baddbmm(shift, matrix, x)
