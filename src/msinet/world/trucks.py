"""Trucks and lorries: a lofted cab, a frame, and one of several cargo bodies."""

from typing import NamedTuple

import numpy as np

from msinet.world.cars import BodyShape, body
from msinet.world.colours import GLASS, any_colour, shade_of
from msinet.world.dressing import dress
from msinet.world.fittings import mirrors, wheels
from msinet.world.liveries import plate
from msinet.world.mesh import Mesh, box, ellipsoid, join, lathe, limb, mesh_of
from msinet.world.paintwork import Colour, Material, Paintwork, Texel


class Space(NamedTuple):
    """The space for a truck's cargo, in metres."""

    length: float
    width: float
    height: float
    x: float
    """Middle along the road."""
    z: float
    """Height of the floor."""


def truck(
    cab: BodyShape, kind: str, colour: Colour, details: np.random.Generator, rng: np.random.Generator
) -> tuple[Mesh, Paintwork, tuple[float, float]]:
    """Return a truck, its paint, and its length and width."""
    heavy = kind == "lorry"
    cargo_length = (cab.wheels[-1] + 1.0 - cab.length) + (rng.uniform(0, 0.8) if heavy else rng.uniform(-0.2, 0.3))
    length = cab.length + 0.12 + cargo_length
    floor = cab.wheel_radius * 2 + 0.1
    what = rng.choice(
        ["box", "curtain", "flatbed", "tank", "tipper"], p=[0.5, 0.2, 0.15, 0.1, 0.05] if heavy else [0.72, 0.13, 0.15, 0, 0]
    )
    high = {"box": cab.height + rng.uniform(0.1, 0.6), "curtain": cab.height + rng.uniform(0.1, 0.5)}.get(
        str(what), cab.height
    )
    width = cab.width + 0.1
    shift = length / 2 - cab.length / 2
    paint = Paintwork(cab.length + 0.06, cab.width + 0.02, cab.height, colour)
    dress(paint, cab, kind, GLASS[rng.integers(2)], details)
    plate(paint, (0, 0, cab.clearance + 0.2), "front", rng)
    front = paint.wrap(mesh_of(body(cab)))
    cargo_colour = shade_of((222, 223, 222) if rng.random() < 0.5 else any_colour(rng), rng)
    second = paint.flat(cargo_colour, Material.MATTE)
    behind = -length / 2
    middle = behind + cargo_length / 2
    plain = paint.flat((34, 35, 37)), paint.flat((18, 18, 20)), paint.flat((150, 152, 155), Material.METAL)
    parts = [front.moved((shift, 0, 0)), *(m.moved((shift, 0, 0)) for m in mirrors(paint, cab, kind, colour))]
    parts.append(mesh_of(box((length - 0.5, 0.8, 0.22), (-0.1, 0, cab.wheel_radius * 2 - 0.08)), plain[0]))
    axles = [length / 2 - place for place in cab.wheels]
    parts += wheels(paint, cab, axles, rng)
    space = Space(cargo_length, width, high - floor, middle, floor)
    parts += _cargo(str(what), paint, space, second, cargo_colour, rng)
    parts += _rear(paint, space, (behind, axles[-1] - cab.wheel_radius - 0.12), plain, heavy, rng)
    plate(paint, (0, 0, 0.7), "rear", rng)
    flat_plate = mesh_of(box((0.02, 0.46, 0.13), (-cab.length / 2 - 0.02, 0, 0.7)))
    parts.append(paint.wrap(flat_plate).moved((behind - 0.02 + cab.length / 2, 0, -0.05)))
    return join(parts), paint, (length, width)


def _rear(
    paint: Paintwork,
    space: Space,
    places: tuple[float, float],
    plain: tuple[Texel, Texel, Texel],
    heavy: bool,
    rng: np.random.Generator,
) -> list[Mesh]:
    """Return the parts below and behind the cargo: bumper, lights, mudflaps and, of lorries, side guards and fuel tank.

    Args:
        paint: paint of the truck.
        space: the cargo's space.
        places: x of the rear end and of the mudflaps.
        plain: texels of grey, black and metal.
        heavy: whether it is a lorry.
        rng: decides on the side guards.
    """
    (behind, flaps), (grey, black, metal) = places, plain
    length, width, _, x, floor = space
    parts = [mesh_of(box((0.12, width * 0.94, 0.12), (behind + 0.06, 0, 0.5 + 0.08 * heavy)), grey)]
    red = paint.flat((140, 14, 16), Material.TAIL_LIGHT)
    for side in (-1, 1):
        parts.append(mesh_of(box((0.05, 0.3, 0.12), (behind - 0.01, side * width * 0.38, floor - 0.12)), red))
        parts.append(mesh_of(box((0.02, 0.4, 0.42), (flaps, side * width * 0.36, 0.42)), black))
        if heavy and rng.random() < 0.7:
            parts.append(mesh_of(box((length * 0.5, 0.04, 0.4), (x + 0.3, side * width * 0.48, 0.62)), grey))
    if heavy:
        tank = limb((x + length * 0.3, width * 0.4, 0.65), (x + length * 0.1, width * 0.4, 0.65), 0.24)
        parts.append(mesh_of(tank, metal))
    return parts


