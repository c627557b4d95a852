"""A camera at a road: where it hangs, what it does to colours, and how a detector cuts its pictures."""

import io
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from msinet.world.mesh import Mesh, limb, mesh_of
from msinet.world.paintwork import HEIGHT, WIDTH
from msinet.world.scene import Scene, Stage
from msinet.world.shading import Floats, Light, Road
from msinet.world.vehicles import Vehicle
from msinet.world.weather import WEATHERS, Weather, draw_light, turned

LANE = 3.3
"""Metres."""
SAMPLES = 2
"""Rays along each side of a pixel."""
LEAST_VISIBLE = 0.55
"""Share of a vehicle that has to be seen; where less would be, what stands in front goes."""


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


class Moment(NamedTuple):
    """What is in one image besides the camera."""

    place: tuple[float, float]
    """Of the vehicle: along and across the road, in metres."""
    heading: float
    """Radians."""
    brakes: bool
    others: tuple[tuple[Vehicle, float, float], ...]
    """Vehicles around: along and across."""
    pole: tuple[float, float, float] | None
    """Along, across, radius."""


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


def draw_pass(
    camera: Camera, vehicle: Vehicle, traffic: list[Vehicle], count: int, rng: np.random.Generator
) -> list[Moment]:
    """Return the moments at which a passing vehicle is seen, each a little further along the road."""
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
    return [
        Moment((start + step * i, across + step * i * np.sin(heading)), heading, brakes, tuple(others), pole)
        for i in range(count)
    ]


class View(NamedTuple):
    """A cut-out of a camera's picture."""

    forward: NDArray
    right: NDArray
    up: NDArray
    box: tuple[float, float, float, float]
    """Least and greatest tangent to the right, then upwards."""


def render(
    camera: Camera, stage: Stage, moment: Moment, size: int, texture: Floats, rng: np.random.Generator
) -> Image.Image:
    """Return what the camera writes down: the cut-out of the vehicle, at most `size` pixels on its longest side."""
    c, s = np.cos(moment.heading), np.sin(moment.heading)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])  # from the road's frame to the vehicle's
    place = np.array([*moment.place, 0.0])
    eye = turn @ (camera.eye - place)
    view = _look(stage.vehicle.mesh, eye, turn @ ([0, camera.lanes[0], 0.8] - camera.eye), camera, rng)
    width, height = _pixels(view, size, camera, stage.vehicle, eye)
    scene = _scene(camera, stage, moment, turn, place, texture)
    if scene.more is not None and scene.visible_share(eye.astype(np.float32), _ways(view, 24, 24)) < LEAST_VISIBLE:
        scene = _scene(camera, stage, moment._replace(others=(), pole=None), turn, place, texture)
    light = _trace(scene, eye, view, width, height)
    pixel = (view.box[1] - view.box[0]) / width * np.linalg.norm(eye)  # metres
    return _develop(light, camera, turn @ np.array([1.0, 0, 0]), view, pixel, rng)


def _look(mesh: Mesh, eye: NDArray, forward: NDArray, camera: Camera, rng: np.random.Generator) -> View:
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    offsets = mesh.corners.reshape(-1, 3) - eye
    depth = np.maximum(offsets @ forward, 0.5)
    across, above = offsets @ right / depth, offsets @ up / depth
    wide, high = np.ptp(across), np.ptp(above)
    # A detector's box: a little too tight or too wide on each side, at times much.
    error = rng.normal(0.6, 1.0, 4) * camera.margin * (2.0 if rng.random() < 0.06 else 1.0)
    error = np.clip(error, -0.12, 0.5)
    box = (
        across.min() - error[0] * wide,
        across.max() + error[1] * wide,
        above.min() - error[2] * high,
        above.max() + error[3] * high,
    )
    return View(forward, right, up, tuple(float(edge) for edge in box))  # pyright: ignore[reportArgumentType]


def _pixels(view: View, size: int, camera: Camera, vehicle: Vehicle, eye: NDArray) -> tuple[int, int]:
    """Return width and height: as many as the camera resolves, but no more than asked for."""
    wide, high = view.box[1] - view.box[0], view.box[3] - view.box[2]
    car = 4.5 / np.linalg.norm(eye)  # tangent of a car's length
    longest = min(size, max(24, round(size * camera.sharpness * max(wide, high) / car)))
    scale = longest / max(wide, high)
    return max(8, round(wide * scale)), max(8, round(high * scale))


def _scene(camera: Camera, stage: Stage, moment: Moment, turn: NDArray, place: NDArray, texture: Floats) -> Scene:
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


