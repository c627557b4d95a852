"""The interaction `none`: the branches stay apart, (x1, x2)."""

from torch import Tensor

from msinet.model.msinet.interactions.interaction import Branches, Interaction, Terms


class Keep(Interaction):
    """No interaction: (x1, x2)."""

    short, colour = "none", "#9aa5b1"

    def forward(self, a: Tensor, b: Tensor) -> Branches:
        """Return the maps as they are."""
        return a, b

    def terms(self, a: Tensor, b: Tensor) -> Terms:
        """Return the own map once."""
        return Terms(own=1.0)
