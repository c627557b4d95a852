"""A vehicle on a road under a light, and what a bundle of rays sees of it."""

from collections.abc import Sequence

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from msinet.world.mesh import Floats, Mesh
from msinet.world.shading import GROUND, SKY, Light, Road, shade, surfaces
from msinet.world.vehicles import Vehicle

SRGB = (np.arange(256) / 255.0).astype(np.float32)
LINEAR = np.where(SRGB <= 0.04045, SRGB / 12.92, ((SRGB + 0.055) / 1.055) ** 2.4).astype(np.float32)
"""Light by sRGB value."""

HEMISPHERE = 24
"""Directions that are tried to learn how much of the sky a point sees."""

REACH = 1.5
"""Metres from which on something no longer takes a point's sky."""


def noise_texture(seed: int = 0) -> Floats:
    """Return periodic noise (256, 256), smooth between points, from -1 to 1."""
    return np.random.default_rng(seed).uniform(-1, 1, (256, 256)).astype(np.float32)


class Stage:
    """A vehicle, ready to be looked at again and again.

    Args:
        vehicle: stands at the origin, its nose towards x.
    """

    def __init__(self, vehicle: Vehicle) -> None:
        self.vehicle = vehicle
        self.rays = _ray_scene(vehicle.mesh)
        length, width = vehicle.footprint
        margin = 1.6
        self.area = np.array(
            [-length / 2 - margin, -width / 2 - margin, length + 2 * margin, width + 2 * margin], np.float32
        )
        self.ground_ao = self._ground_openness()
        self.openness = self._openness()

    def _ground_openness(self) -> Floats:
        x = np.linspace(0, 1, 44) * self.area[2] + self.area[0]
        y = np.linspace(0, 1, 26) * self.area[3] + self.area[1]
        grid = np.array([(a, b, 0.004) for b in y for a in x], np.float32)
        up = np.tile(np.array([0, 0, 1], np.float32), (len(grid), 1))
        return self._open_share(grid, up).reshape(26, 44)

    def _openness(self) -> Floats:
        """Return the open share of the sky at each corner (T, 3), computed once for corners that are the same."""
        mesh = self.vehicle.mesh
        places = (mesh.corners.reshape(-1, 3) * 200).astype(np.int64) + 8192  # 14 bits each
        ways = (mesh.normals.reshape(-1, 3) * 8).round().astype(np.int64) + 8  # 5 bits each
        packed = places @ [1 << 43, 1 << 29, 1 << 15] + ways @ [1 << 10, 1 << 5, 1]
        _, first, which = np.unique(packed, return_index=True, return_inverse=True)
        points, normals = mesh.corners.reshape(-1, 3)[first], mesh.normals.reshape(-1, 3)[first]
        return self._open_share((points + np.float32(0.006) * normals).astype(np.float32), normals)[which].reshape(-1, 3)

    def _open_share(self, points: Floats, normals: Floats) -> Floats:
        turns = np.arange(HEMISPHERE) * 2.399963
        height = np.sqrt((np.arange(HEMISPHERE) + 0.5) / HEMISPHERE)  # cosine-weighted
        around = np.sqrt(1 - height**2)
        local = np.stack([around * np.cos(turns), around * np.sin(turns), height], 1).astype(np.float32)
        helper = np.where(np.abs(normals[:, :1]) > 0.7, [[0, 1, 0]], [[1, 0, 0]]).astype(np.float32)
        side = np.cross(normals, helper)
        side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
        frame = np.stack([side, np.cross(normals, side), normals], 1)  # (P, 3, 3)
        ways = (local @ frame).reshape(-1, 3)  # (P * HEMISPHERE, 3)
        starts = np.repeat(points, HEMISPHERE, 0)
        far = self.rays.run(starts, ways, query="DISTANCE")
        blocked = np.clip(1.3 - far / REACH, 0, 1)
        # Ways that end under the vehicle are dark as well.
        down = ways[:, 2] < -1e-3
        reach = np.where(down, starts[:, 2] / np.maximum(-ways[:, 2], 1e-3), 0)
        length, width = self.vehicle.footprint
        under = (
            down
            & (np.abs(starts[:, 0] + reach * ways[:, 0]) < length / 2)
            & (np.abs(starts[:, 1] + reach * ways[:, 1]) < width / 2)
        )
        blocked = np.maximum(blocked, 0.85 * under)
        return (1 - blocked.reshape(-1, HEMISPHERE).mean(1)).astype(np.float32)


