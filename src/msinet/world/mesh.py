"""Triangle meshes and their makers: lofts, tubes, limbs, rounded boxes, ellipsoids, lathes.

Lengths are metres. x points forwards along the road, y to the left, z up; a vehicle stands on z = 0 with its centre at
x = y = 0.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import trimesh
from numpy.typing import NDArray

from msinet.compiling import compiled

Floats = NDArray[np.float32]
Point = Sequence[float] | NDArray
"""(x, y, z)."""

CREASE = math.cos(math.radians(35))
"""Cosine of the angle between faces above which an edge stays sharp; below it the surface is shaded smoothly."""


class Mesh(NamedTuple):
    """Triangles with the normals and the paint of their corners."""

    corners: Floats
    """(T, 3, 3)."""
    normals: Floats
    """(T, 3, 3), unit length, of the smooth surface."""
    uv: Floats
    """(T, 3, 2): texel of each corner (column, row)."""

    def moved(self, offset: Point = (0, 0, 0), heading: float = 0.0) -> "Mesh":
        """Return the mesh rotated about z by radians, then shifted."""
        c, s = np.cos(heading), np.sin(heading)
        turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)
        return Mesh(self.corners @ turn + np.asarray(offset, np.float32), self.normals @ turn, self.uv)


def join(meshes: Iterable[Mesh]) -> Mesh:
    """Return several meshes as one."""
    return Mesh(*(np.concatenate(parts) for parts in zip(*meshes, strict=True)))


def mesh_of(shape: trimesh.Trimesh, uv: tuple[float, float] = (0, 0)) -> Mesh:
    """Return a shape painted with one texel."""
    vertices, faces = np.asarray(shape.vertices, np.float32), np.asarray(shape.faces)
    corners = vertices[faces]
    return Mesh(corners, _corner_normals(vertices, faces), np.broadcast_to(np.array(uv, np.float32), (len(faces), 3, 2)))


def _corner_normals(vertices: Floats, faces: NDArray) -> Floats:
    """Return the corners' normals: the average of the faces around a corner that meet its own without a crease."""
    order = np.argsort(faces.ravel(), kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(faces.ravel(), minlength=len(vertices)))])
    edges = vertices[faces[:, 1:]] - vertices[faces[:, :1]]
    return _average_around(np.cross(edges[:, 0], edges[:, 1]), faces, order // 3, starts)


@compiled
def _average_around(areas: Floats, faces: NDArray, around: NDArray, starts: NDArray) -> Floats:
    """Return the average of faces' normals around each corner, weighted by area: (T, 3, 3).

    Args:
        areas: (T, 3) normals as long as twice the area.
        faces: (T, 3) vertices.
        around: faces of the first vertex, then of the second, and so on.
        starts: (V + 1,) position of each vertex' first face in `around`.
    """
    sizes = np.sqrt((areas**2).sum(1)) + np.float32(1e-12)
    normals = np.zeros((len(faces), 3, 3), np.float32)
    for face in range(len(faces)):
        for corner in range(3):
            vertex, normal = faces[face, corner], normals[face, corner]
            for other in around[starts[vertex] : starts[vertex + 1]]:
                if (areas[face] * areas[other]).sum() >= CREASE * sizes[face] * sizes[other]:
                    normal += areas[other]
            size = np.sqrt((normal**2).sum())
            normal /= size if size > 0 else np.float32(1)
    return normals


def loft(rings: NDArray) -> trimesh.Trimesh:
    """Return the closed skin over rings of points (S, R, 3); fans fill the first and the last ring."""
    stations, points = rings.shape[:2]
    index = np.arange(stations * points).reshape(stations, points)
    a, b = index[:-1], index[1:]
    c, d = np.roll(b, -1, 1), np.roll(a, -1, 1)
    sides = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    first, last = stations * points, stations * points + 1
    front = np.stack([np.full(points, first), index[0], np.roll(index[0], -1)], -1)
    back = np.stack([np.full(points, last), np.roll(index[-1], -1), index[-1]], -1)
    vertices = np.concatenate([rings.reshape(-1, 3), rings[:1].mean(1), rings[-1:].mean(1)])
    shape = trimesh.Trimesh(vertices, np.concatenate([sides, front, back]), process=False)
    return _outwards(shape)


def tube(spine: Sequence[Point], radii: Sequence[Point] | NDArray, points: int = 14) -> trimesh.Trimesh:
    """Return a loft of ellipses along a spine of points (x, y, z), with round ends.

    Args:
        spine: (S, 3) centres of the ellipses.
        radii: (S, 2) radii of each ellipse, at a right angle to y and along y: depth and width of a torso.
        points: number of points of an ellipse.
    """
    spine_, radii_ = np.asarray(spine, float), np.asarray(radii, float)
    ways = np.gradient(spine_, axis=0)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    side = np.array([0.0, 1.0, 0.0]) - ways * ways[:, 1:2]
    thin = np.linalg.norm(side, axis=1, keepdims=True) < 0.2
    side = np.where(thin, np.array([1.0, 0.0, 0.0]), side)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    depth = np.cross(side, ways)
    # Half spheres at both ends.
    turns = np.radians([75, 50, 25])
    start = [(spine_[0] - ways[0] * np.sin(t) * radii_[0].min(), 0, np.cos(t)) for t in turns]
    stop = [(spine_[-1] + ways[-1] * np.sin(t) * radii_[-1].min(), -1, np.cos(t)) for t in turns[::-1]]
    stations = [*start, *((point, i, 1.0) for i, point in enumerate(spine_)), *stop]
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    rings = [
        centre
        + scale * (np.outer(np.cos(angles), depth[i] * radii_[i, 0]) + np.outer(np.sin(angles), side[i] * radii_[i, 1]))
        for centre, i, scale in stations
    ]
    return loft(np.stack(rings))


def limb(start: Point, stop: Point, radius: float, end_radius: float | None = None) -> trimesh.Trimesh:
    """Return a round rod, which tapers if the end radius differs."""
    end = radius if end_radius is None else end_radius
    return tube([start, stop], [[radius, radius], [end, end]], points=10)


def box(size: Point, centre: Point, rounding: float = 0.0) -> trimesh.Trimesh:
    """Return a box of (length, width, height); its edges along x may be rounded."""
    if not rounding:
        return trimesh.creation.box(size, trimesh.transformations.translation_matrix(centre))
    x, y, z = np.asarray(size) / 2
    corner = np.linspace(0, np.pi / 2, 4)
    outline = []
    for turn, (sy, sz) in enumerate([(1, 1), (-1, 1), (-1, -1), (1, -1)]):
        angles = corner + turn * np.pi / 2
        outline.append(
            np.stack([sy * (y - rounding) + rounding * np.cos(angles), sz * (z - rounding) + rounding * np.sin(angles)], 1)
        )
    section = np.concatenate(outline)  # (16, 2)
    shrunk = section * (1 - rounding / np.array([y, z]))
    steps = [(x, shrunk), (x - 0.3 * rounding, section * 0.35 + shrunk * 0.65), (x - rounding, section)]
    stations = [*steps, *((-at, outline) for at, outline in reversed(steps))]
    rings = np.stack([np.column_stack([np.full(len(section), at), outline]) for at, outline in stations])
    return loft(rings + np.asarray(centre))


def ellipsoid(radii: Point, centre: Point, fine: int = 2) -> trimesh.Trimesh:
    """Return an ellipsoid by its radii along x, y and z."""
    ball = trimesh.creation.icosphere(subdivisions=fine)
    ball.vertices = ball.vertices * np.asarray(radii) + np.asarray(centre)
    return ball


def lathe(profile: Sequence[Sequence[float]], centre: Point, sections: int = 24) -> trimesh.Trimesh:
    """Return the body of revolution of a profile (radius, y) about an axis along y: a wheel."""
    shape = trimesh.creation.revolve(np.asarray(profile), sections=sections)  # about z
    shape.vertices = shape.vertices[:, [0, 2, 1]] * [1, 1, -1] + np.asarray(centre)
    return _outwards(shape)


def _outwards(shape: trimesh.Trimesh) -> trimesh.Trimesh:
    """Return the closed shape with all faces outwards."""
    a, b, c = np.asarray(shape.vertices)[np.asarray(shape.faces)].transpose(1, 0, 2)
    if np.einsum("tk,tk->", a, np.cross(b, c)) < 0:
        shape.faces = np.asarray(shape.faces)[:, ::-1]
    return shape
