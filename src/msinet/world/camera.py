"""A camera at a road: where it hangs, and what it does to colours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msinet.world.shading import Light, Road
from msinet.world.weather import WEATHERS, Weather, draw_light

LANE = 3.3
"""Metres."""


@dataclass(frozen=True)
class Camera:
    """A camera. All that differs between cameras, and nothing that differs between images of one."""

    eye: NDArray
    """(3,) metres; the road's middle is y = 0, and vehicles pass x = 0 in the middle of its view."""
    weather: Weather
    light: Light
    road: Road
    lanes: tuple[float, ...]
    """Middles of the lanes in which vehicles drive, across."""
    sharpness: float
    """Pixels of the longest side of a car, in shares of what is asked for."""
    gains: NDArray
    """(3,) white balance."""
    exposure: float
    gamma: float
    saturation: float
    noise: float
    """Standard deviation at middle grey, from 0 to 1."""
    focus: float
    """Standard deviation of the blur in pixels."""
    motion: float
    """Length of the blur of what moves, in metres."""
    halo: float
    """Strength of sharpening."""
    quality: int
    """Of JPEG."""
    margin: float
    """How far the detector's boxes are off, in shares of their size."""
    crowd: float
    """Chance of each neighbour to be there."""
    obstacle: float
    """Chance of a pole in front."""


def draw_camera(seed: tuple[int, ...], city: str, difficulty: float) -> Camera:
    """Return the camera that integers stand for."""
    rng = np.random.default_rng(seed)

    def between(mild: float, hard: float) -> float:
        return mild + (hard - mild) * difficulty

    city = str(rng.choice(list(WEATHERS))) if city == "mixed" else city
    weather = WEATHERS[city]
    lanes, road = _draw_road(rng)
    view = rng.choice(["rear", "front", "side"], p=[between(0.75, 0.45), between(0.2, 0.4), between(0.05, 0.15)])
    angle = {
        "rear": np.pi + rng.normal(0, 0.5),
        "front": rng.normal(0, 0.5),
        "side": rng.choice([-1, 1]) * rng.normal(1.6, 0.25),
    }[str(view)]
    distance = rng.uniform(10, 24)
    eye = np.array([distance * np.cos(angle), lanes[0] + distance * np.sin(angle), rng.uniform(3.8, 8.5)])
    warmth, tint = rng.normal(0, between(0.12, 0.22)), rng.normal(0, between(0.03, 0.06))
    gains = np.exp([warmth, tint, -warmth])
    return Camera(
        eye=eye,
        weather=weather,
        light=draw_light(weather, rng),
        road=road,
        lanes=lanes,
        sharpness=rng.uniform(between(2.5, 0.55), between(3.0, 1.8)),
        gains=gains / gains.mean(),
        exposure=float(np.exp(rng.normal(0, between(0.15, 0.35)))),
        gamma=float(np.exp(rng.normal(0, between(0.07, 0.2)))),
        saturation=rng.uniform(between(0.8, 0.4), between(1.05, 1.2)),
        noise=rng.uniform(0.003, between(0.01, 0.028)),
        focus=rng.uniform(0.25, between(0.5, 0.85)),
        motion=rng.uniform(0.0, between(0.03, 0.15)),
        halo=rng.uniform(0, 0.5),
        quality=int(rng.uniform(between(82, 38), between(94, 85))),
        margin=between(0.025, 0.1),
        crowd=between(0.15, 0.4),
        obstacle=between(0.02, 0.2),
    )  # fmt: skip


def _draw_road(rng: np.random.Generator) -> tuple[tuple[float, ...], Road]:
    """Return the middles of the lanes and the road."""
    count = int(rng.integers(1, 4))
    lanes = tuple(LANE * (i + 0.5) for i in range(count))
    oncoming = int(rng.integers(0, 3))
    left, right = -LANE * oncoming - 0.4, LANE * count + rng.uniform(0.3, 1.5)
    white, yellow = (0.58, 0.58, 0.56), (0.55, 0.4, 0.1)
    dash = float(rng.choice([2.0, 3.0, 4.0]))
    lines = [(LANE * i, 0.13, dash, *white) for i in range(-oncoming + 1, count) if i]
    if oncoming:
        middle = yellow if rng.random() < 0.5 else white
        lines += [(-0.12, 0.12, 0.0, *middle), (0.12, 0.12, 0.0, *middle)]
    lines += [(left + 0.3, 0.13, 0.0, *white), (LANE * count, 0.13, 0.0, *white)]
    grey = rng.uniform(0.09, 0.24)
    zebra = rng.uniform(-6, 6) if rng.random() < 0.2 else 1e6
    colours = np.array([(0.08, 0.1, 0.05), (0.3, 0.28, 0.26), (0.2, 0.17, 0.13)])
    verge = int(rng.integers(3))
    road = Road(
        frame=np.array([1, 0, 0, 0], np.float32),
        asphalt=(grey * np.exp(rng.normal(0, 0.03, 3))).astype(np.float32),
        grain=float(rng.uniform(0.12, 0.4)),
        edges=np.array([left, right], np.float32),
        lines=np.array(lines, np.float32),
        zebra=np.array([zebra, zebra + 3.2], np.float32),
        verge=verge,
        verge_colour=(colours[verge] * np.exp(rng.normal(0, 0.2, 3) * [1, 0.6, 1])).astype(np.float32),
        patch=np.array(
            [rng.uniform(-4, 4), rng.choice(lanes), rng.uniform(0.8, 2.5), rng.uniform(0.4, 1.4), rng.uniform(0.7, 1.2)],
            np.float32,
        ),
    )
    return lanes, road