class Scene:
    """A staged vehicle among other things, under a light.

    Args:
        stage: what is looked at; all else is in its frame.
        light: what shines.
        road: the ground.
        others: vehicles and poles around, already in place, each with the paint it wears.
        texture: noise for ground and cloth.
        wet: from 0 to 1, how much the road mirrors.
    """

    def __init__(
        self,
        stage: Stage,
        light: Light,
        road: Road,
        others: Sequence[tuple[Mesh, NDArray[np.uint8]]],
        texture: Floats,
        wet: float,
    ) -> None:
        self.stage, self.light, self.road, self.texture, self.wet = stage, light, road, texture, wet
        mesh = stage.vehicle.mesh
        self.own = len(mesh.corners)
        meshes = [mesh, *(other for other, _ in others)]
        self.mesh = (
            Mesh(*(np.ascontiguousarray(np.concatenate(parts)) for parts in zip(*meshes, strict=True))) if others else mesh
        )
        self.openness = np.concatenate(
            [stage.openness, *(np.full((len(m.corners), 3), 0.75, np.float32) for m, _ in others)]
        )
        self.which = np.repeat(np.arange(len(meshes)), [len(m.corners) for m in meshes]).astype(np.int32)
        self.paints = np.stack([stage.vehicle.paint, *(paint for _, paint in others)])
        self.more = _ray_scene(Mesh(*(np.concatenate(parts) for parts in zip(*meshes[1:], strict=True)))) if others else None

    def radiance(self, origins: Floats, directions: Floats, mirrors: bool = True) -> Floats:
        """Return the light (N, 3) that comes from directions (N, 3) of unit length to origins (N, 3)."""
        count = len(origins)
        far, triangle, u, v = self._hits(origins, directions)
        points, facing, albedo = (np.zeros((count, 3), np.float32) for _ in range(3))
        material, openness = np.empty(count, np.uint8), np.ones(count, np.float32)
        surfaces(
            origins,
            directions,
            far,
            triangle,
            u,
            v,
            self.mesh.corners,
            self.mesh.normals,
            self.mesh.uv,
            self.openness,
            self.which,
            self.paints,
            LINEAR,
            self.road,
            self.texture,
            self.stage.ground_ao,
            self.stage.area,
            points,
            facing,
            albedo,
            material,
            openness,
        )
        away = points - origins
        far = np.where(material == GROUND, np.sqrt(np.einsum("nk,nk->n", away, away)), far).astype(np.float32)
        lit = self._lit(points, facing, material)
        result = np.empty((count, 3), np.float32)
        length, width = self.stage.vehicle.footprint
        shade(
            directions,
            far,
            points,
            facing,
            albedo,
            material,
            openness,
            lit,
            self.light,
            self.texture,
            length / 2,
            -length / 2,
            width / 2,
            result,
        )
        if self.wet and mirrors:
            self._mirror_road(directions, points, material, result)
        return result

    def visible_share(self, origin: Floats, directions: Floats) -> float:
        """Return the share of the staged vehicle that nothing hides, of what directions (N, 3) from one place meet."""
        origins = np.repeat(origin[None], len(directions), 0)
        alone = self.stage.rays.run(origins, directions) >= 0
        triangle = self._hits(origins, directions)[1]
        return float(((triangle >= 0) & (triangle < self.own)).sum() / max(alone.sum(), 1))

    def _hits(self, origins: Floats, directions: Floats) -> tuple[Floats, NDArray[np.int32], Floats, Floats]:
        hit = self.stage.rays.run(origins, directions, query="INTERSECT", output=True)
        far, triangle, u, v = hit["tfar"], hit["primID"].astype(np.int32), hit["u"], hit["v"]
        if self.more is not None:
            other = self.more.run(origins, directions, query="INTERSECT", output=True)
            nearer = (other["primID"] >= 0) & ((triangle < 0) | (other["tfar"] < far))
            far, u, v = (np.where(nearer, other[name], ours) for name, ours in (("tfar", far), ("u", u), ("v", v)))
            triangle = np.where(nearer, other["primID"] + self.own, triangle).astype(np.int32)
        return far, triangle, u, v

    def _lit(self, points: Floats, facing: Floats, material: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return whether the key light reaches the points; only those that face it are asked for."""
        lit = np.zeros(len(points), bool)
        if not self.light.key_colour.any():
            return lit
        ways = self.light.key - points if self.light.is_lamp else np.broadcast_to(self.light.key, points.shape)
        asked = np.flatnonzero((material != SKY) & (np.einsum("nk,nk->n", ways, facing) > 0))
        ways = np.ascontiguousarray(ways[asked], np.float32)
        starts = (points[asked] + np.float32(0.012) * facing[asked]).astype(np.float32)
        blocked = self._between(self.stage.rays, starts, ways)
        if self.more is not None:
            blocked |= self._between(self.more, starts, ways)
        lit[asked] = ~blocked
        return lit

    def _between(self, rays: EmbreeScene, starts: Floats, ways: Floats) -> NDArray[np.bool_]:
        """Return whether something stands before the key light; what stands behind a lamp does not count."""
        if self.light.is_lamp:
            return rays.run(starts, ways, query="DISTANCE") < 1  # in lengths of the ways, which end at the lamp
        return rays.run(starts, ways, query="OCCLUDED") >= 0

    def _mirror_road(self, directions: Floats, points: Floats, material: NDArray[np.uint8], result: Floats) -> None:
        """Add what a wet road mirrors, unevenly."""
        wet = np.flatnonzero(material == GROUND)
        if not len(wet):
            return
        at = points[wet]
        rows, columns = (at[:, 1] * 2.3).astype(int) & 255, (at[:, 0] * 1.7).astype(int) & 255
        ripple = 0.035 * np.stack(
            [self.texture[(rows * 7 + columns) & 255, columns], self.texture[rows, (columns * 5 + rows) & 255]], 1
        )
        ways = directions[wet] * np.array([1, 1, -1], np.float32)
        ways[:, :2] += ripple
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        share = self.wet * (0.05 + 0.75 * (1 - np.clip(ways[:, 2], 0, 1)) ** 4)
        seen = self.radiance(at + np.array([0, 0, 0.01], np.float32), ways, mirrors=False)
        result[wet] += share[:, None] * (np.minimum(seen, 4.0) - result[wet])


def _ray_scene(mesh: Mesh) -> EmbreeScene:
    scene = EmbreeScene()
    TriangleMesh(scene, np.ascontiguousarray(mesh.corners))
    return scene
