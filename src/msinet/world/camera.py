"""Cameras at a road: their place, light and road, and how they distort colours and boxes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msinet.world.road import Road, draw_road
from msinet.world.weather import WEATHERS, Light, Weather, draw_light


@dataclass(frozen=True)
class Camera:
    """A camera: everything that differs between cameras and is the same in all images of one."""

    eye: NDArray
    """(3,) place in metres; the road's middle is y = 0, and vehicles pass x = 0 in the middle of the view."""
    weather: Weather
    light: Light
    road: Road
    lanes: tuple[float, ...]
    """Middles of the lanes in which vehicles drive, across."""
    sharpness: float
    """Pixels of a car's longest side, as a share of the image size."""
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
    """Length of the motion blur in metres."""
    halo: float
    """Strength of sharpening."""
    quality: int
    """Quality of the JPEG."""
    margin: float
    """Error of the detector's boxes, as a share of their size."""
    crowd: float
    """Probability of each neighbouring vehicle."""
    obstacle: float
    """Probability of a pole in front."""


def draw_camera(seed: tuple[int, ...], city: str, difficulty: float) -> Camera:
    """Return the camera of a seed."""
    rng = np.random.default_rng(seed)

    def between(mild: float, hard: float) -> float:
        return mild + (hard - mild) * difficulty

    city = str(rng.choice(list(WEATHERS))) if city == "mixed" else city
    weather = WEATHERS[city]
    lanes, road = draw_road(rng)
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
    )
