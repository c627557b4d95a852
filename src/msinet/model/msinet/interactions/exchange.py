"""The interaction `exchange`: the branches change places, (x2, x1)."""

from torch import Tensor

from msinet.model.msinet.interactions.interaction import Branches, Interaction, Terms


class Exchange(Interaction):
    """The branches change places: (x2, x1)."""

    short, colour, crosses = "exchange", "#0b7285", True

    def forward(self, a: Tensor, b: Tensor) -> Branches:
        """Return the maps swapped."""
        return b, a

    def terms(self, a: Tensor, b: Tensor) -> Terms:
        """Return the other branch's map once."""
        return Terms(other=1.0)
