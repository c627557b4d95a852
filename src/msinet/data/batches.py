"""Records -> batches. What a batch looks like follows from (seed, epoch, position) alone, not from who made it."""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from msinet.data.identity_sampler import IdentitySampler
from msinet.data.images import load_image
from msinet.data.records import ImageRecord, identities
from msinet.data.transforms import apply_seeded, embedding_transform
from msinet.errors import SettingsError


@dataclass(frozen=True)
class Batch:
    """Images and what is known of them."""

    images: Tensor
    """(B, 3, H, W) float32, normalised, channels last in memory."""
    identities: Tensor
    """(B,) int64, position of the identity among the sorted identities of the records."""
    cameras: Tensor
    """(B,) int64, position of the camera among the sorted cameras; -1 where unknown."""
    positions: Tensor
    """(B,) int64, which records these are."""

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        return Batch(*(getattr(self, name).to(device, non_blocking=True) for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.identities)


def labels_of(records: Sequence[ImageRecord]) -> list[int]:
    """Return each record's identity as its position among the sorted identities."""
    labels = {identity: label for label, identity in enumerate(identities(records))}
    return [labels[record.identity] for record in records]


class Draw(NamedTuple):
    """One image to be shown: which record, and what fixes its augmentation."""

    record: int
    epoch: int
    position: int
    """In the epoch."""
    batch: int
    """Number of its batch in the whole run."""


class RecordImages(Dataset):
    """The images of records, transformed; asked for by `Draw`.

    Args:
        records: whose images.
        transform: of a PIL image to a tensor.
        seed: integers that with epoch and position fix what a random transform does.
        early: another transform, for so many batches at first.
    """

    def __init__(
        self,
        records: Sequence[ImageRecord],
        transform: v2.Transform,
        seed: tuple[int, ...] = (0,),
        early: tuple[int, v2.Transform | None] = (0, None),
    ) -> None:
        self.records = records
        self.transform = transform
        self.early_batches, self.early_transform = early
        self.seed = seed
        cameras = {camera: label for label, camera in enumerate(sorted({r.camera for r in records if r.camera}))}
        self.identities = labels_of(records)
        self.cameras = [cameras[record.camera] if record.camera else -1 for record in records]

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, int, int, int]:
        image = load_image(self.records[draw.record].path)
        early = self.early_transform if draw.batch < self.early_batches else None
        tensor = apply_seeded(early or self.transform, image, (*self.seed, draw.epoch, draw.position))
        return tensor, self.identities[draw.record], self.cameras[draw.record], draw.record


class TrainingDraws:
    """The draws of a run's batches, epoch after epoch.

    Args:
        sampler: cuts the epochs into batches.
        start: number of the first batch, where a run goes on.
        stop: number of the batch after the last.
        share: (which, of how many) process this is; each gets its part of the identities of every batch.
    """

    def __init__(self, sampler: IdentitySampler, start: int, stop: int, share: tuple[int, int] = (0, 1)) -> None:
        if sampler.identities_per_batch % share[1]:
            raise SettingsError(f"{sampler.identities_per_batch} identities a batch do not divide by {share[1]} processes")
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


def training_batches(images: RecordImages, draws: TrainingDraws, workers: int = 0) -> DataLoader:
    """Return a loader of the draws' batches; the same batches at any number of workers."""
    return _loader(images, draws, workers)


def embedding_batches(
    records: Sequence[ImageRecord], image_size: tuple[int, int], batch_size: int = 64, workers: int = 0
) -> DataLoader:
    """Return a loader of all records in order, without augmentation."""
    draws = [Draw(record, 0, record, 0) for record in range(len(records))]
    batches = [draws[i : i + batch_size] for i in range(0, len(draws), batch_size)]
    return _loader(RecordImages(records, embedding_transform(image_size)), batches, workers)


def _loader(images: RecordImages, batches: TrainingDraws | list[list[Draw]], workers: int) -> DataLoader:
    return DataLoader(
        images,
        batch_sampler=batches,  # pyright: ignore[reportArgumentType]: a draw is what `images` is asked by
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=False,
        worker_init_fn=_start_worker,
    )


def _start_worker(worker: int) -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process' business.


def _collate(samples: list[tuple[Tensor, int, int, int]]) -> Batch:
    images, *labels = zip(*samples, strict=True)
    stacked = torch.stack(images).contiguous(memory_format=torch.channels_last)
    return Batch(stacked, *(torch.tensor(column) for column in labels))
