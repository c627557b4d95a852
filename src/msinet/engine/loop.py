"""What search and training have in common: steps, epochs, means for the log, checkpoints."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from msinet.data.records import ImageRecord
from msinet.engine.checkpoint import RunFolder
from msinet.engine.estimate import Estimate
from msinet.engine.interrupts import Stop
from msinet.engine.machine import Log, Machine
from msinet.errors import TrainingError, listed
from msinet.progress import begin


class Shown(NamedTuple):
    """The images that a loss was computed on."""

    positions: Tensor
    """(B,) among the records."""
    records: Sequence[ImageRecord]


@dataclass(frozen=True)
class Reading:
    """A step's losses on their way from the device."""

    step: int
    names: tuple[str, ...]
    values: Tensor
    """(names,) on the CPU; valid once `arrived` has happened."""
    arrived: torch.cuda.Event | None
    shown: Mapping[str, Shown]


class Loop:
    """The counts of a run: its step, the means of the epoch under way, the time spent.

    Args:
        folder: where checkpoints and log go.
        total: steps of the run.
        steps_per_epoch: steps of an epoch.
        machine: the processes that have to stop together.
    """

    def __init__(self, folder: RunFolder, total: int, steps_per_epoch: int, machine: Machine) -> None:
        self.folder = folder
        self.total = total
        self.steps_per_epoch = steps_per_epoch
        self.machine = machine
        self.step = 0
        self.sums: dict[str, float] = {}
        self.seconds = 0.0
        self.readings: deque[Reading] = deque()

    def resume(self) -> dict[str, Tensor] | None:
        """Go on from the folder's checkpoint and return its tensors; None where there is no checkpoint."""
        if not (found := self.folder.resume()):
            return None
        self.step, self.sums, self.seconds = (found.values[name] for name in ("step", "sums", "seconds"))
        return found.tensors

    def begin(self, what: str, work: Callable[[range], float] = len, then: str = "") -> None:
        """Start the clock and the progress bar.

        Args:
            what: name of the work.
            work: what some steps cost beside others, for the estimate of the time.
            then: what follows, which the estimate does not count, in words.
        """
        steps, has_gpu = range(self.step, self.total), self.machine.device.type == "cuda"
        self.estimate = Estimate(what, steps, self.steps_per_epoch, work, has_gpu, then)
        self.bar = begin(what, self.total, self.step)
        self.started = time.monotonic()

    @property
    def epoch(self) -> int:
        """The epoch under way, from 1."""
        return self.step // self.steps_per_epoch + 1

    @property
    def ends_epoch(self) -> bool:
        """Whether the step under way is the last of its epoch."""
        return (self.step + 1) % self.steps_per_epoch == 0

    @property
    def ends_run(self) -> bool:
        """Whether the step under way is the last of all."""
        return self.step + 1 == self.total

    def record(self, losses: Mapping[str, Tensor], shown: Mapping[str, Shown]) -> None:
        """Take the step's losses, for the progress bar and for the means of the epoch.

        Args:
            losses: scalars on the device, by name.
            shown: the images behind the losses that have to be finite.

        Raises:
            TrainingError: a loss of this step or, on a GPU, of the step before is not finite.
        """
        values, arrived = torch.stack(list(losses.values())).detach(), None
        if values.is_cuda:
            host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            values, arrived = host.copy_(values, non_blocking=True), torch.cuda.Event()
            arrived.record()
        self.readings.append(Reading(self.step, tuple(losses), values, arrived, shown))
        self.read(self.machine.steps_read_late)

    def read(self, later: int = 0) -> None:
        """Wait for the losses of all steps but the last `later`, and look at them."""
        while len(self.readings) > later:
            reading = self.readings.popleft()
            if reading.arrived:
                reading.arrived.synchronize()
            values = dict(zip(reading.names, reading.values.tolist(), strict=True))
            for name, (positions, records) in reading.shown.items():
                if not math.isfinite(values[name]):
                    raise not_finite(values[name], [records[i] for i in positions.tolist()], reading.step)
            for name, value in values.items():
                self.sums[name] = self.sums.get(name, 0.0) + value
            self.bar.advance(**values)

    def log_epoch(self, log: Log, **more: object) -> None:
        """Write the means of the epoch that ends, and more, to the log file and to a tracker."""
        self.read()
        means = {name: value / self.steps_per_epoch for name, value in self.sums.items()}
        self.folder.log(epoch=self.epoch, **means, **more)
        log({name: value for name, value in (means | more).items() if isinstance(value, int | float)}, self.epoch)
        self.sums = {}

    def end_step(self, stop: Stop) -> bool:
        """Count the step as done, and return whether the processes stop after it: all of them, if one was asked to."""
        self.step += 1
        if self.machine.is_first:
            self.estimate.count(self.step)
        return self.machine.any(stop.requested)

    @property
    def save_is_due(self) -> bool:
        """Whether a checkpoint is to be written: after some minutes, and at the end."""
        return self.folder.due() or self.step == self.total

    def save(self, tensors: Mapping[str, Tensor]) -> None:
        """Write a checkpoint of all that was learned and of the counts."""
        self.read()
        now = time.monotonic()
        self.seconds, self.started = self.seconds + now - self.started, now
        self.folder.save(tensors, step=self.step, sums=self.sums, seconds=self.seconds)


def not_finite(loss: float, records: Sequence[ImageRecord], step: int) -> TrainingError:
    """Return the error of a run whose loss is not finite; it names the images of the batch."""
    paths = listed([record.path for record in records])
    return TrainingError(
        f"the loss is {loss} at step {step}: lower learning_rate or lengthen warmup_epochs, "
        f"and look at the images of this batch:{paths}",
        "learning_rate",
        "warmup_epochs",
    )
