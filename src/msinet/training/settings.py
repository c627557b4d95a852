"""Settings of training a chosen architecture. Imports no torch."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from msinet.engine.settings import LoopSettings, require, require_one_of
from msinet.panels import ALIGNMENT, LOSSES, NETWORK, OUTPUT, SCHEDULE

Alignment = Literal["none", "positive", "negative", "both"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainSettings(LoopSettings):
    """Settings of training. Defaults: the published ones; the command line takes the recipe that fits the data."""

    init: Annotated[str | None, NETWORK] = None
    """Model that training starts from, in place of random weights: its folder, or a name that msinet models lists. Its
    width has to be that of the network. The classifiers begin anew, and so does what the model lacks."""
    label_smoothing: Annotated[float, LOSSES] = 0.1
    """Label smoothing of the identity loss."""
    triplet_margin: Annotated[float, LOSSES] = 0.3
    """Margin by which the hardest negative has to be farther than the hardest positive."""
    triplet_weight: Annotated[float, LOSSES] = 1.0
    """Weight of the triplet loss; the identity loss has weight 1."""
    alignment: Annotated[Alignment, ALIGNMENT] = "none"
    """Spatial alignment, in training only. positive: images of an identity react to each other at the same positions.
    negative: images of other identities react alike. both: the sum."""
    alignment_weight: Annotated[float, ALIGNMENT] = 2.0
    """Weight of the alignment loss; the identity loss has weight 1."""
    alignment_unit_features: Annotated[bool, ALIGNMENT] = False
    """Cosine between the features of two positions in place of their product, in which bright positions weigh more."""
    alignment_as_published: Annotated[bool, ALIGNMENT] = False
    """Loss of the published code: it keeps the positions of the other image and counts an image as its own pair."""
    teachers: Annotated[tuple[Path, ...], LOSSES, Parameter(negative=(), show_default=False)] = ()
    """File with a teacher's vectors of the training images, by their paths, as msinet embed writes it. The embeddings learn
    to follow them. May be given several times."""
    teacher_weight: Annotated[float, LOSSES] = 1.0
    """Weight of the distance to the teachers; the identity loss has weight 1."""
    ema_decay: Annotated[float, SCHEDULE] = 0.0
    """Decay of an exponential moving average of the weights, which then is the result; 0 for none."""
    validate_every: Annotated[int, OUTPUT] = 10
    """Epochs between two scorings of the validation split, where there is one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("triplet_margin", "triplet_weight", "alignment_weight", "teacher_weight"):
            require(self, name, 0 <= getattr(self, name) < math.inf, "it cannot be negative, and must be finite")
        require_one_of(self, "alignment", Alignment)
        for name in ("label_smoothing", "ema_decay"):
            require(self, name, 0 <= getattr(self, name) < 1, "it lies from 0 up to, not including, 1")
        require(self, "validate_every", self.validate_every >= 1, "it must be at least 1")
