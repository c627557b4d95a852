"""Motorcycles and scooters with their riders, made of tubes and ellipsoids."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from msinet.world.liveries import plate
from msinet.world.mesh import Mesh, Point, box, ellipsoid, join, lathe, limb, mesh_of, tube
from msinet.world.paintwork import Colour, Material, Paintwork, Texel

LENGTH, WIDTH, HEIGHT = 1.95, 0.84, 1.75

CLOTHES: tuple[Colour, ...] = (
    (34, 36, 42),
    (58, 62, 70),
    (92, 96, 100),
    (42, 52, 78),
    (62, 78, 112),
    (108, 104, 96),
    (150, 146, 138),
    (196, 194, 188),
    (92, 58, 50),
    (112, 36, 38),
    (70, 78, 58),
    (48, 74, 66),
    (176, 160, 130),
    (132, 78, 66),
    (74, 58, 84),
    (188, 120, 58),
)
SKIN: tuple[Colour, ...] = ((196, 152, 124), (168, 122, 94), (128, 90, 68), (92, 64, 50))
HELMETS: tuple[Colour, ...] = (
    (24, 25, 28),
    (228, 228, 226),
    (150, 26, 30),
    (38, 66, 138),
    (196, 160, 40),
    (214, 148, 160),
    (90, 94, 98),
    (40, 96, 66),
    (222, 110, 36),
)


class Bike(NamedTuple):
    """Measures of a model in metres."""

    wheel: float
    """Radius of the wheels."""
    base: float
    """Distance between the axles."""
    seat: float
    """Height of the seat."""
    scooter: bool
    tail: float
    """Length of the tail behind the rear axle."""
    bars: float
    """Half the width of the handlebars."""


BIKES: dict[str, Bike] = {
    "Zephyr": Bike(0.25, 1.28, 0.76, True, 0.22, 0.33),
    "Yaro": Bike(0.28, 1.24, 0.77, True, 0.30, 0.32),
    "Wasp": Bike(0.22, 1.26, 0.78, True, 0.18, 0.34),
    "Tramp": Bike(0.30, 1.36, 0.79, False, 0.26, 0.36),
    "Sling": Bike(0.31, 1.42, 0.82, False, 0.14, 0.35),
}


def motorcycle(paint: Paintwork, bike: Bike, colour: Colour, rng: np.random.Generator) -> Mesh:
    """Return a motorcycle and its riders, and paint plate and clothes."""
    parts = _machine(paint, bike, colour, rng)
    passenger = rng.random() < 0.22
    lean = rng.uniform(0.05, 0.22)
    parts += _person(paint, bike, 0.0 if not passenger else -0.08, lean, True, rng)
    if passenger:
        parts += _person(paint, bike, -0.42, lean * 0.5, False, rng)
    else:
        parts += _luggage(paint, bike, rng)
    return join(parts)


def _machine(paint: Paintwork, bike: Bike, colour: Colour, rng: np.random.Generator) -> list[Mesh]:
    body, black = paint.flat(colour, Material.PAINT), paint.flat((20, 20, 22))
    metal, dark = paint.flat((150, 152, 155), Material.METAL), paint.flat((48, 48, 50), Material.METAL)
    front, rear, r = bike.base / 2, -bike.base / 2, bike.wheel
    tyre = [(r * 0.6, -0.04), (r * 0.93, -0.05), (r, 0), (r * 0.93, 0.05), (r * 0.6, 0.04), (r * 0.6, -0.04)]
    rim = [(0, -0.03), (r * 0.62, -0.03), (r * 0.62, 0.03), (0, 0.03)]
    parts = [mesh_of(lathe(tyre, (x, 0, r), 20), black) for x in (front, rear)]
    parts += [mesh_of(lathe(rim, (x, 0, r), 16), dark) for x in (front, rear)]
    parts += _frame(bike, body, black, dark)
    for side in (-1, 1):
        parts += _side(paint, bike, side)
    mudguard = tube(
        [(front + 0.26, 0, r + 0.1), (front, 0, 2 * r + 0.05), (front - 0.2, 0, r + 0.2)],
        [(0.02, 0.06), (0.03, 0.08), (0.02, 0.06)],
        10,
    )
    parts.append(mesh_of(mudguard, body))
    side = rng.choice([-1, 1])
    exhaust = limb((0.0, side * 0.14, 0.24), (rear - 0.12, side * 0.17, 0.36), 0.05, 0.06)
    parts.append(mesh_of(exhaust, metal))
    return [*parts, *_lights_and_plate(paint, bike, rng)]


def _frame(bike: Bike, body: Texel, black: Texel, dark: Texel) -> list[Mesh]:
    """Return tail, seat, tank or footboard, and engine."""
    seat, rear, r = bike.seat, -bike.base / 2, bike.wheel
    tail = tube(
        [(0.12, 0, seat - 0.2), (-0.2, 0, seat - 0.12), (rear + 0.1, 0, seat - 0.1), (rear - bike.tail, 0, seat - 0.03)],
        [(0.09, 0.10), (0.12, 0.15), (0.12, 0.14), (0.06, 0.07)],
    )
    cushion = tube(
        [(0.18, 0, seat - 0.04), (-0.1, 0, seat), (-0.45, 0, seat + 0.03), (-0.68, 0, seat + 0.05)],
        [(0.05, 0.1), (0.06, 0.14), (0.06, 0.13), (0.04, 0.09)],
    )
    parts = [mesh_of(tail, body), mesh_of(cushion, black)]
    if bike.scooter:
        shield = tube([(0.42, 0, r + 0.1), (0.46, 0, 0.6), (0.4, 0, 0.92)], [(0.05, 0.18), (0.06, 0.2), (0.06, 0.12)])
        parts.append(mesh_of(box((0.62, 0.28, 0.09), (0.2, 0, r + 0.07), 0.04), body))
        parts.append(mesh_of(shield, body))
        parts.append(mesh_of(box((0.5, 0.24, 0.22), (rear + 0.12, 0, r + 0.12), 0.06), dark))
    else:
        tank = tube([(0.42, 0, 0.84), (0.2, 0, 0.88), (-0.05, 0, 0.8)], [(0.08, 0.1), (0.13, 0.15), (0.06, 0.1)])
        parts.append(mesh_of(tank, body))
        parts.append(mesh_of(box((0.5, 0.3, 0.34), (0.08, 0, 0.44), 0.08), dark))
    return parts


def _side(paint: Paintwork, bike: Bike, side: int) -> list[Mesh]:
    """Return fork, handlebar, mirror and winker of one side."""
    black, dark = paint.flat((20, 20, 22)), paint.flat((48, 48, 50), Material.METAL)
    front, tail = bike.base / 2, -bike.base / 2 - bike.tail
    grip, inner = (0.33, side * bike.bars, 1.02), (0.33, side * (bike.bars - 0.1), 1.02)
    stalk = (0.36, side * bike.bars, 1.2)
    return [
        mesh_of(limb((front, side * 0.07, bike.wheel), (front - 0.2, side * 0.07, 0.92), 0.022), dark),
        mesh_of(limb((0.38, 0, 0.98), grip, 0.018), dark),
        mesh_of(limb(inner, grip, 0.026), black),
        mesh_of(limb((0.34, side * (bike.bars - 0.1), 1.03), stalk, 0.01), black),
        mesh_of(ellipsoid((0.02, 0.065, 0.045), stalk), black),
        mesh_of(ellipsoid((0.04, 0.035, 0.025), (tail + 0.05, side * 0.15, bike.seat - 0.1)), paint.flat((190, 96, 22))),
    ]


def _lights_and_plate(paint: Paintwork, bike: Bike, rng: np.random.Generator) -> list[Mesh]:
    """Return headlight, brake light, rear mudguard and plate; the plate is painted as seen from behind."""
    tail, seat = -bike.base / 2 - bike.tail, bike.seat
    head = ellipsoid((0.08, 0.1, 0.08), (0.5, 0, 0.9 if bike.scooter else 0.94))
    parts = [mesh_of(head, paint.flat((200, 203, 206), Material.HEAD_LIGHT))]
    brake = ellipsoid((0.03, rng.uniform(0.07, 0.13), 0.04), (tail - 0.03, 0, seat - 0.06))
    parts.append(mesh_of(brake, paint.flat((140, 14, 16), Material.BRAKE_LIGHT)))
    centre = (tail - 0.06, 0, seat - 0.27)
    parts.append(mesh_of(box((0.02, 0.15, 0.34), (tail, 0, seat - 0.25)), paint.flat((20, 20, 22))))
    plate(paint, centre, "rear", rng, (0.2, 0.14))
    parts.append(paint.wrap(mesh_of(box((0.015, 0.2, 0.14), centre))))
    return parts


def _person(paint: Paintwork, bike: Bike, x: float, lean: float, drives: bool, rng: np.random.Generator) -> list[Mesh]:
    """Return a rider who sits at x; the jacket's pattern is painted as seen from behind and from the front."""
    size = rng.uniform(0.94, 1.05)
    stout = rng.uniform(0.9, 1.15)
    jacket, trousers = (CLOTHES[i] for i in rng.integers(len(CLOTHES), size=2))
    skin = paint.flat(SKIN[rng.integers(len(SKIN))])
    cloth, leg_paint = paint.flat(jacket, Material.CLOTH), paint.flat(trousers, Material.CLOTH)
    hip = np.array([x, 0, bike.seat + 0.1])
    up = np.array([np.sin(lean), 0, np.cos(lean)]) * size
    chest, shoulders = hip + 0.3 * up, hip + 0.47 * up
    torso = tube(
        [hip - 0.06 * up, hip + 0.06 * up, hip + 0.18 * up, chest, hip + 0.4 * up, shoulders, shoulders + 0.06 * up],
        np.array([(0.12, 0.165), (0.125, 0.175), (0.115, 0.16), (0.125, 0.18), (0.12, 0.2), (0.09, 0.17), (0.055, 0.07)])
        * [stout, 0.5 + 0.5 * stout],
        points=18,
    )
    parts = [_pattern(paint, mesh_of(torso, cloth), jacket, rng) if drives else mesh_of(torso, cloth)]
    sleeves = cloth if rng.random() < 0.75 else skin
    for side in (-1, 1):
        shoulder = shoulders + [0, side * 0.185, -0.035]
        if drives:
            hand = np.array([0.31, side * (bike.bars - 0.06), 1.05])
            elbow = (shoulder + hand) / 2 + [-0.06, side * 0.09, -0.07]
        else:
            hand = np.array([x + 0.3, side * 0.17, bike.seat + 0.2])
            elbow = (shoulder + hand) / 2 + [-0.08, side * 0.07, -0.06]
        parts.append(mesh_of(limb(shoulder, elbow, 0.062 * stout, 0.05), cloth))
        parts.append(mesh_of(limb(elbow, hand, 0.047, 0.034), sleeves))
        parts.append(
            mesh_of(ellipsoid((0.05, 0.04, 0.035), hand, 1), skin if rng.random() < 0.7 else paint.flat((24, 24, 26)))
        )
        knee = hip + [0.4, side * (0.19 + 0.05 * (not drives)), -0.1]
        foot = np.array(
            [knee[0] - 0.06, side * (0.17 if drives else 0.22), bike.wheel + (0.12 if bike.scooter and drives else 0.06)]
        )
        parts.append(mesh_of(limb(hip + [0, side * 0.09, -0.03], knee, 0.095 * stout, 0.068), leg_paint))
        parts.append(mesh_of(limb(knee, foot + [0, 0, 0.05], 0.065, 0.045), leg_paint))
        parts.append(mesh_of(ellipsoid((0.13, 0.045, 0.045), foot + [0.05, 0, 0]), paint.flat(CLOTHES[rng.integers(8)])))
    parts += _head(paint, shoulders, shoulders + np.array([0.03, 0, 0.0]) + 0.155 * up, skin, rng)
    if (not drives or rng.random() < 0.25) and rng.random() < 0.6:
        bag = CLOTHES[rng.integers(len(CLOTHES))]
        parts.append(mesh_of(box((0.15, 0.3, 0.4), chest + [-0.19, 0, -0.02], 0.07), paint.flat(bag, Material.CLOTH)))
    return parts


