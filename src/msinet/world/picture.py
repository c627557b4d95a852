"""Images of a passing vehicle: view, ray tracing and the crop of an imperfect detector."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from msinet.world.camera import Camera
from msinet.world.mesh import Floats, Mesh, limb, mesh_of
from msinet.world.paintwork import HEIGHT, WIDTH
from msinet.world.passing import Moment
from msinet.world.scene import Scene, StagedVehicle
from msinet.world.sensor import develop
from msinet.world.weather import turned

SAMPLES = 2
"""Rays along each side of a pixel."""

RAYS = 2**18
"""Largest number of rays traced at once."""

LEAST_VISIBLE = 0.55
"""Least visible share of a vehicle; if less is visible, the objects around it are removed."""


class View(NamedTuple):
    """A crop of a camera's view."""

    forward: NDArray
    right: NDArray
    up: NDArray
    box: tuple[float, float, float, float]
    """Least and greatest tangent to the right, and upwards."""


def render(
    camera: Camera, stage: StagedVehicle, moment: Moment, size: int, texture: Floats, rng: np.random.Generator
) -> bytes:
    """Return an image as JPEG.

    Args:
        camera: the camera.
        stage: the vehicle.
        moment: place of the vehicle, and the objects around it.
        size: largest number of pixels on the longest side.
        texture: noise for ground, cloth and sky.
        rng: draws the detector's error and the sensor's noise.
    """
    c, s = np.cos(moment.heading), np.sin(moment.heading)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])  # from the road's frame to the vehicle's
    place = np.array([*moment.place, 0.0])
    eye = turn @ (camera.eye - place)
    view = _look(stage.vehicle.mesh, eye, turn @ ([0, camera.lanes[0], 0.8] - camera.eye), camera, rng)
    width, height = _pixels(view, size, camera, eye)
    scene = _scene(camera, stage, moment, turn, place, texture)
    if scene.more is not None and scene.visible_share(eye.astype(np.float32), _ways(view, 24, 24)) < LEAST_VISIBLE:
        scene = _scene(camera, stage, moment._replace(others=(), pole=None), turn, place, texture)
    light = _trace(scene, eye, view, width, height)
    pixel = (view.box[1] - view.box[0]) / width * np.linalg.norm(eye)  # metres
    driving = turn @ np.array([1.0, 0, 0])
    motion = np.array([driving @ view.right, -(driving @ view.up)]) * camera.motion / pixel
    return develop(light, camera, motion, rng)


def _look(mesh: Mesh, eye: NDArray, forward: NDArray, camera: Camera, rng: np.random.Generator) -> View:
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    offsets = mesh.corners.reshape(-1, 3) - eye
    depth = np.maximum(offsets @ forward, 0.5)
    across, above = offsets @ right / depth, offsets @ up / depth
    wide, high = np.ptp(across), np.ptp(above)
    # A detector's box is a little too tight or too wide on each side, and sometimes much.
    error = rng.normal(0.6, 1.0, 4) * camera.margin * (2.0 if rng.random() < 0.06 else 1.0)
    error = np.clip(error, -0.12, 0.5)
    box = (
        across.min() - error[0] * wide,
        across.max() + error[1] * wide,
        above.min() - error[2] * high,
        above.max() + error[3] * high,
    )
    return View(forward, right, up, tuple(float(edge) for edge in box))  # pyright: ignore[reportArgumentType]


def _pixels(view: View, size: int, camera: Camera, eye: NDArray) -> tuple[int, int]:
    """Return width and height in pixels: as many as the camera resolves, but no more than the size."""
    wide, high = view.box[1] - view.box[0], view.box[3] - view.box[2]
    car = 4.5 / np.linalg.norm(eye)  # tangent of a car's length
    longest = min(size, max(24, round(size * camera.sharpness * max(wide, high) / car)))
    scale = longest / max(wide, high)
    return max(8, round(wide * scale)), max(8, round(high * scale))


def _scene(camera: Camera, stage: StagedVehicle, moment: Moment, turn: NDArray, place: NDArray, texture: Floats) -> Scene:
    others = []
    for vehicle, x, y in moment.others:
        offset = turn @ (np.array([x, y, 0.0]) - place)
        others.append((vehicle.mesh.moved(offset, -moment.heading), vehicle.paint))
    if moment.pole:
        x, y, radius = moment.pole
        bottom = turn @ (np.array([x, y, 0.0]) - place)
        grey = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        grey[..., :3] = 96
        others.append((mesh_of(limb(bottom, bottom + [0, 0, 9.0], radius), (2, 2)), grey))
    frame = np.array([np.cos(moment.heading), np.sin(moment.heading), *moment.place], np.float32)
    light = turned(camera.light, moment.heading, moment.place)._replace(brakes=float(moment.brakes))
    return Scene(stage, light, camera.road._replace(frame=frame), others, texture, camera.weather.wet)


def _ways(view: View, width: int, height: int, rows: slice = slice(None)) -> Floats:
    """Return the directions of a grid of rays, row by row: (rows * width, 3), unit length."""
    left, right, low, high = view.box
    x = left + (np.arange(width) + 0.5) / width * (right - left)
    y = (high - (np.arange(height) + 0.5) / height * (high - low))[rows]
    ways = view.forward + x[None, :, None] * view.right + y[:, None, None] * view.up
    return (ways / np.sqrt(np.einsum("hwk,hwk->hw", ways, ways))[..., None]).reshape(-1, 3).astype(np.float32)


def _trace(scene: Scene, eye: NDArray, view: View, width: int, height: int) -> Floats:
    """Return the light of each pixel (height, width, 3), traced in bands to limit the memory."""
    total = np.zeros((height, width, 3), np.float32)
    band = max(1, RAYS // (width * SAMPLES**2))
    for start in range(0, height, band):
        stop = min(start + band, height)
        ways = _ways(view, width * SAMPLES, height * SAMPLES, slice(start * SAMPLES, stop * SAMPLES))
        light = scene.radiance(np.repeat(eye[None].astype(np.float32), len(ways), 0), ways)
        light = np.minimum(light, 12.0).reshape(stop - start, SAMPLES, width, SAMPLES, 3)
        for row in range(SAMPLES):  # Eight times as fast as a sum over both axes.
            for column in range(SAMPLES):
                total[start:stop] += light[:, row, :, column]
    return total / np.float32(SAMPLES**2)
