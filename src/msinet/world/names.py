"""Names of a world's images: vehicle, camera and time of each."""

from typing import NamedTuple

import numpy as np

from msinet.world.settings import WorldSettings

VEHICLES, CAMERAS, IMAGES, TIMES, TRAFFIC = range(5)
"""Streams of random numbers."""

FRAMES_APART = 4
"""Frames between two images of a pass."""


class Pass(NamedTuple):
    """A vehicle's pass through a camera's view."""

    camera: int
    names: list[str]
    """Names of its images, in order of time."""


def passes(settings: WorldSettings, identity: int) -> list[Pass]:
    """Return a vehicle's passes by camera; it passes one camera after another."""
    rng = np.random.default_rng((settings.seed, TIMES, identity))
    frame = int(rng.integers(90_000))
    found = []
    for camera in rng.permutation(settings.cameras):
        frame += int(rng.integers(200, 2_000))
        prefix, count = f"{identity + 1:04d}_c{camera + 1:03d}", settings.images_per_camera
        found.append(Pass(int(camera), [f"{prefix}_{frame + FRAMES_APART * i:08d}_{i}.jpg" for i in range(count)]))
        frame += FRAMES_APART * (count - 1)
    return sorted(found)
