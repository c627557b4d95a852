"""Scenes of a vehicle on a road under a light, and the light that rays bring back from them."""

from collections.abc import Sequence

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from msinet.world.mesh import Floats, Mesh, join
from msinet.world.road import Road
from msinet.world.shading import Lighting, add_texture, shade
from msinet.world.surfaces import GROUND, SKY, Hits, Objects, Points, surfaces
from msinet.world.vehicles import Vehicle
from msinet.world.weather import Light

HEMISPHERE = 24
"""Directions that are tested to estimate a point's openness."""

REACH = 1.5
"""Metres beyond which an object no longer reduces a point's openness."""


def noise_texture(seed: int = 0) -> Floats:
    """Return periodic noise (256, 256), smooth between points, from -1 to 1."""
    return np.random.default_rng(seed).uniform(-1, 1, (256, 256)).astype(np.float32)


class StagedVehicle:
    """A vehicle with everything that its images share: rays against it, and its openness to the sky.

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
        self.ground_openness = self._openness_of_ground()
        self.openness = self._openness_of_corners()

    def _openness_of_ground(self) -> Floats:
        """Return the share of the sky that the ground around the vehicle sees, on a grid (rows, columns)."""
        x = np.linspace(0, 1, 44) * self.area[2] + self.area[0]
        y = np.linspace(0, 1, 26) * self.area[3] + self.area[1]
        grid = np.array([(a, b, 0.004) for b in y for a in x], np.float32)
        up = np.tile(np.array([0, 0, 1], np.float32), (len(grid), 1))
        return self._openness_at(grid, up).reshape(26, 44)

    def _openness_of_corners(self) -> Floats:
        """Return the share of the sky that each corner sees (T, 3), computed once for equal corners."""
        mesh = self.vehicle.mesh
        places = (mesh.corners.reshape(-1, 3) * 200).astype(np.int64) + 8192  # 14 bits each
        ways = (mesh.normals.reshape(-1, 3) * 8).round().astype(np.int64) + 8  # 5 bits each
        packed = places @ [1 << 43, 1 << 29, 1 << 15] + ways @ [1 << 10, 1 << 5, 1]
        _, first, which = np.unique(packed, return_index=True, return_inverse=True)
        points, normals = mesh.corners.reshape(-1, 3)[first], mesh.normals.reshape(-1, 3)[first]
        return self._openness_at((points + np.float32(0.006) * normals).astype(np.float32), normals)[which].reshape(-1, 3)

    def _openness_at(self, points: Floats, normals: Floats) -> Floats:
        """Return the share of the sky that points (P, 3) with normals (P, 3) see: (P,)."""
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
        # Directions that end on the ground under the vehicle are dark as well.
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
    """A staged vehicle among other objects, under a light.

    Args:
        stage: the vehicle; everything else is in its frame.
        light: the light.
        road: the ground.
        others: vehicles and poles around, in place, each with its paint.
        texture: noise for ground, cloth and sky.
        wet: how strongly the road mirrors, from 0 to 1.
    """

    def __init__(
        self,
        stage: StagedVehicle,
        light: Light,
        road: Road,
        others: Sequence[tuple[Mesh, NDArray[np.uint8]]],
        texture: Floats,
        wet: float,
    ) -> None:
        self.stage, self.light, self.road, self.texture, self.wet = stage, light, road, texture, wet
        length, width = stage.vehicle.footprint
        self.lighting = Lighting(light, texture, length / 2, width / 2)
        meshes = [stage.vehicle.mesh, *(mesh for mesh, _ in others)]
        self.own = len(meshes[0].corners)
        mesh = join(meshes) if others else meshes[0]
        self.objects = Objects(
            *(np.ascontiguousarray(part) for part in mesh),
            openness=np.concatenate(
                [stage.openness, *(np.full((len(mesh.corners), 3), 0.75, np.float32) for mesh, _ in others)]
            ),
            which=np.repeat(np.arange(len(meshes)), [len(mesh.corners) for mesh in meshes]).astype(np.int32),
            paints=np.stack([stage.vehicle.paint, *(paint for _, paint in others)]),
            ground_openness=stage.ground_openness,
            ground_area=stage.area,
        )
        self.more = _ray_scene(join(meshes[1:])) if others else None

    def radiance(self, origins: Floats, directions: Floats, mirrors: bool = True) -> Floats:
        """Return the light (N, 3) that comes from directions (N, 3) of unit length to origins (N, 3)."""
        hits = self._hits(origins, directions)
        points = surfaces(hits, self.objects)
        add_texture(points, self.road, self.texture)
        away = points.places - origins
        distance = np.sqrt(np.einsum("nk,nk->n", away, away))
        far = np.where(points.material == GROUND, distance, hits.far).astype(np.float32)
        result = shade(directions, far, points, self._lit(points), self.lighting)
        if self.wet and mirrors:
            self._mirror_road(directions, points, result)
        return result

    def visible_share(self, origin: Floats, directions: Floats) -> float:
        """Return the visible share of the staged vehicle, sampled by directions (N, 3) from one place (3,)."""
        origins = np.repeat(origin[None], len(directions), 0)
        alone = self.stage.rays.run(origins, directions) >= 0
        triangle = self._hits(origins, directions).triangle
        return float(((triangle >= 0) & (triangle < self.own)).sum() / max(alone.sum(), 1))

    def _hits(self, origins: Floats, directions: Floats) -> Hits:
        hit = self.stage.rays.run(origins, directions, query="INTERSECT", output=True)
        far, triangle, u, v = hit["tfar"], hit["primID"].astype(np.int32), hit["u"], hit["v"]
        if self.more is not None:
            other = self.more.run(origins, directions, query="INTERSECT", output=True)
            nearer = (other["primID"] >= 0) & ((triangle < 0) | (other["tfar"] < far))
            far, u, v = (np.where(nearer, other[name], ours) for name, ours in (("tfar", far), ("u", u), ("v", v)))
            triangle = np.where(nearer, other["primID"] + self.own, triangle).astype(np.int32)
        return Hits(origins, directions, far, triangle, u, v)

    def _lit(self, points: Points) -> NDArray[np.bool_]:
        """Return whether the key light reaches the points; rays are traced only from those that face it."""
        lit = np.zeros(len(points.places), bool)
        if not self.light.key_colour.any():
            return lit
        ways = self.light.key - points.places if self.light.is_lamp else np.broadcast_to(self.light.key, points.places.shape)
        facing = np.flatnonzero((points.material != SKY) & (np.einsum("nk,nk->n", ways, points.facing) > 0))
        ways = np.ascontiguousarray(ways[facing], np.float32)
        starts = (points.places[facing] + np.float32(0.012) * points.facing[facing]).astype(np.float32)
        blocked = self._blocked(self.stage.rays, starts, ways)
        if self.more is not None:
            blocked |= self._blocked(self.more, starts, ways)
        lit[facing] = ~blocked
        return lit

    def _blocked(self, rays: EmbreeScene, starts: Floats, ways: Floats) -> NDArray[np.bool_]:
        """Return whether an object stands between the starts and the key light."""
        if self.light.is_lamp:
            return rays.run(starts, ways, query="DISTANCE") < 1  # in lengths of the ways, which end at the lamp
        return rays.run(starts, ways, query="OCCLUDED") >= 0

    def _mirror_road(self, directions: Floats, points: Points, result: Floats) -> None:
        """Add the mirror image of a wet road, unevenly."""
        wet = np.flatnonzero(points.material == GROUND)
        if not len(wet):
            return
        at = points.places[wet]
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