def _cargo(what: str, paint: Paintwork, space: Space, cover: Texel, colour: Colour, rng: np.random.Generator) -> list[Mesh]:
    """Return the cargo body, its walls in the texel of the cover."""
    length, width, _, x, z = space
    grey, metal = paint.flat((70, 72, 75)), paint.flat((150, 152, 155), Material.METAL)
    deck = mesh_of(box((length, width, 0.12), (x, 0, z)), grey)
    if what in ("box", "curtain"):
        return [deck, *_panels(what, paint, space, colour, rng)]
    if what == "tank":
        radius = min(width / 2, 0.95)
        tank = limb((x + length / 2 - radius, 0, z + radius), (x - length / 2 + radius, 0, z + radius), radius)
        bands = [
            lathe([(0, -0.04), (radius + 0.015, -0.04), (radius + 0.015, 0.04), (0, 0.04)], (0, 0, 0)) for _ in range(3)
        ]
        for band, at in zip(bands, np.linspace(-0.3, 0.3, 3), strict=True):
            band.vertices = band.vertices[:, [1, 0, 2]] * [1, -1, 1] + [x + at * length, 0, z + radius]
        return [deck, mesh_of(tank, paint.flat(colour, Material.METAL)), *(mesh_of(band, grey) for band in bands)]
    wall = 0.45 if what == "flatbed" else 0.95
    parts = [deck]
    parts += [mesh_of(box((length, 0.06, wall), (x, s * (width / 2 - 0.03), z + wall / 2)), cover) for s in (-1, 1)]
    parts += [mesh_of(box((0.06, width, wall), (x + s * (length / 2 - 0.03), 0, z + wall / 2)), cover) for s in (-1, 1)]
    for at in np.linspace(-0.45, 0.45, 5):
        parts += [
            mesh_of(box((0.08, 0.03, wall), (x + at * length, s * (width / 2 + 0.01), z + wall / 2)), metal) for s in (-1, 1)
        ]
    if what == "tipper":
        heap = ellipsoid((length * 0.45, width * 0.44, 0.5), (x, 0, z + wall * 0.8))
        return [*parts, mesh_of(heap, paint.flat((120, 100, 76), Material.CLOTH))]
    if rng.random() < 0.7:
        tarp = box((length * 0.9, width * 0.86, rng.uniform(0.6, 1.1)), (x, 0, z + 0.55), 0.12)
        parts.append(
            mesh_of(tarp, paint.flat([(52, 72, 96), (66, 84, 60), (120, 112, 96)][rng.integers(3)], Material.CLOTH))
        )
    return parts


def _panels(what: str, paint: Paintwork, space: Space, colour: Colour, rng: np.random.Generator) -> list[Mesh]:
    """Return a closed box, whose ribs, doors and bands are solid and a few centimetres high."""
    length, width, height, x, z = space
    dark: Colour = tuple(int(v * 0.72) for v in colour)  # pyright: ignore[reportAssignmentType]
    main, rib = paint.flat(colour), paint.flat(dark)
    if what == "curtain":
        main = paint.flat(colour, Material.CLOTH)
    middle = z + height / 2
    parts = [mesh_of(box((length, width, height), (x, 0, middle), 0.05), main)]
    metal = paint.flat((160, 162, 165), Material.METAL)
    for s in (-1, 1):
        ribs = np.linspace(-0.5, 0.5, int(rng.integers(3, 12)))[1:-1]
        aside = s * (width / 2 + 0.005)
        parts += [mesh_of(box((0.05, 0.02, height * 0.96), (x + at * length, aside, middle)), rib) for at in ribs]
        parts += [mesh_of(box((0.06, 0.06, height), (x - length / 2, s * width / 2, middle)), metal)]
        parts += [
            mesh_of(
                limb(
                    (x - length / 2 - 0.03, s * at, z + 0.1), (x - length / 2 - 0.03, s * at, z + height - 0.1), 0.02, 0.02
                ),
                metal,
            )
            for at in (0.15, 0.55)
        ]
    parts.append(mesh_of(box((0.02, 0.03, height), (x - length / 2 - 0.005, 0.025, middle)), paint.flat((20, 20, 22))))
    if rng.random() < 0.55:
        band = paint.flat(any_colour(rng), Material.PAINT)
        high, at = rng.uniform(0.15, 0.6), z + height * rng.uniform(0.25, 0.7)
        parts.append(mesh_of(box((length * rng.choice([1.0, 0.6]), width + 0.03, high), (x, 0, at)), band))
        if rng.random() < 0.7:
            parts.append(mesh_of(box((length + 0.02, width * rng.choice([1.0, 0.5]), high), (x, 0, at)), band))
    return parts
