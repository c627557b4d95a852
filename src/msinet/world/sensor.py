"""Lens, sensor and compression: from light to a JPEG."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from msinet.world.camera import Camera
from msinet.world.mesh import Floats


def develop(light: Floats, camera: Camera, motion: NDArray, rng: np.random.Generator) -> bytes:
    """Return light (H, W, 3) as JPEG, blurred along a motion in pixels (right, down)."""
    height, width = light.shape[:2]
    light = _smear(light, motion)
    if camera.weather.lamps:
        bright = np.minimum(np.maximum(light - 1.2, 0), 6)
        near, wide = _blur(bright, 0.02 * max(width, height) + 0.5), _blur(bright, 0.07 * max(width, height))
        light = (light + 0.05 * near + 0.02 * wide).astype(np.float32)
    light = _blur(light, camera.focus)
    gain = camera.weather.exposure / (camera.light.level * float(camera.road.asphalt.mean()))
    colours = light * (gain * camera.exposure * camera.gains).astype(np.float32)
    grey = colours @ np.array([0.3, 0.59, 0.11], np.float32)
    colours = np.maximum(grey[..., None] + camera.saturation * (colours - grey[..., None]), 0)
    if camera.weather.streaks:
        colours = _rain(colours, camera.weather.streaks, rng)
    spread = camera.noise * np.sqrt(np.maximum(colours, 0.02) / 0.18)
    colours = colours + spread * rng.standard_normal(colours.shape, np.float32)
    colours = np.maximum(colours, 0)
    shoulder = 0.62
    colours = np.where(
        colours < shoulder, colours, shoulder + (1 - shoulder) * (1 - np.exp(-(colours - shoulder) / (1 - shoulder)))
    )
    values = colours ** np.float32(camera.gamma / 2.2)
    values = values + camera.halo * (values - _blur(values, 1.0))
    out = io.BytesIO()
    Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)).save(out, "JPEG", quality=camera.quality)
    return out.getvalue()


def _kernel(sigma: float) -> Floats:
    reach = max(1, int(2.5 * sigma + 0.5))
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    return (weights / weights.sum()).astype(np.float32)


def _blur(image: Floats, sigma: float) -> Floats:
    """Blur (H, W, 3) by a Gaussian."""
    if sigma < 0.25:
        return image
    weights = _kernel(sigma)
    reach = len(weights) // 2
    for axis in (0, 1):
        padded = np.pad(image, [(reach, reach) if a == axis else (0, 0) for a in range(3)], mode="edge")
        length = image.shape[axis]
        shifts = (padded[i : i + length] if axis == 0 else padded[:, i : i + length] for i in range(len(weights)))
        image = sum(w * part for w, part in zip(weights, shifts, strict=True))  # pyright: ignore[reportAssignmentType]
    return image


def _smear(image: Floats, way: NDArray) -> Floats:
    """Blur (H, W, 3) along a way in pixels (right, down)."""
    steps = int(np.ceil(np.linalg.norm(way)))
    if steps < 1:
        return image
    height, width = image.shape[:2]
    total = np.zeros_like(image)
    for part in np.linspace(-0.5, 0.5, steps + 1):
        dx, dy = np.rint(way * part).astype(int)
        rows, columns = np.clip(np.arange(height) - dy, 0, height - 1), np.clip(np.arange(width) - dx, 0, width - 1)
        total += image[rows][:, columns]
    return (total / (steps + 1)).astype(np.float32)


def _rain(image: Floats, streaks: float, rng: np.random.Generator) -> Floats:
    """Draw raindrops: short bright lines."""
    height, width = image.shape[:2]
    image = image.copy()
    slope = rng.normal(0, 0.12)
    for _ in range(rng.poisson(streaks * height * width / 1000)):
        x, y = rng.uniform(0, width), rng.uniform(-5, height)
        length, strength = rng.uniform(0.05, 0.16) * height, rng.uniform(0.02, 0.09)
        rows = np.arange(max(0, int(y)), min(height, int(y + length)))
        columns = np.clip((x + slope * (rows - y)).astype(int), 0, width - 1)
        image[rows, columns] += np.float32(strength)
    return image
