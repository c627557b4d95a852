"""Settings of the architecture search. Imports no torch."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Parameter

from msinet.engine.settings import LoopSettings, require, require_one_of
from msinet.panels import NETWORK, OPTIMIZER, SCHEDULE, SEARCH

SpaceName = Literal["published", "scales"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SearchSettings(LoopSettings):
    """Settings of the search. Defaults: the published ones; the command line takes the recipe that fits the data."""

    space: Annotated[SpaceName, NETWORK] = "published"
    """Search space. published: the interaction at each place, one of four. scales: the depths of both branches as well."""
    cells_per_stage: Annotated[int, NETWORK] = 2
    """Cells in each of the three stages."""
    interactions_per_cell: Annotated[int, NETWORK] = 2
    """Places in each cell where an interaction is chosen."""
    learning_rate: Annotated[float, OPTIMIZER] = 0.025
    """Peak learning rate of the weights."""
    alpha_learning_rate: Annotated[float, OPTIMIZER] = 0.002
    """Learning rate of the alphas, trained by Adam with betas 0.5 and 0.999."""
    alpha_weight_decay: Annotated[float, OPTIMIZER] = 1e-3
    """Weight decay of the alphas."""
    alpha_milestones: Annotated[tuple[int, ...], SCHEDULE] = (150, 225, 350)
    """Epochs at which the learning rate of the alphas is divided by ten."""
    overlap: Annotated[float, SEARCH] = 0.4
    """Share of the identities that train both weights and alphas, with different images. Of the other
    identities, a third trains only the weights, two thirds only the alphas."""
    temperature: Annotated[float, SEARCH] = 0.05
    """Temperature of the contrastive loss (tau of equation 2)."""
    memory_keep: Annotated[float, SEARCH] = 0.2
    """Share of a centroid that an update keeps (beta of equation 3)."""
    alpha_start_epoch: Annotated[int, SEARCH] = 0
    """Initial epochs in which the weights learn alone; the memory of the alphas follows them."""
    mixture_temperature: Annotated[float, SEARCH] = 1.0
    """Final temperature T of softmax(alpha / T). It falls geometrically from 1, so that the mixture becomes a choice."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of(self, "space", SpaceName)
        for name in ("cells_per_stage", "interactions_per_cell"):
            require(self, name, getattr(self, name) >= 1, "it must be at least 1")
        require(self, "alpha_learning_rate", 0 < self.alpha_learning_rate < math.inf, "it must be positive")
        require(self, "alpha_weight_decay", 0 <= self.alpha_weight_decay < math.inf, "it cannot be negative")
        require(self, "overlap", 0 <= self.overlap <= 1, "a share lies from 0 to 1")
        require(self, "temperature", 0 < self.temperature < math.inf, "it must be positive")
        require(self, "memory_keep", 0 <= self.memory_keep < 1, "a share lies from 0 up to, not including, 1")
        late = f"it lies from 0 up to, not including, the epochs, which are {self.epochs}"
        require(self, "alpha_start_epoch", 0 <= self.alpha_start_epoch < self.epochs, late)
        require(self, "mixture_temperature", 0 < self.mixture_temperature <= 1, "it lies above 0 and at most at 1")
