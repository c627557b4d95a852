"""Resizing, augmentation and normalisation of images.

Each image is resized to 8 bits, which can be cached. Flips, crops, zoom, colours, erased rectangles and normalisation apply
to a whole batch on its device, with random numbers drawn for each image beforehand.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as torchvision

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's channels, as is usual in the field."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of the channels in a grey value (ITU-R BT.601)."""

ATTEMPTS = 10
"""Rectangles drawn per image; the first that fits is erased."""

AREA, ASPECT = (0.02, 0.4), (0.3, 3.3)
"""Ranges of a rectangle's share of the image, and of its height over width."""

COLOURS = slice(3, 6)
RECTANGLES = slice(6, 6 + 2 * ATTEMPTS)
ERASING = slice(RECTANGLES.stop, RECTANGLES.stop + 3)
ZOOM = slice(ERASING.stop, ERASING.stop + 5)
NUMBERS = ZOOM.stop
"""Random numbers per image: flip, crop (2), colours (3), rectangles (2 each), erasing and its place (2), zoom (5)."""


def resize(image: Image, image_size: tuple[int, int]) -> np.ndarray:
    """Return an RGB image resized to (height, width): (H, W, 3) uint8."""
    pixels = torchvision.resize(torchvision.pil_to_tensor(image), list(image_size), antialias=True)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy())


def normalise(images: Tensor) -> Tensor:
    """Return images (B, 3, H, W) uint8 as float32, normalised by each channel's mean and standard deviation."""
    return _normalise(images.to(torch.float32))


@dataclass(frozen=True)
class Augmentation:
    """Random flips, crops, zoom, colours and erased rectangles of a batch."""

    padding: float = 10 / 256
    """Largest shift of a crop as a share of the height; the border is black."""
    zoom: float = 0.0
    """Strength of random zoom: each side of what is seen is up to exp(zoom) times longer or shorter, half of that alike for
    both sides. Pixels at the border are repeated."""
    color_jitter: float = 0.0
    """Strength of random brightness and contrast, and three quarters of it for saturation."""
    erasing: float = 0.5
    """Probability that a rectangle (2 to 40 % of the area, aspect 0.3 to 3.3) is filled with the mean colour."""

    def __call__(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Augment and normalise.

        Args:
            images: (B, 3, H, W) uint8, channels last in memory, on any device.
            drawn: (B, NUMBERS) float64 from 0 to 1, on the CPU.

        Returns:
            (B, 3, H, W) float32, channels last in memory.
        """
        numbers = drawn.tolist()
        cropped = self._flip_and_crop(images, numbers)
        cropped = self._zoom(cropped, drawn[:, ZOOM]) if self.zoom else cropped
        colours = self._colours(cropped, drawn) if self.color_jitter else cropped.to(torch.float32)
        return self._erase(_normalise(colours), numbers)

    def _flip_and_crop(self, images: Tensor, numbers: list[list[float]]) -> Tensor:
        margin = round(self.padding * images.shape[2])
        padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, margin, margin, margin, margin))  # (B, H, W, 3)
        height, width = images.shape[2:]
        cropped = torch.empty((len(images), height, width, 3), dtype=images.dtype, device=images.device)
        for image, whole, (flips, y, x, *_) in zip(cropped, padded, numbers, strict=True):
            top, left = int(y * (2 * margin + 1)), int(x * (2 * margin + 1))
            window = whole[top : top + height, left : left + width]
            image.copy_(window.flip(1) if flips < 0.5 else window)
        return cropped.permute(0, 3, 1, 2)

    def _zoom(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Show a window that lies in the image where it is smaller, and around it where it is larger; drawn: (B, 5)."""
        drawn = (2 * drawn - 1).to(images.device, torch.float32, non_blocking=True)
        own, both, place = drawn.split((2, 1, 2), 1)
        sides = (self.zoom / 2 * (own + both)).exp()  # (B, 2): width, height
        windows = torch.cat([sides.diag_embed(), (place * (1 - sides).abs())[:, :, None]], 2)  # (B, 2, 3)
        grid = F.affine_grid(windows, list(images.shape), align_corners=False)
        seen = F.grid_sample(images.to(torch.float32), grid, padding_mode="border", align_corners=False)
        return seen.round_().to(torch.uint8).contiguous(memory_format=torch.channels_last)

    def _colours(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Apply brightness, contrast around the image's mean grey, and saturation as one linear map of the colours."""
        drawn = drawn[:, COLOURS].to(images.device, non_blocking=True)
        factors = 1 + self.color_jitter * _constant((1, 1, 0.75), images.device) * (2 * drawn - 1)  # (B, 3)
        brightness, contrast, saturation = factors.T[:, :, None, None]
        luma = _constant(LUMA, images.device)
        # Sums of integers: the same on every device and with any number of threads.
        grey = images.sum((2, 3), dtype=torch.int64).double() @ luma / images[0, 0].numel()  # (B,)
        mixing = saturation * torch.eye(3, dtype=torch.float64, device=images.device) + (1 - saturation) * luma
        mixing = (brightness * contrast * mixing).float()  # (B, 3, 3)
        shift = (brightness * (1 - contrast) * grey[:, None, None]).float()  # (B, 1, 1)
        pixels = images.permute(0, 2, 3, 1).flatten(1, 2).to(torch.float32)  # (B, H * W, 3)
        return torch.baddbmm(shift, pixels, mixing.mT).clamp_(0, 255).unflatten(1, images.shape[2:]).permute(0, 3, 1, 2)

    def _erase(self, images: Tensor, numbers: list[list[float]]) -> Tensor:
        height, width = images.shape[2:]
        for image, own in zip(images, numbers, strict=True):
            chance, y, x = own[ERASING]
            if chance < self.erasing and (rectangle := _rectangle(own[RECTANGLES], height, width)):
                h, w = rectangle
                top, left = int(y * (height - h + 1)), int(x * (width - w + 1))
                image[:, top : top + h, left : left + w] = 0.0  # After normalisation the mean colour is 0.
        return images


def draw_numbers(seed: tuple[int, ...]) -> np.ndarray:
    """Return the random numbers that fix the augmentation of one image: (NUMBERS,) float64 from 0 to 1."""
    return np.random.default_rng(seed).random(NUMBERS)


def _rectangle(numbers: list[float], height: int, width: int) -> tuple[int, int] | None:
    """Return the first rectangle (h, w) that fits into the image."""
    low, high = (math.log(aspect) for aspect in ASPECT)
    for share, aspect in zip(numbers[::2], numbers[1::2], strict=True):
        area = height * width * (AREA[0] + share * (AREA[1] - AREA[0]))
        aspect = math.exp(low + aspect * (high - low))
        h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < h < height and 0 < w < width:
            return h, w
    return None


def _normalise(colours: Tensor) -> Tensor:
    """Scale colours (B, 3, H, W) float32 from 0 to 255, in place."""
    rows = colours.permute(0, 2, 3, 1).flatten(2)  # (B, H, W * 3): channels last, so nothing is copied
    width, device = colours.shape[3], colours.device
    scale = _constant(tuple(1 / (255 * std) for std in STD), device).repeat(width).float()
    shift = _constant(tuple(-mean / std for mean, std in zip(MEAN, STD, strict=True)), device).repeat(width).float()
    return rows.mul_(scale).add_(shift).unflatten(2, (width, 3)).permute(0, 3, 1, 2)


@cache
def _constant(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Return numbers as float64 on a device, sent there once: sending makes the processor wait for a GPU."""
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=torch.float64, device=device)
