"""Surface points that rays hit: place, normal, colour, material and openness to the sky, compiled by numba.

All is in the frame of the staged vehicle: metres, x forwards, z up, the road at z = 0.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from msinet.compiling import compiled, compiled_inline
from msinet.world.mesh import Floats

GROUND, SKY = 254, 255
"""Materials of rays that hit no triangle."""

SRGB = (np.arange(256) / 255.0).astype(np.float32)
LINEAR = np.where(SRGB <= 0.04045, SRGB / 12.92, ((SRGB + 0.055) / 1.055) ** 2.4).astype(np.float32)
"""(256,) linear light by sRGB value."""


class Hits(NamedTuple):
    """Rays and the triangles that they hit."""

    origins: Floats
    """(N, 3)."""
    directions: Floats
    """(N, 3), unit length."""
    far: Floats
    """(N,) distance to the triangle."""
    triangle: NDArray[np.int32]
    """(N,) number of the triangle, -1 where none is hit."""
    u: Floats
    v: Floats
    """(N,) place on the triangle."""


class Objects(NamedTuple):
    """Triangles that rays can hit, and the ground around the staged vehicle."""

    corners: Floats
    """(T, 3, 3)."""
    normals: Floats
    """(T, 3, 3)."""
    uv: Floats
    """(T, 3, 2)."""
    openness: Floats
    """(T, 3) share of the sky that the corners see."""
    which: NDArray[np.int32]
    """(T,) number of the triangle's paint."""
    paints: NDArray[np.uint8]
    """(paints, H, W, 4) sRGB and material."""
    ground_openness: Floats
    """(rows, columns) share of the sky that the ground around the vehicle sees."""
    ground_area: Floats
    """(4,) area of that ground: least x, least y, and extents."""


class Points(NamedTuple):
    """Surface points, one per ray."""

    places: Floats
    """(N, 3)."""
    facing: Floats
    """(N, 3) normals."""
    albedo: Floats
    """(N, 3) linear colour; of the ground still black."""
    material: NDArray[np.uint8]
    """(N,) a `Material`, GROUND or SKY."""
    openness: Floats
    """(N,) share of the sky that the point sees."""


@compiled
def surfaces(hits: Hits, objects: Objects) -> Points:
    """Return the surface points of rays: on the triangle that is hit, otherwise on the ground or in the sky."""
    count = len(hits.origins)
    points = Points(
        np.zeros((count, 3), np.float32),
        np.zeros((count, 3), np.float32),
        np.zeros((count, 3), np.float32),
        np.empty(count, np.uint8),
        np.ones(count, np.float32),
    )
    for n in range(count):
        dz = hits.directions[n, 2]
        down = -hits.origins[n, 2] / dz if dz < -1e-4 else np.float32(1e9)
        if hits.triangle[n] >= 0 and not down < hits.far[n]:
            _on_triangle(hits, objects, n, points)
        elif down > 400:
            points.material[n] = SKY
        else:
            _on_ground(hits, objects, n, down, points)
    return points


@compiled_inline
def _on_triangle(hits: Hits, objects: Objects, n: int, points: Points) -> None:
    """Fill in point n on the triangle that its ray hits."""
    t, b, c = hits.triangle[n], hits.u[n], hits.v[n]
    a = 1 - b - c
    corners, normals, uv, openness = objects.corners[t], objects.normals[t], objects.uv[t], objects.openness[t]
    place, facing = points.places[n], points.facing[n]
    size = np.float32(0)
    for k in range(3):
        place[k] = a * corners[0, k] + b * corners[1, k] + c * corners[2, k]
        facing[k] = a * normals[0, k] + b * normals[1, k] + c * normals[2, k]
        size += facing[k] ** 2
    size = math.sqrt(size) + np.float32(1e-9)
    towards = np.float32(0)
    for k in range(3):
        facing[k] /= size
        towards += facing[k] * hits.directions[n, k]
    if towards > 0:  # Seen from behind, at a silhouette.
        for k in range(3):
            facing[k] -= 2 * towards * hits.directions[n, k]
    points.openness[n] = a * openness[0] + b * openness[1] + c * openness[2]
    column = a * uv[0, 0] + b * uv[1, 0] + c * uv[2, 0] - np.float32(0.5)
    row = a * uv[0, 1] + b * uv[1, 1] + c * uv[2, 1] - np.float32(0.5)
    points.material[n] = _look_up(objects.paints[objects.which[t]], column, row, points.albedo[n])


@compiled_inline
def _look_up(paint: NDArray[np.uint8], column: float, row: float, albedo: Floats) -> int:
    """Write the colour at a place between texels, and return the nearest texel's material."""
    i, j = max(min(int(column), paint.shape[1] - 2), 0), max(min(int(row), paint.shape[0] - 2), 0)
    p, q = min(max(column - i, 0), 1), min(max(row - j, 0), 1)
    for k in range(3):
        albedo[k] = (LINEAR[paint[j, i, k]] * (1 - p) + LINEAR[paint[j, i + 1, k]] * p) * (1 - q) + (
            LINEAR[paint[j + 1, i, k]] * (1 - p) + LINEAR[paint[j + 1, i + 1, k]] * p
        ) * q
    return paint[j + (q > 0.5), i + (p > 0.5), 3]


@compiled_inline
def _on_ground(hits: Hits, objects: Objects, n: int, down: float, points: Points) -> None:
    """Fill in point n on the ground, at a distance along its ray."""
    x, y = hits.origins[n, 0] + down * hits.directions[n, 0], hits.origins[n, 1] + down * hits.directions[n, 1]
    points.places[n, 0], points.places[n, 1] = x, y
    points.facing[n, 2] = 1
    points.material[n] = GROUND
    area, grid = objects.ground_area, objects.ground_openness
    gx = (x - area[0]) / area[2] * (grid.shape[1] - 1)
    gy = (y - area[1]) / area[3] * (grid.shape[0] - 1)
    if 0 <= gx < grid.shape[1] - 1 and 0 <= gy < grid.shape[0] - 1:
        i, j = int(gx), int(gy)
        a, b = gx - i, gy - j
        points.openness[n] = (grid[j, i] * (1 - a) + grid[j, i + 1] * a) * (1 - b) + (
            grid[j + 1, i] * (1 - a) + grid[j + 1, i + 1] * a
        ) * b