def _head(paint: Paintwork, neck: Point, head: NDArray, skin: Texel, rng: np.random.Generator) -> list[Mesh]:
    """Return neck and head, with a helmet or hair."""
    parts = [mesh_of(limb(neck, head, 0.055), skin)]
    if rng.random() >= 0.93:
        hair = paint.flat((32, 26, 24), Material.CLOTH)
        return [*parts, mesh_of(ellipsoid((0.11, 0.095, 0.13), head + [0, 0, 0.03]), hair)]
    helmet = paint.flat(HELMETS[rng.integers(len(HELMETS))], Material.PAINT)
    parts.append(mesh_of(ellipsoid((0.135, 0.122, 0.135), head + [0.0, 0, 0.05], 3), helmet))
    visor = paint.flat((14, 14, 16), Material.GLASS)
    parts.append(mesh_of(ellipsoid((0.1, 0.105, 0.06), head + [0.052, 0, 0.02]), visor))
    if rng.random() < 0.35:
        stripe = paint.flat(HELMETS[rng.integers(len(HELMETS))], Material.PAINT)
        parts.append(mesh_of(ellipsoid((0.137, 0.03, 0.137), head + [0.0, 0, 0.05]), stripe))
    return parts


def _pattern(paint: Paintwork, torso: Mesh, jacket: Colour, rng: np.random.Generator) -> Mesh:
    """Paint stripes, checks or a patch on a jacket."""
    kind = rng.choice(["plain", "stripes", "checks", "yoke", "print", "vest"], p=[0.45, 0.12, 0.1, 0.13, 0.12, 0.08])
    if kind == "plain":
        return torso
    column, row, size = paint.cloth()
    other = CLOTHES[rng.integers(len(CLOTHES))]
    picture = Image.new("RGB", (64, 64), jacket)
    draw = ImageDraw.Draw(picture)
    if kind == "stripes":
        for y in range(0, 64, int(rng.integers(10, 18))):
            draw.rectangle((0, y, 64, y + 4), fill=other)
    elif kind == "checks":
        for at in range(0, 64, 12):
            draw.rectangle((0, at, 64, at + 4), fill=other)
            draw.rectangle((at, 0, at + 4, 64), fill=other)
    elif kind == "yoke":
        draw.rectangle((0, 0, 64, int(rng.integers(14, 34))), fill=other)
    elif kind == "print":
        draw.rounded_rectangle((18, 14, 46, 36), 6, fill=other)
    else:
        picture.paste((206, 212, 60), (0, 0, 64, 64))
        draw.rectangle((0, 34, 64, 42), fill=(200, 202, 200))
    paint.patch((column, row, size), picture, int(Material.CLOTH))
    low, high = torso.corners[..., 2].min(), torso.corners[..., 2].max()
    across = torso.corners[..., 1] / 0.46 + 0.5
    up = (torso.corners[..., 2] - low) / (high - low)
    uv = np.stack([column + np.clip(across, 0.03, 0.97) * size, row + np.clip(1 - up, 0.03, 0.97) * size], -1)
    return torso._replace(uv=uv.astype(np.float32))


