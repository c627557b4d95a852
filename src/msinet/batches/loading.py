"""Batches from records: labels, draws, loading in worker processes, normalised tensors on a device.

A batch follows from (seed, epoch, position) alone: resumed runs and any number of workers give the same bytes.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from msinet.batches.augmentation import Augmentation, draw_numbers, normalise, resize
from msinet.batches.identity_sampler import IdentitySampler
from msinet.batches.image_cache import ImageCache
from msinet.batches.workers import WorkerError, Workers
from msinet.data.pixels import load_image
from msinet.data.records import ImageRecord, identities
from msinet.errors import SettingsError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """Images with their labels."""

    images: Tensor
    """(B, 3, H, W) float32, normalised, channels last in memory."""
    identities: Tensor
    """(B,) int64, position of the identity among the sorted identities of the records, or among given ones."""
    cameras: Tensor
    """(B,) int64, position of the camera among the sorted cameras; -1 where unknown."""
    positions: Tensor
    """(B,) int64, position of the record among the records."""

    def __len__(self) -> int:
        return len(self.identities)


def labels_of(records: Sequence[ImageRecord], among: Sequence[str] | None = None) -> list[int]:
    """Return each record's identity as its position among `among`, by default the records' sorted identities."""
    labels = {identity: label for label, identity in enumerate(identities(records) if among is None else among)}
    return [labels[record.identity] for record in records]


class Draw(NamedTuple):
    """One image of a batch: its record, and the numbers that fix its augmentation and size."""

    record: int
    """Position of the record."""
    epoch: int
    position: int
    """Position of the image in the epoch."""
    batch: int
    """Number of the batch in the whole run."""


class RecordImages:
    """Resized images of records with the random numbers of their augmentation, by `Draw`.

    Args:
        records: records of the images.
        image_size: (height, width) in pixels.
        seed: integers that with epoch and position fix an image's augmentation.
        small: number of initial batches at another size, and that size.
        caches: decoded images by size; without one, files are decoded each time.
        among: identities that labels count; by default those of the records.
    """

    def __init__(
        self,
        records: Sequence[ImageRecord],
        image_size: tuple[int, int],
        seed: tuple[int, ...] = (0,),
        small: tuple[int, tuple[int, int]] = (0, (0, 0)),
        caches: Mapping[tuple[int, int], ImageCache] | None = None,
        among: Sequence[str] | None = None,
    ) -> None:
        self.records = records
        self.image_size = image_size
        self.small_batches, self.small_size = small
        self.seed = seed
        self.caches = caches or {}
        cameras = {camera: label for label, camera in enumerate(sorted({r.camera for r in records if r.camera}))}
        self.identities = labels_of(records, among)
        self.cameras = [cameras[record.camera] if record.camera else -1 for record in records]

    def __len__(self) -> int:
        return len(self.records)

    @property
    def decoded(self) -> bool:
        """Whether caches hold the images in every size."""
        sizes = {self.image_size, self.small_size} if self.small_batches else {self.image_size}
        return sizes <= self.caches.keys()

    def __getitem__(self, wanted: Draw) -> tuple[np.ndarray, np.ndarray, int, int, int]:
        path = self.records[wanted.record].path
        size = self.small_size if wanted.batch < self.small_batches else self.image_size
        image = self.caches[size][path] if size in self.caches else resize(load_image(path), size)
        numbers = draw_numbers((*self.seed, wanted.epoch, wanted.position))
        return image, numbers, self.identities[wanted.record], self.cameras[wanted.record], wanted.record


class TrainingDraws:
    """The draws of a run's batches, epoch after epoch.

    Args:
        sampler: cuts the epochs into batches.
        start: number of the first batch, larger than 0 in a resumed run.
        stop: number of the batch after the last.
        share: number of this process and number of processes; each gets whole identities of every batch.

    Raises:
        SettingsError: the identities of a batch do not divide by the processes.
    """

    def __init__(self, sampler: IdentitySampler, start: int, stop: int, share: tuple[int, int] = (0, 1)) -> None:
        if sampler.identities_per_batch % share[1]:
            raise SettingsError(
                f"identities_per_batch is {sampler.identities_per_batch}: it must divide by the {share[1]} processes",
                "identities_per_batch",
            )
        self.sampler = sampler
        self.start = start
        self.stop = stop
        self.share = share

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[Draw]]:
        which, processes = self.share
        batches, drawn = np.empty((0, 0), int), -1
        for number in range(self.start, self.stop):
            epoch, position = divmod(number, len(self.sampler))
            if epoch != drawn:
                batches, drawn = self.sampler.epoch(epoch), epoch
            size = batches.shape[1] // processes
            own = range(which * size, (which + 1) * size)
            yield [Draw(int(batches[position, i]), epoch, position * batches.shape[1] + i, number) for i in own]


class Batches:
    """Batches on a device, augmented there.

    Where workers cannot be started or are killed, half as many go on, at last none: the batches stay the same.

    Args:
        images: the images.
        draws: the draws of each batch.
        augmentation: augmentation of the batches; None only normalises.
        device: device of the batches, by default the CPU.
        workers: processes that load images, 0 for none; they do not change the batches. Cached images need none.
    """

    def __init__(
        self,
        images: RecordImages,
        draws: TrainingDraws | list[list[Draw]],
        augmentation: Augmentation | None = None,
        device: torch.device | None = None,
        workers: int = 0,
    ) -> None:
        self.augmentation = augmentation
        self.device = device or torch.device("cpu")
        self.workers = 0 if images.decoded else workers  # Sending cached images costs more than reading them.
        self.draws = draws
        self.load = partial(load_batch, images)

    def __len__(self) -> int:
        return len(self.draws)

    def __iter__(self) -> Iterator[Batch]:
        for pixels, numbers, *labels in self._loaded():
            images = pixels.to(self.device, non_blocking=True).permute(0, 3, 1, 2)
            finished = self.augmentation(images, numbers) if self.augmentation else normalise(images)
            yield Batch(finished, *(column.to(self.device, non_blocking=True) for column in labels))

    def _loaded(self) -> Iterator[list[Tensor]]:
        """Yield each batch as tensors of the CPU."""
        done = 0
        while self.workers and done < len(self):
            try:
                with Workers(self.load, self.draws, done, min(self.workers, len(self) - done), self._pinned) as workers:
                    for ready in range(len(self) - done):
                        yield workers.batch(ready)
                        done += 1
            except WorkerError as error:
                # What this process cannot load either is an error of the images, not of the workers.
                yield self._load(next(islice(self.draws, done, None)))
                done += 1
                self._lose_workers(error)
        for wanted in islice(self.draws, done, None):
            yield self._load(wanted)

    @property
    def _pinned(self) -> bool:
        return self.device.type == "cuda"

    def _load(self, wanted: list[Draw]) -> list[Tensor]:
        columns = [torch.from_numpy(column) for column in self.load(wanted)]
        return [column.pin_memory() for column in columns] if self._pinned else columns

    def _lose_workers(self, error: WorkerError) -> None:
        before, self.workers = self.workers, self.workers // 2
        logger.warning(
            "%s: going on with workers %d instead of %d, with the same results; where this happens again, set fewer workers "
            "or smaller batches, or raise the limits on memory (docker run --memory), processes (ulimit -u) and open files "
            "(ulimit -n)",
            *(error, self.workers, before),
        )


def embedding_batches(
    images: RecordImages,
    batch_size: int = 64,
    device: torch.device | None = None,
    workers: int = 0,
    order: Sequence[int] | None = None,
) -> Batches:
    """Return batches without augmentation: of all images in their order, or of the positions in `order`."""
    draws = [Draw(record, 0, record, 0) for record in (range(len(images)) if order is None else order)]
    batches = [draws[i : i + batch_size] for i in range(0, len(draws), batch_size)]
    return Batches(images, batches, None, device, workers)


def load_batch(images: RecordImages, wanted: list[Draw]) -> list[np.ndarray]:
    """Return a batch as arrays: (B, H, W, 3) uint8, random numbers, identities, cameras, positions.

    Raises:
        DatasetError: an image cannot be read.
    """
    return [np.stack(column) for column in zip(*(images[draw] for draw in wanted), strict=True)]
