"""Roads: lanes, markings, surface and verge, drawn for one camera."""

from typing import NamedTuple

import numpy as np

from msinet.world.mesh import Floats

LANE = 3.3
"""Width of a lane in metres."""


class Road(NamedTuple):
    """A road and the ground beside it. Lengths are metres."""

    frame: Floats
    """(4,) cosine and sine of the vehicle's heading, and its place on the road (along, across)."""
    asphalt: Floats
    """(3,) albedo."""
    grain: float
    """Unevenness of the asphalt's brightness."""
    edges: Floats
    """(2,) edges of the carriageway, across."""
    lines: Floats
    """(lines, 6): place across, width, length of a dash (0 is solid), red, green, blue."""
    zebra: Floats
    """(2,) start and end of a crossing, along."""
    verge: int
    """0 grass, 1 pavement, 2 gravel."""
    verge_colour: Floats
    """(3,) albedo."""
    patch: Floats
    """(5,) repaired place: along, across, length, width, brightness."""


def draw_road(rng: np.random.Generator) -> tuple[tuple[float, ...], Road]:
    """Return the middles of the lanes (across) and the road."""
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