def _luggage(paint: Paintwork, bike: Bike, rng: np.random.Generator) -> list[Mesh]:
    kind = rng.choice(["none", "top case", "delivery box", "sack", "panniers"], p=[0.55, 0.13, 0.14, 0.1, 0.08])
    tail, seat = -bike.base / 2 - bike.tail, bike.seat
    colour = (HELMETS + CLOTHES)[rng.integers(len(HELMETS) + len(CLOTHES))]
    if kind == "top case":
        return [mesh_of(box((0.36, 0.42, 0.3), (tail + 0.05, 0, seat + 0.26), 0.09), paint.flat(colour, Material.PAINT))]
    if kind == "delivery box":
        size = rng.uniform(0.42, 0.56)
        parts = [
            mesh_of(
                box((0.42, size, size), (tail + 0.14, 0, seat + 0.1 + size / 2), 0.03), paint.flat(colour, Material.CLOTH)
            )
        ]
        band = HELMETS[rng.integers(len(HELMETS))]
        parts.append(
            mesh_of(
                box((0.43, size + 0.01, 0.09), (tail + 0.14, 0, seat + 0.1 + size * rng.uniform(0.3, 0.8)), 0.02),
                paint.flat(band),
            )
        )
        return parts
    if kind == "sack":
        return [mesh_of(ellipsoid((0.24, 0.3, 0.2), (tail + 0.18, 0, seat + 0.22)), paint.flat(colour, Material.CLOTH))]
    if kind == "panniers":
        cloth = paint.flat(colour, Material.CLOTH)
        return [mesh_of(box((0.42, 0.18, 0.34), (tail + 0.16, side * 0.28, seat - 0.16), 0.05), cloth) for side in (-1, 1)]
    return []