def _ways(view: View, width: int, height: int) -> Floats:
    """Return the directions of a grid of rays, row by row: (height * width, 3), unit length."""
    left, right, low, high = view.box
    x = left + (np.arange(width) + 0.5) / width * (right - left)
    y = high - (np.arange(height) + 0.5) / height * (high - low)
    ways = view.forward + x[None, :, None] * view.right + y[:, None, None] * view.up
    return (ways / np.sqrt(np.einsum("hwk,hwk->hw", ways, ways))[..., None]).reshape(-1, 3).astype(np.float32)


def _trace(scene: Scene, eye: NDArray, view: View, width: int, height: int) -> Floats:
    """Return the light in each pixel, (height, width, 3)."""
    ways = _ways(view, width * SAMPLES, height * SAMPLES)
    light = scene.radiance(np.repeat(eye[None].astype(np.float32), len(ways), 0), ways)
    light = np.minimum(light, 12.0).reshape(height, SAMPLES, width, SAMPLES, 3)
    return light.sum((1, 3)) / SAMPLES**2


def _develop(light: Floats, camera: Camera, way: NDArray, view: View, pixel: float, rng: np.random.Generator) -> Image.Image:
    """Return the picture that lens, sensor and compression make of the light."""
    height, width = light.shape[:2]
    direction = np.array([way @ view.right, -(way @ view.up)])
    light = _smear(light, direction * camera.motion / pixel)
    if camera.weather.lamps:
        bright = np.minimum(np.maximum(light - 1.2, 0), 6)
        light = (
            light + 0.05 * _blur(bright, 0.02 * max(width, height) + 0.5) + 0.02 * _blur(bright, 0.07 * max(width, height))
        )
    light = _blur(light, camera.focus)
    gain = camera.weather.exposure / (camera.light.level * float(camera.road.asphalt.mean()))
    colours = light * (gain * camera.exposure * camera.gains).astype(np.float32)
    grey = colours @ np.array([0.3, 0.59, 0.11], np.float32)
    colours = np.maximum(grey[..., None] + camera.saturation * (colours - grey[..., None]), 0)
    if camera.weather.streaks:
        colours = _rain(colours, camera.weather.streaks, rng)
    spread = camera.noise * np.sqrt(np.maximum(colours, 0.02) / 0.18)
    colours = colours + spread * rng.standard_normal(colours.shape, np.float32)
    colours = np.maximum(colours, 0)
    shoulder = 0.62
    colours = np.where(
        colours < shoulder, colours, shoulder + (1 - shoulder) * (1 - np.exp(-(colours - shoulder) / (1 - shoulder)))
    )
    values = colours ** np.float32(camera.gamma / 2.2)
    values = values + camera.halo * (values - _blur(values, 1.0))
    return Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))


def _kernel(sigma: float) -> Floats:
    reach = max(1, int(2.5 * sigma + 0.5))
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    return (weights / weights.sum()).astype(np.float32)


def _blur(image: Floats, sigma: float) -> Floats:
    """Blur (H, W, 3) by a Gaussian."""
    if sigma < 0.25:
        return image
    weights = _kernel(sigma)
    reach = len(weights) // 2
    for axis in (0, 1):
        padded = np.pad(image, [(reach, reach) if a == axis else (0, 0) for a in range(3)], mode="edge")
        length = image.shape[axis]
        shifts = (padded[i : i + length] if axis == 0 else padded[:, i : i + length] for i in range(len(weights)))
        image = sum(w * part for w, part in zip(weights, shifts, strict=True))  # pyright: ignore[reportAssignmentType]
    return image


def _smear(image: Floats, way: NDArray) -> Floats:
    """Blur (H, W, 3) along a way in pixels (right, down)."""
    steps = int(np.ceil(np.linalg.norm(way)))
    if steps < 1:
        return image
    height, width = image.shape[:2]
    total = np.zeros_like(image)
    for part in np.linspace(-0.5, 0.5, steps + 1):
        dx, dy = np.rint(way * part).astype(int)
        rows, columns = np.clip(np.arange(height) - dy, 0, height - 1), np.clip(np.arange(width) - dx, 0, width - 1)
        total += image[rows][:, columns]
    return total / (steps + 1)


def _rain(image: Floats, streaks: float, rng: np.random.Generator) -> Floats:
    """Draw drops in the air: short bright lines."""
    height, width = image.shape[:2]
    image = image.copy()
    slope = rng.normal(0, 0.12)
    for _ in range(rng.poisson(streaks * height * width / 1000)):
        x, y = rng.uniform(0, width), rng.uniform(-5, height)
        length, strength = rng.uniform(0.05, 0.16) * height, rng.uniform(0.02, 0.09)
        rows = np.arange(max(0, int(y)), min(height, int(y + length)))
        columns = np.clip((x + slope * (rows - y)).astype(int), 0, width - 1)
        image[rows, columns] += np.float32(strength)
    return image


def jpeg(picture: Image.Image, quality: int) -> bytes:
    """Return a picture as JPEG."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
