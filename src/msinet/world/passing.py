"""Passes of a vehicle: its place on the road in each image, and the objects around it."""

from typing import NamedTuple

import numpy as np

from msinet.world.camera import Camera
from msinet.world.road import LANE
from msinet.world.vehicles import Vehicle

STRETCH = 8.0
"""Longest way of a pass in metres."""

NEAREST = 2.5
"""Least distance along the road, in metres, between a vehicle's nose and a camera ahead of it."""


class Moment(NamedTuple):
    """Everything in one image but the camera."""

    place: tuple[float, float]
    """Place of the vehicle, along and across the road, in metres."""
    heading: float
    """Heading of the vehicle in radians."""
    brakes: bool
    others: tuple[tuple[Vehicle, float, float], ...]
    """Vehicles around, with their places along and across."""
    pole: tuple[float, float, float] | None
    """Pole in front: along, across, radius."""


def draw_pass(
    camera: Camera, vehicle: Vehicle, traffic: list[Vehicle], count: int, rng: np.random.Generator
) -> list[Moment]:
    """Return the moments of a pass, each a little further along the road."""
    lane = float(rng.choice(camera.lanes[:2]))
    start, step = rng.uniform(-2.5, 1.5), rng.uniform(0.8, 2.2)
    across, heading = lane + rng.normal(0, 0.2), rng.normal(0, 0.02)
    if len(camera.lanes) > 1 and rng.random() < 0.08:  # It changes lanes.
        heading += rng.choice([-1, 1]) * rng.uniform(0.04, 0.1)
    others = []
    length = vehicle.footprint[0]
    for side in (-1, 0, 1):
        y = lane + side * LANE
        if camera.road.edges[0] < y - 1 and y + 1 < camera.road.edges[1] and traffic and rng.random() < camera.crowd:
            other = traffic[rng.integers(len(traffic))]
            gap = (length + other.footprint[0]) / 2 + rng.uniform(2.0, 7.0)
            x = rng.choice([-1, 1]) * gap if side == 0 else rng.uniform(-gap, gap)
            others.append((other, start + x, y + rng.normal(0, 0.15)))
    brakes = bool(rng.random() < 0.3)
    pole = None
    if rng.random() < camera.obstacle:
        way, aside = rng.uniform(0.35, 0.75), rng.uniform(-0.9, 0.9)
        towards = camera.eye[:2] - [start, across]
        normal = np.array([-towards[1], towards[0]]) / np.linalg.norm(towards)
        x, y = np.array([start, across]) + way * towards + aside * normal
        pole = (float(x), float(y), rng.uniform(0.04, 0.11))
    if count > 1:
        step = min(step, _room(camera, vehicle, start) / (count - 1))
    moments = []
    for ahead in step * np.arange(count):
        place = (start + ahead, across + ahead * np.sin(heading))
        around = tuple((other, x + ahead, y) for other, x, y in others)  # They drive along with it.
        moments.append(Moment(place, heading, brakes, around, pole))
    return moments


def _room(camera: Camera, vehicle: Vehicle, start: float) -> float:
    """Return the way in metres on which the camera sees the vehicle: it never goes beneath a camera ahead."""
    before_camera = camera.eye[0] - vehicle.footprint[0] / 2 - NEAREST - start
    return float(np.clip(before_camera, 0.5, STRETCH)) if camera.eye[0] > start else STRETCH
