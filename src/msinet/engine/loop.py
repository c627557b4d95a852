"""What search and training have in common: steps, epochs, means for the log, checkpoints, Ctrl-C."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor

from msinet.data.batches import Batches, RecordImages, TrainingDraws, labels_of
from msinet.data.identity_sampler import IdentitySampler
from msinet.data.image_cache import ImageCache, find_cache, open_cache
from msinet.data.records import ImageRecord
from msinet.data.transforms import Augmentation
from msinet.engine.checkpoint import RunFolder
from msinet.engine.runtime import Progress, mean_of_processes, not_finite, stop_on_interrupt
from msinet.engine.settings import LoopSettings
from msinet.errors import DatasetError

T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """A step's losses on their way from the device."""

    step: int
    names: tuple[str, ...]
    values: Tensor
    """(names,) on the CPU; to be read when `arrived` has come."""
    arrived: torch.cuda.Event | None
    shown: Mapping[str, "Shown"]


class Shown(NamedTuple):
    """The images that a loss was taken of."""

    positions: Tensor
    """(B,) among the records."""
    records: Sequence[ImageRecord]


class Loop:
    """Counts the steps of a run and keeps it restartable.

    Args:
        folder: where checkpoints and log go.
        tensors: gives everything that a checkpoint has to hold.
        total: steps of the run.
        steps_per_epoch: steps of an epoch.
        progress: is told of every step.
        accelerator: sends the log to a tracker, if one is set.
    """

    def __init__(
        self,
        folder: RunFolder,
        tensors: Callable[[], dict[str, Tensor]],
        total: int,
        steps_per_epoch: int,
        progress: Progress,
        accelerator: Accelerator,
    ) -> None:
        self.folder = folder
        self.tensors = tensors
        self.total = total
        self.steps_per_epoch = steps_per_epoch
        self.progress = progress
        self.accelerator = accelerator
        self.step = 0
        self.sums: dict[str, float] = {}
        self.seconds = 0.0
        self.readings: deque[Reading] = deque()
        # A GPU computes the next step while the losses of this one are read.
        self.late = 1 if accelerator.device.type == "cuda" else 0

    def resume(self, restore: Callable[[dict[str, Tensor]], None]) -> bool:
        """Go on from the folder's checkpoint, and tell whether there is one."""
        if not (resumed := self.folder.resume()):
            return False
        tensors, values = resumed
        restore(tensors)
        self.step, self.sums, self.seconds = values["step"], values["sums"], values["seconds"]
        return True

    def over(self, batches: Iterable[T], what: str) -> Iterator[T]:
        """Yield the batches that are left; after each, count, and write a checkpoint where one is due.

        Raises:
            KeyboardInterrupt: after Ctrl-C, the step in hand and a checkpoint.
        """
        self.progress.start(what, self.total, self.step)
        with stop_on_interrupt(self.accelerator) as stop:
            started = time.monotonic()
            for batch in batches:
                yield batch
                if self.ends_epoch:
                    self.sums = {}
                self.step += 1
                stops = self._any(stop.requested)
                if stops or self.folder.due() or self.step == self.total:
                    self.read()
                    now = time.monotonic()
                    self.seconds, started = self.seconds + now - started, now
                    self.folder.save(self.tensors(), step=self.step, sums=self.sums, seconds=self.seconds)
                if stops:
                    raise KeyboardInterrupt

    def _any(self, condition: bool) -> bool:
        """Whether it holds in any process: all have to stop after the same step."""
        if self.accelerator.num_processes == 1:
            return condition
        return mean_of_processes(self.accelerator, torch.tensor(float(condition), device=self.accelerator.device)).item() > 0

    @property
    def epoch(self) -> int:
        """The epoch in hand, from 0."""
        return self.step // self.steps_per_epoch

    @property
    def ends_epoch(self) -> bool:
        """Whether the step in hand is its epoch's last."""
        return (self.step + 1) % self.steps_per_epoch == 0

    def record(self, losses: Mapping[str, Tensor], shown: Mapping[str, Shown]) -> None:
        """Take the step's losses: for the progress, and for the epoch's means.

        Args:
            losses: by name, scalars on the device.
            shown: the images of those that have to be finite.

        Raises:
            TrainingError: a loss of this step or, on a GPU, of the one before is not finite.
        """
        values, arrived = torch.stack(list(losses.values())).detach(), None
        if values.is_cuda:
            host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            values, arrived = host.copy_(values, non_blocking=True), torch.cuda.Event()
            arrived.record()
        self.readings.append(Reading(self.step, tuple(losses), values, arrived, shown))
        self.read(self.late)

    def read(self, later: int = 0) -> None:
        """Wait for all losses but so many of the last steps, and look at them."""
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
            self.progress.advance(**values)

    def log_epoch(self, **more: object) -> None:
        """Write the epoch's means, and more, to the log and the tracker."""
        self.read()
        means = {name: value / self.steps_per_epoch for name, value in self.sums.items()}
        self.folder.log(epoch=self.epoch + 1, **means, **more)
        numbers = {name: value for name, value in (means | more).items() if isinstance(value, int | float)}
        self.accelerator.log(numbers, step=self.epoch + 1)


def make_sampler(records: Sequence[ImageRecord], settings: LoopSettings) -> IdentitySampler:
    """Return the sampler that cuts epochs of these records into batches.

    Raises:
        DatasetError: there are no records.
        SettingsError: there are too few identities for a batch.
    """
    if not records:
        raise DatasetError("there is nothing to train on: the training split is empty")
    return IdentitySampler(labels_of(records), settings.identities_per_batch, settings.images_per_identity, settings.seed)


def make_batches(
    records: Sequence[ImageRecord],
    sampler: IdentitySampler,
    settings: LoopSettings,
    accelerator: Accelerator,
    loop: Loop,
    caches: Mapping[tuple[int, int], ImageCache],
    stream: int = 0,
    among: Sequence[str] | None = None,
) -> Batches:
    """Return the augmented batches that are left of a run, this process' share of each.

    Streams with different numbers augment independently. Labels count the identities of the records, or those of `among`.
    """
    small = settings.small_epochs * loop.steps_per_epoch, settings.small_image_size
    images = RecordImages(records, settings.image_size, (settings.seed, stream), small, caches, among)
    draws = TrainingDraws(sampler, loop.step, loop.total, (accelerator.process_index, accelerator.num_processes))
    augmentation = Augmentation(settings.padding, settings.color_jitter, settings.erasing)
    return Batches(images, draws, augmentation, accelerator.device, settings.workers)


def open_caches(
    records: Sequence[ImageRecord], settings: LoopSettings, accelerator: Accelerator, progress: Progress
) -> dict[tuple[int, int], ImageCache]:
    """Return the decoded images in the sizes that the run needs; one process of each machine makes what is not there."""
    if not settings.image_cache:
        return {}
    paths = list({record.path for record in records})
    sizes = {settings.image_size} | ({settings.small_image_size} if settings.small_epochs else set())
    caches = {}
    for size in sorted(sizes):
        start = partial(progress.start, f"decode images at {size[0]}x{size[1]}")
        if accelerator.is_local_main_process:
            caches[size] = open_cache(paths, size, start, progress.advance)
        accelerator.wait_for_everyone()
        if not accelerator.is_local_main_process:
            caches[size] = find_cache(paths, size)
    return {size: cache for size, cache in caches.items() if cache}
