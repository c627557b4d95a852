"""Loading of batches from the second epoch on, compared with decoding in every epoch: `python benchmarks/feeding.py`."""

import argparse
import os
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from paired import ROUNDS, Row, Step, compare, require_agreement, write_table
from PIL import Image
from textbook import TextbookImages
from torch.utils.data import DataLoader

from msinet.batches.augmentation import Augmentation
from msinet.batches.image_cache import open_cache
from msinet.batches.loading import Batches, Draw, RecordImages
from msinet.data.records import ImageRecord

SIZE, IMAGES, BATCH = (256, 256), 512, 64
EPOCHS_A_STEP = 4  # many more batches than workers prefetch while the other side is timed
EPOCHS = EPOCHS_A_STEP * (ROUNDS + 1)  # one run, which starts its workers once


def make_images(folder: Path) -> None:
    """Write JPEGs of about 250x220 pixels, as large as VeRi-776's: smooth colours with some detail."""
    random = np.random.default_rng(0)
    for number in range(IMAGES):
        size = int(random.normal(250, 25)), int(random.normal(220, 25))
        coarse = Image.fromarray(random.integers(0, 256, (28, 32, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
        pixels = np.asarray(coarse) + random.normal(0, 4, (size[1], size[0], 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number:04}.jpg", quality=90)


def ours(folder: Path, workers: int, cache: Path, augment: bool = True) -> Step:
    """Return some epochs of msinet, with the cache that the first epoch made."""
    os.environ["XDG_CACHE_HOME"] = str(cache)
    records = [ImageRecord(path, "one") for path in sorted(folder.iterdir())]
    decoded = open_cache([record.path for record in records], SIZE)
    assert decoded
    images = RecordImages(records, SIZE, caches={SIZE: decoded})
    starts = range(0, IMAGES, BATCH)
    draws = [[Draw(i, epoch, i, 0) for i in range(s, s + BATCH)] for epoch in range(EPOCHS) for s in starts]
    run = iter(Batches(images, draws, Augmentation() if augment else None, workers=workers))

    def step() -> list:
        return [batch.images.mean((2, 3)).tolist() for batch in islice(run, EPOCHS_A_STEP * len(starts))]

    return step


def textbook(folder: Path, workers: int, augment: bool = True) -> Step:
    """Return some epochs of the textbook version."""
    dataset = TextbookImages(sorted(folder.iterdir()), SIZE, augment)
    order = [range(start, start + BATCH) for _ in range(EPOCHS) for start in range(0, IMAGES, BATCH)]
    run = iter(DataLoader(dataset, batch_sampler=order, num_workers=workers))

    def step() -> list:
        return [images.mean((2, 3)).tolist() for images in islice(run, EPOCHS_A_STEP * IMAGES // BATCH)]

    return step


def main() -> None:
    """Measure and write the table."""
    torch.multiprocessing.set_sharing_strategy("file_system")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        make_images(Path(folder))
        kilobytes = sum(path.stat().st_size for path in Path(folder).iterdir()) / IMAGES / 1024
        plain = (ours, Path(folder), 0, Path(cache), False), (textbook, Path(folder), 0, False)
        require_agreement("feeding", *plain, 1e-2)
        rows: list[Row] = []
        for workers in (0, 2):
            sides = (ours, Path(folder), workers, Path(cache)), (textbook, Path(folder), workers)
            rows += compare(f"{workers} workers", *sides, (">= 2", ""))
    write_table(
        "Feeding images",
        "python benchmarks/feeding.py",
        rows,
        f"{EPOCHS_A_STEP} epochs of {IMAGES} JPEGs of about 250x220 pixels ({kilobytes:.0f} KB), in batches of {BATCH} "
        "at 256x256, flipped, cropped, erased and normalised. Without augmentation, mean colours of both sides agree to "
        "1 %: they resize alike up to rounding.",
    )


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
