"""Lofted bodies of cars, vans, pickups, buses and of the cabs of trucks and lorries."""

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from msinet.world.mesh import loft

STATIONS = 64
"""Sections along a body."""

NOSE_ROUND = 0.55
"""Distance from the nose in metres at which the plan starts to narrow."""

RING = 26
"""Points of half a section, from the middle of the floor to the middle of the roof."""


@dataclass(frozen=True)
class BodyShape:
    """Outline of a body. Places are metres behind its nose, heights are metres above the road."""

    length: float
    width: float
    height: float
    cowl: tuple[float, float]
    """Lower edge of the windscreen: (place, height)."""
    roof: tuple[float, float]
    """Start and end of the roof."""
    deck: tuple[float, float]
    """Lower edge of the rear window: (place, height)."""
    nose: float
    """Height of the bonnet's front edge."""
    tail: float
    """Height of the body's rear edge."""
    belt: float
    """Height of the side windows' lower edge."""
    wheels: tuple[float, ...]
    """Places of the axles."""
    wheel_radius: float = 0.31
    clearance: float = 0.19
    roof_drop: float = 0.05
    """Descent of the roof up to its end."""
    lean: float = 0.2
    """Inward lean of the side windows at the roof, in metres."""
    tail_round: float = 0.4
    """Distance from the tail at which the plan starts to narrow."""
    square: float = 3.0
    """Exponent of the narrowing: a large one gives square corners."""
    ends: float = 0.86
    """Width at nose and tail as a share of the width."""

    def top(self, places: NDArray) -> NDArray:
        """Return the height of the middle line at places along the body."""
        (cowl, cowl_z), (start, stop), (deck, deck_z) = self.cowl, self.roof, self.deck
        middle = (start + stop) / 2
        points = [
            (-0.3, self.nose - 0.28),
            (0.0, self.nose - 0.12),
            (0.12, self.nose),
            (cowl, cowl_z),
            (start, self.height - 0.03),
            (middle, self.height),
            (stop, self.height - self.roof_drop),
            (deck, deck_z),
            (max(self.length - 0.06, deck + 0.02), self.tail),
            (self.length + 0.02, self.tail - 0.16),
            (self.length + 0.4, self.tail - 0.3),
        ]
        fine = np.arange(-0.3, self.length + 0.4, 0.01)
        height = np.interp(fine, *np.array(sorted(points)).T)
        for _ in range(2):
            height = np.convolve(np.pad(height, 6, mode="edge"), np.ones(13) / 13, "valid")
        return np.interp(places, fine, height)

    def half_width(self, places: NDArray) -> NDArray:
        """Return half the width at places along the body."""
        front = np.clip(1 - places / NOSE_ROUND, 0, 1) ** self.square
        back = np.clip(1 - (self.length - places) / self.tail_round, 0, 1) ** self.square
        return self.width / 2 * (1 - (1 - self.ends) * (front + back))

    def x(self, place: float) -> float:
        """Return a place along the body as x."""
        return self.length / 2 - place

    def z(self, place: float) -> float:
        """Return the height of the middle line at a place."""
        return float(self.top(np.array([place]))[0])

    def y(self, place: float) -> float:
        """Return half the width at a place."""
        return float(self.half_width(np.array([place]))[0])

    def roof_half_width(self, place: float) -> float:
        """Return half the width at the roof's edge at a place."""
        return self.y(place) - self.lean


def body(shape: BodyShape, dents: NDArray | None = None) -> trimesh.Trimesh:
    """Return the skin of a body with dents (D, 5) in its sides: x, y, z, radius and depth in metres."""
    ends = np.array([0.0, 0.02, 0.06, 0.12, 0.2, 0.3])
    middle = np.linspace(0.42, shape.length - 0.42, STATIONS - 2 * len(ends))
    places = np.concatenate([ends, middle, shape.length - ends[::-1]])
    rings = np.stack([_ring(shape, *at) for at in zip(places, shape.top(places), shape.half_width(places), strict=True)])
    # Round ends: a last, smaller section a little further out.
    caps = []
    for section, way in ((rings[0], 1.0), (rings[-1], -1.0)):
        centre = section.mean(0)
        cap = centre + (section - centre) * [1, 0.93, 0.9]
        caps.append(cap + [0.025 * way, 0, 0])
    skin = loft(np.concatenate([caps[:1], rings, caps[1:]]))
    for *place, radius, depth in [] if dents is None else dents:
        away = np.asarray(skin.vertices) - place
        push = np.exp(-((np.linalg.norm(away, axis=1) / radius) ** 2)) * depth
        skin.vertices = skin.vertices - push[:, None] * [0, np.sign(place[1]), 0]
    return skin


def _ring(shape: BodyShape, place: float, top: float, half: float) -> NDArray:
    """Return the section at a place, up to a height and half width: (2 * RING - 2, 3)."""
    into = min(place, shape.length - place)
    floor = shape.clearance + 0.09 * np.clip(1 - into / 0.35, 0, 1) ** 2
    belt = min(shape.belt, top - 0.06)
    glass = top - belt
    lean = shape.lean * np.clip(glass / (shape.height - shape.belt), 0, 1)
    shoulder = half * 0.965
    roof = max(shoulder - lean, 0.2 * half)
    outline = np.array(
        [
            (0, floor),
            (0.8 * half, floor),
            (0.96 * half, floor + 0.05),
            (0.99 * half, floor + 0.16),
            (half, floor + 0.55 * (belt - floor)),
            (0.995 * half, belt - 0.08),
            (shoulder, belt),
            (shoulder - 0.3 * (shoulder - roof), belt + 0.35 * glass),
            (shoulder - 0.66 * (shoulder - roof), belt + 0.7 * glass),
            (roof, belt + 0.9 * glass),
            (0.93 * roof, belt + 0.965 * glass),
            (0.72 * roof, top - 0.008),
            (0, top),
        ]
    )
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(outline, axis=0), axis=1))])
    # More points at the bends than on the floor and the roof.
    wanted = np.interp(np.linspace(0, len(outline) - 1, RING), np.arange(len(outline)), along)
    y, z = np.interp(wanted, along, outline[:, 0]), np.interp(wanted, along, outline[:, 1])
    y[1:-1], z[1:-1] = (0.25 * v[:-2] + 0.5 * v[1:-1] + 0.25 * v[2:] for v in (y, z))
    x = np.full(RING, shape.x(place))
    half_ring = np.column_stack([x, y, z])
    return np.concatenate([half_ring, half_ring[-2:0:-1] * [1, -1, 1]])
