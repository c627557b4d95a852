"""What every interaction states: its operation, its terms in a mixture, its cost, and how it is drawn."""

from abc import ABC, abstractmethod
from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

Branches = tuple[Tensor, Tensor]
"""The maps of branches a and b, or something of each."""


@dataclass(frozen=True)
class Terms:
    """An interaction as linear maps of both branches' maps, whose coefficients may depend on the maps.

    Branch a gives `own[0] * x_a + strength * mixing[0] @ x_a + other * x_b`, branch b likewise. So the weighted sum of any
    number of interactions is one matrix product a branch.
    """

    own: float | Branches = 0.0
    """Factor of a branch's own map: a number, or a factor of each channel, (B, C) for each branch."""
    other: float = 0.0
    """Factor of the other branch's map."""
    mixing: Branches | None = None
    """Products with a branch's own map: (B, C, C) for each branch."""
    strength: Tensor | float = 1.0
    """Factor of `mixing`."""


class Interaction(nn.Module, ABC):
    """An interaction between the two branches of a cell (report, section 3.2).

    Takes the maps of both branches, (B, C, H, W) each, and returns both. An interaction is one file, and one line in
    `interactions.INTERACTIONS`.

    Args:
        channels: of a branch, C.
    """

    short: ClassVar[str]
    """Short name, for drawings."""
    colour: ClassVar[str]
    """Colour in drawings and charts: #rrggbb."""
    crosses: ClassVar[bool] = False
    """Drawn as two lanes that change places."""
    weighs: ClassVar[bool] = False
    """Drawn with a dot on each lane."""
    links: ClassVar[bool] = False
    """Drawn with a dashed line between the lanes."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, a: Tensor, b: Tensor) -> Branches:
        """Return the maps after the interaction."""

    @abstractmethod
    def terms(self, a: Tensor, b: Tensor) -> Terms:
        """Return the interaction as terms of a mixture, from flat maps (B, C, N) at float32 or better."""

    def multiply_adds(self, a: Tensor) -> int:
        """Return the multiply-adds for one image with maps (B, C, H, W), besides those of its layers."""
        return 0


def without_autocast(x: Tensor) -> torch.autocast | nullcontext[None]:
    """Return a context in which autocast lowers no precision on the device of x; some, as `meta`, know no autocast."""
    device = x.device.type
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def flat_in_float(x: Tensor) -> Tensor:
    """Flatten a map's positions, (B, C, H, W) -> (B, C, N), at float32 or better."""
    return x.flatten(2).to(torch.promote_types(x.dtype, torch.float32))


def as_map(flat: Tensor, like: Tensor) -> Tensor:
    """Undo `flat_in_float`: the shape, dtype and memory format of `like`."""
    return flat.to(like.dtype).unflatten(2, like.shape[2:]).contiguous(memory_format=torch.channels_last)
