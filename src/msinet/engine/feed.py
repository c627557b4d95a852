"""Training images of a run, epoch after epoch: sampled by identity, cached, augmented."""

import logging
from collections.abc import Mapping, Sequence

from msinet.batches.augmentation import Augmentation
from msinet.batches.identity_sampler import IdentitySampler
from msinet.batches.image_cache import ImageCache, find_cache, open_cache
from msinet.batches.loading import Batches, RecordImages, TrainingDraws, labels_of
from msinet.data.records import ImageRecord
from msinet.engine.machine import Machine
from msinet.engine.settings import LoopSettings
from msinet.errors import DatasetError

logger = logging.getLogger(__name__)

Caches = Mapping[tuple[int, int], ImageCache]
"""Decoded images by (height, width)."""


class Feed:
    """Records that a run learns from, cut into batches of P identities x K images.

    Args:
        records: the images.
        settings: of the run.
        among: identities that the labels count; by default those of the records.
        stream: number of the feed; feeds with different numbers augment independently.

    Raises:
        DatasetError: there are no records.
        SettingsError: there are too few identities for a batch.
    """

    def __init__(
        self, records: Sequence[ImageRecord], settings: LoopSettings, among: Sequence[str] | None = None, stream: int = 0
    ) -> None:
        if not records:
            raise DatasetError("there is nothing to train on: the training split is empty")
        self.records, self.settings, self.among, self.stream = records, settings, among, stream
        self.sampler = IdentitySampler(
            labels_of(records), settings.identities_per_batch, settings.images_per_identity, settings.seed
        )

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self.sampler)

    def work(self, steps: range) -> float:
        """Return what some steps of a run cost, in steps with images of full size: by the number of pixels."""
        height, width = self.settings.small_image_size
        share = height * width / (self.settings.image_height * self.settings.image_width)
        small = max(0, min(steps.stop, self.settings.small_epochs * len(self)) - steps.start)
        return len(steps) - small * (1 - share)

    def batches(self, steps: range, machine: Machine, caches: Caches) -> Batches:
        """Return the augmented batches of some steps of a run, this process's share of each."""
        settings = self.settings
        if settings.small_epochs >= settings.epochs and machine.is_first and self.stream == 0:
            numbers = settings.small_epochs, settings.epochs, *settings.small_image_size
            logger.warning("small_epochs is %d of %d epochs: all images are %dx%d pixels, none of the full size", *numbers)
        small = settings.small_epochs * len(self), settings.small_image_size
        seed = (settings.seed, self.stream)
        images = RecordImages(self.records, settings.image_size, seed, small, caches, self.among)
        draws = TrainingDraws(self.sampler, steps.start, steps.stop, (machine.process, machine.processes))
        augmentation = Augmentation(settings.padding, settings.zoom, settings.color_jitter, settings.erasing)
        return Batches(images, draws, augmentation, machine.device, machine.workers)


def open_caches(records: Sequence[ImageRecord], settings: LoopSettings, machine: Machine) -> Caches:
    """Return the decoded images in the sizes that a run needs; one process of each computer decodes what is missing."""
    if not settings.image_cache:
        return {}
    paths = list({record.path: record for record in records})
    sizes = {settings.image_size} | ({settings.small_image_size} if settings.small_epochs else set())
    caches = {}
    for size in sorted(sizes):
        if machine.is_first_here:
            caches[size] = open_cache(paths, size)
        machine.wait()
        if not machine.is_first_here:
            caches[size] = find_cache(paths, size)
    return {size: cache for size, cache in caches.items() if cache}
