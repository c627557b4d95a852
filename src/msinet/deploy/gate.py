"""The gate of an export: what a file's vectors must agree with before it takes its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from msinet.batches.augmentation import normalise
from msinet.deploy.predictor import Predictor
from msinet.model.network import Network

SHEET = Path(__file__).with_name("check_images.webp")
"""Synthetic vehicles, `SHEET_ROWS` x `SHEET_COLUMNS` crops without space between them."""

SHEET_ROWS, SHEET_COLUMNS = 8, 8

BATCHES = (1, 7)
"""Batch sizes that an export is tried at."""


@dataclass(frozen=True)
class Agreement:
    """How far the vectors of a file agree with those of the network."""

    images: int
    cosine: float
    """Smallest cosine between both vectors of an image, over all images and batch sizes."""
    worst: int
    """Position of that image."""


def agreement(network: Network, predictor: Predictor, pixels: np.ndarray) -> Agreement:
    """Compare the vectors of a network with those of its file.

    Args:
        network: the network, which computes in float32 on the processor.
        predictor: the file.
        pixels: (N, H, W, 3) uint8 at the network's size.
    """
    expected = vectors_of(network, pixels)
    cosines = np.ones(len(pixels))
    for size in BATCHES:
        found = np.concatenate([predictor.vectors(pixels[i : i + size]) for i in range(0, len(pixels), size)])
        cosines = np.minimum(cosines, (found * expected).sum(1))
    worst = int(np.where(np.isnan(cosines), -np.inf, cosines).argmin())
    return Agreement(len(pixels), float(np.nan_to_num(cosines[worst], nan=-1.0)), worst)


def vectors_of(network: Network, pixels: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Return the embeddings (N, D) that a network gives to images (N, H, W, 3) uint8, in float32 on the processor."""
    network = network.eval().cpu().float()
    with torch.inference_mode():
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        return torch.cat([network.embed(normalise(some)) for some in images.split(batch_size)]).numpy()


def shipped_images() -> Sequence[Image.Image]:
    """Return the images that ship for the gate, of mode RGB."""
    with Image.open(SHEET) as opened:
        sheet = opened.convert("RGB")
    width, height = sheet.width // SHEET_COLUMNS, sheet.height // SHEET_ROWS
    corners = [(column * width, row * height) for row in range(SHEET_ROWS) for column in range(SHEET_COLUMNS)]
    return [sheet.crop((x, y, x + width, y + height)) for x, y in corners]
