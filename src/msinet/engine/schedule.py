"""Learning rates over the epochs: warm-up, steps, cosine."""

from collections.abc import Iterable

import torch

from msinet.engine.settings import LoopSettings


def learning_rate_at(settings: LoopSettings, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of the weights at a step: linear warm-up from a hundredth, then steps or a cosine."""
    return settings.learning_rate * _factor(settings, step / steps_per_epoch)


def _factor(settings: LoopSettings, epoch: float) -> float:
    if epoch < settings.warmup_epochs:
        return 0.01 + 0.99 * epoch / settings.warmup_epochs
    if settings.schedule == "steps":
        return step_factor(settings.milestones, epoch)
    done = (epoch - settings.warmup_epochs) / max(settings.epochs - settings.warmup_epochs, 1e-9)
    return 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * done))))


def step_factor(milestones: Iterable[int], epoch: float) -> float:
    """Return a tenth for each milestone passed."""
    return 0.1 ** sum(epoch >= milestone for milestone in milestones)
