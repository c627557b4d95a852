"""Settings for networks that learn in seconds."""

from typing import Any

import pytest
import torch

from msinet.data.batches import Batch
from msinet.engine.settings import SearchSettings, TrainSettings

TINY: dict[str, Any] = {
    "image_height": 32,
    "image_width": 32,
    "width": 0.25,
    "epochs": 2,
    "identities_per_batch": 4,
    "images_per_identity": 2,
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "warmup_epochs": 0.5,
    "device": "cpu",
    "precision": "fp32",
}


@pytest.fixture(scope="session")
def search_settings() -> SearchSettings:
    """A search of two epochs at 32 x 32 pixels."""
    return SearchSettings(**TINY, cells_per_stage=1)


@pytest.fixture(scope="session")
def train_settings() -> TrainSettings:
    """A training of two epochs at 32 x 32 pixels."""
    return TrainSettings(**TINY)


@pytest.fixture
def batches() -> list[Batch]:
    """A batch for the weights and one for the alphas: 4 identities x 2 images of noise."""
    random = torch.Generator().manual_seed(3)
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    return [Batch(torch.randn(8, 3, 32, 32, generator=random), labels, labels * 0, labels) for _ in range(2)]


class StopAfter:
    """Progress that presses Ctrl-C after so many steps of a piece of work."""

    def __init__(self, what: str, steps: int) -> None:
        self.what, self.left, self.now = what, steps, ""

    def start(self, what: str, total: int, done: int = 0) -> None:
        self.now = what

    def advance(self, **values: float) -> None:
        if self.now == self.what:
            self.left -= 1
            if self.left == 0:
                import signal

                signal.raise_signal(signal.SIGINT)


@pytest.fixture
def stop_after() -> type[StopAfter]:
    """The class above."""
    return StopAfter
