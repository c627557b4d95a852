"""Images -> tensors: augmented for training, plain for embedding."""

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor
from torchvision.transforms import v2

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""ImageNet's mean and standard deviation of the channels, the field's custom."""


def embedding_transform(image_size: tuple[int, int]) -> v2.Transform:
    """Return the transform of a PIL image to a (3, H, W) float32 tensor, resized and normalised."""
    return v2.Compose([v2.PILToTensor(), v2.Resize(image_size, antialias=True), *_to_normalised()])


def training_transform(
    image_size: tuple[int, int], padding: float = 10 / 256, color_jitter: float = 0.0, erasing: float = 0.5
) -> v2.Transform:
    """Return the same with random flips, crops, colours and erased rectangles.

    Args:
        image_size: (height, width) in pixels.
        padding: crops move by up to this share of the height; what comes in is black.
        color_jitter: strength of random brightness and contrast, and three quarters of it for saturation.
        erasing: chance that a rectangle (2 to 40 % of the area, aspect 0.3 to 3.3) is filled with the mean colour.
    """
    steps: list[v2.Transform] = [v2.PILToTensor(), v2.Resize(image_size, antialias=True), v2.RandomHorizontalFlip()]
    if pixels := round(padding * image_size[0]):
        steps.append(v2.RandomCrop(image_size, padding=pixels))
    if color_jitter:
        steps.append(v2.ColorJitter(color_jitter, color_jitter, 0.75 * color_jitter))
    steps += _to_normalised()
    if erasing:
        # After normalisation the mean colour is 0.
        steps.append(v2.RandomErasing(erasing, scale=(0.02, 0.4), ratio=(0.3, 3.3), value=0.0))
    return v2.Compose(steps)


def apply_seeded(transform: v2.Transform, image: Image, seed: tuple[int, ...]) -> Tensor:
    """Apply a random transform as the seed says, whatever happened before and in whichever process."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(_mix(seed))  # torch.manual_seed would seed every device: a millisecond.
    try:
        return transform(image)
    finally:
        torch.set_rng_state(before)


def _to_normalised() -> list[v2.Transform]:
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]


def _mix(seed: tuple[int, ...]) -> int:
    """Hash integers to one of 63 bits, the same in every process."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> np.uint64(1))
