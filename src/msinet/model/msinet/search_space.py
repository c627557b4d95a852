"""Search spaces: which places a search decides on, and which interactions it chooses from."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msinet.errors import SettingsError
from msinet.model.msinet.interactions import INTERACTIONS


@dataclass(frozen=True)
class SearchSpace:
    """Places and choices. `places` = stages x cells a stage x interactions a cell."""

    choices: tuple[str, ...]
    """Names of interactions, in the order of the alphas' columns."""
    name: str = ""
    stages: int = 3
    cells_per_stage: int = 2
    interactions_per_cell: int = 2

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.choices) - set(INTERACTIONS)):
            raise SettingsError(f"unknown interaction {', '.join(unknown)}: choose from {', '.join(INTERACTIONS)}")
        if not self.choices or min(self.shape) < 1:
            raise SettingsError("a search space has at least one choice, stage, cell and interaction")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(stages, cells a stage, interactions a cell)."""
        return self.stages, self.cells_per_stage, self.interactions_per_cell

    @property
    def places(self) -> int:
        """Number of places where an interaction is chosen, L."""
        return self.stages * self.cells_per_stage * self.interactions_per_cell

    def largest(self, values: Sequence[Sequence[float]]) -> list[str]:
        """Return the choice with the largest value at each place; values: (L, choices)."""
        return [self.choices[max(range(len(row)), key=list(row).__getitem__)] for row in values]

    def random(self, seed: int) -> list[str]:
        """Draw a choice for each place with equal chances: what a search has to beat."""
        return random.Random(seed).choices(self.choices, k=self.places)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "choices": list(self.choices),
            "stages": self.stages,
            "cells_per_stage": self.cells_per_stage,
            "interactions_per_cell": self.interactions_per_cell,
        }


PUBLISHED = SearchSpace(("none", "exchange", "channel_gate", "cross_attention"), "published")
"""The report's: two interactions in each of six cells, each one of four (section 3.2)."""
