"""A vehicle: its model, and all that tells it from others of that model."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from msinet.world.cars import BodyShape, body
from msinet.world.dressing import decorate, dirt, dress, plate
from msinet.world.fleet import BODIES
from msinet.world.mesh import Mesh, box, ellipsoid, join, lathe, limb, mesh_of
from msinet.world.motorcycles import BIKES, HEIGHT, LENGTH, WIDTH, motorcycle
from msinet.world.paintwork import Colour, Material, Paintwork, disc_uv

COLOURS: dict[str, tuple[float, tuple[Colour, ...]]] = {
    "yellow": (0.03, ((212, 168, 32), (222, 190, 60))),
    "orange": (0.02, ((206, 92, 24),)),
    "green": (0.03, ((34, 74, 52), (74, 112, 70))),
    "gray": (0.26, ((74, 77, 80), (118, 121, 124), (166, 169, 172), (52, 55, 60))),
    "red": (0.1, ((146, 22, 26), (110, 18, 26), (176, 40, 34))),
    "blue": (0.11, ((28, 50, 104), (52, 92, 150), (24, 34, 62))),
    "white": (0.23, ((226, 227, 227), (214, 212, 204))),
    "golden": (0.03, ((164, 146, 110),)),
    "brown": (0.04, ((74, 52, 40), (96, 74, 60))),
    "black": (0.15, ((18, 19, 21), (30, 31, 34))),
}
"""By name, in VeRi-776's order: how frequent, and the shades (sRGB)."""

TYPES: dict[str, float] = {
    "sedan": 0.2, "suv": 0.15, "van": 0.1, "hatchback": 0.15, "estate": 0.06, "pickup": 0.06, "bus": 0.05, "box truck": 0.06,
    "lorry": 0.04, "motorcycle": 0.13,
}
"""How frequent each type is."""

GLASS: tuple[Colour, ...] = ((14, 16, 18), (24, 28, 30), (34, 40, 40), (8, 9, 10))
RIMS: tuple[Colour, ...] = ((168, 170, 173), (120, 122, 126), (40, 41, 44), (196, 198, 200))


class Character(NamedTuple):
    """What is known of a vehicle by name."""

    type: str
    model: str
    colour: str


@dataclass(frozen=True)
class Vehicle:
    """One vehicle, as it stands in every picture of it."""

    about: Character
    mesh: Mesh
    paint: NDArray[np.uint8]
    """(HEIGHT, WIDTH, 4): sRGB and material."""
    size: tuple[float, float, float]
    """Length, width and height in metres."""


def draw_vehicle(seed: tuple[int, ...], kind: str | None = None) -> Vehicle:
    """Return the vehicle that integers stand for, of a type where one is given."""
    rng = np.random.default_rng(seed)
    about = _character(rng, kind)
    shades = COLOURS[about.colour][1]
    colour = _shade(shades[rng.integers(len(shades))], rng)
    if about.type == "motorcycle":
        paint = Paintwork(LENGTH, WIDTH, HEIGHT, colour)
        mesh, size = motorcycle(paint, BIKES[about.model], colour, rng), (LENGTH, WIDTH, HEIGHT)
    else:
        build = {"box truck": _truck, "lorry": _truck}.get(about.type, _car)
        mesh, paint, size = build(BODIES[about.type][about.model], about.type, about.model, colour, rng)
    return Vehicle(about, mesh, paint.finished(), size)


def character(seed: tuple[int, ...]) -> Character:
    """Return what is known by name of the vehicle that integers stand for, without making it."""
    return _character(np.random.default_rng(seed), None)


def _character(rng: np.random.Generator, kind: str | None) -> Character:
    kind = kind or str(rng.choice(list(TYPES), p=list(TYPES.values())))
    colour = str(rng.choice(list(COLOURS), p=[share for share, _ in COLOURS.values()]))
    return Character(kind, str(rng.choice(list(BIKES if kind == "motorcycle" else BODIES[kind]))), colour)


def _shade(colour: Colour, rng: np.random.Generator) -> Colour:
    """Return a colour of the same name, no two the same."""
    moved = np.asarray(colour) * rng.uniform(0.92, 1.08) + rng.normal(0, 3, 3)
    return tuple(int(v) for v in np.clip(moved, 8, 240))  # pyright: ignore[reportReturnType]


def _model_rng(model: str) -> np.random.Generator:
    """Return what decides the details that all vehicles of a model share."""
    return np.random.default_rng(list(model.encode()))


def _car(
    shape: BodyShape, kind: str, model: str, colour: Colour, rng: np.random.Generator
) -> tuple[Mesh, Paintwork, tuple[float, float, float]]:
    width = shape.width + 0.02
    paint = Paintwork(shape.length + 0.04, width, shape.height, colour)
    second = _shade(_any_colour(rng), rng)
    decorate(paint, shape, second, rng)
    dress(paint, shape, kind, GLASS[rng.integers(len(GLASS))], _model_rng(model))
    z = shape.tail - 0.24 if kind in ("sedan", "estate", "van", "suv", "bus") else shape.clearance + 0.3
    plate(paint, (0, 0, max(z, shape.clearance + 0.24)), "rear", rng)
    plate(paint, (0, 0, shape.clearance + 0.26), "front", rng)
    if rng.random() < 0.35:
        dirt(paint, rng.uniform(0.15, 0.6), rng)
    dents = rng.random() < 0.15
    pushed = np.array([[rng.uniform(-1, 1), rng.choice([-1, 1]) * shape.width / 2, rng.uniform(0.5, 0.8), 0.25, 0.05]])
    parts = [paint.wrap(mesh_of(body(shape, pushed if dents else None)))]
    parts += _wheels(paint, shape, [shape.x(place) for place in shape.wheels], rng)
    parts += _mirrors(paint, shape, kind, colour)
    parts += _load(paint, shape, kind, colour, rng)
    if kind == "pickup":
        parts += _bed(paint, shape, rng)
    mesh = join(parts)
    return mesh, paint, (shape.length, shape.width, float(mesh.corners[..., 2].max()))


def _any_colour(rng: np.random.Generator) -> Colour:
    _, shades = list(COLOURS.values())[rng.integers(len(COLOURS))]
    return shades[rng.integers(len(shades))]


def _wheels(paint: Paintwork, shape: BodyShape, axles: list[float], rng: np.random.Generator) -> list[Mesh]:
    """Return wheels; the rims' spokes are painted."""
    radius, tyre = shape.wheel_radius, paint.flat((19, 19, 20))
    disc = paint.disc()
    rim = RIMS[rng.integers(len(RIMS))]
    picture, kinds = Image.new("RGB", (64, 64), (14, 14, 15)), Image.new("L", (64, 64), int(Material.MATTE))
    draw, draw_kinds = ImageDraw.Draw(picture), ImageDraw.Draw(kinds)
    style, spokes = rng.integers(3), int(rng.choice([5, 6, 7, 10]))
    share = rng.uniform(0.62, 0.72) * 32
    if style == 0:  # A closed cap with holes.
        draw.ellipse((32 - share, 32 - share, 32 + share, 32 + share), fill=rim)
        draw_kinds.ellipse((32 - share, 32 - share, 32 + share, 32 + share), fill=int(Material.METAL))
    for i in range(spokes):
        angle = 2 * np.pi * i / spokes
        x, y = 32 + np.cos(angle) * share, 32 + np.sin(angle) * share
        if style == 0:
            x, y = 32 + np.cos(angle) * share * 0.7, 32 + np.sin(angle) * share * 0.7
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=(16, 16, 18))
        else:
            draw.line((32, 32, x, y), fill=rim, width=5 if style == 1 else 8)
            draw_kinds.line((32, 32, x, y), fill=int(Material.METAL), width=5)
    draw.ellipse((32 - share, 32 - share, 32 + share, 32 + share), outline=rim, width=3)
    paint.patch(disc, picture, kinds)
    outline = [(0, -0.1), (radius * 0.72, -0.1), (radius * 0.95, -0.105), (radius, -0.07), (radius, 0.07), (radius * 0.95, 0.105),
               (radius * 0.72, 0.1), (0, 0.1)]
    parts = []
    for x in axles:
        for side in (-1, 1):
            centre = (x, side * (shape.width / 2 - 0.1), radius)
            wheel = mesh_of(lathe(outline, centre, 22), tyre)
            faces = np.abs(np.cross(wheel.corners[:, 1] - wheel.corners[:, 0], wheel.corners[:, 2] - wheel.corners[:, 0]))
            sideways = faces[:, 1] > 2 * (faces[:, 0] + faces[:, 2])
            painted = disc_uv(wheel, disc, centre, radius)
            parts.append(wheel._replace(uv=np.where(sideways[:, None, None], painted.uv, wheel.uv)))
    return parts


def _mirrors(paint: Paintwork, shape: BodyShape, kind: str, colour: Colour) -> list[Mesh]:
    x = shape.x(shape.cowl[0] + 0.42) if kind not in ("bus", "box truck", "lorry") else shape.x(0.0) + 0.05
    high = kind in ("bus", "box truck", "lorry")
    size = (0.07, 0.09, 0.065) if not high else (0.06, 0.09, 0.17)
    paint_of = paint.flat(colour, Material.PAINT) if not high else paint.flat((22, 22, 24))
    z, y = shape.belt + (0.07 if not high else 0.25), shape.width / 2 + (0.07 if not high else 0.14)
    parts = [mesh_of(ellipsoid(size, (x, side * y, z)), paint_of) for side in (-1, 1)]
    if high:  # On arms, from the edge of the windscreen.
        start, arm = (shape.x(shape.roof[0]), shape.y(shape.roof[0]) - 0.1, z + 0.25), paint.flat((22, 22, 24))
        parts += [mesh_of(limb((start[0], side * start[1], start[2]), (x, side * y, z + 0.12), 0.025), arm) for side in (-1, 1)]
    return parts


def _load(paint: Paintwork, shape: BodyShape, kind: str, colour: Colour, rng: np.random.Generator) -> list[Mesh]:
    """Return what stands on the roof: rails, a box, a ladder, a sign, a spoiler, an aerial."""
    start, stop = shape.roof
    middle, half = shape.x((start + stop) / 2), shape.roof_half_width((start + stop) / 2) * 0.84
    roof = shape.height - 0.03
    parts: list[Mesh] = []
    rails = kind in ("suv", "estate") and rng.random() < 0.7
    black, metal = paint.flat((24, 24, 26)), paint.flat((170, 172, 174), Material.METAL)
    if rails:
        bar = metal if rng.random() < 0.5 else black
        length = (stop - start) * 0.42
        parts += [mesh_of(limb((middle - length, s * half, roof + 0.05), (middle + length, s * half, roof + 0.05), 0.02), bar) for s in (-1, 1)]
    what = rng.choice(["nothing", "box", "crate", "ladder", "sign", "boards"], p=[0.8, 0.05, 0.04, 0.04, 0.04, 0.03])
    if kind in ("bus", "pickup") or (what == "ladder" and kind not in ("van", "estate", "suv")):
        what = "nothing"
    if what == "box":
        size = (min(1.7, stop - start), 0.75, 0.34)
        parts.append(mesh_of(box(size, (middle, rng.uniform(-0.2, 0.2), roof + 0.24), 0.13), paint.flat((34, 35, 38), Material.PAINT)))
    elif what == "crate":
        size = (rng.uniform(0.6, 1.2), rng.uniform(0.7, 1.0), rng.uniform(0.25, 0.45))
        parts.append(mesh_of(box(size, (middle, 0, roof + size[2] / 2 + 0.05)), paint.flat((126, 100, 72))))
    elif what == "ladder":
        length = min(1.5, (stop - start) * 0.6)
        parts += [mesh_of(limb((middle - length, y, roof + 0.12), (middle + length, y, roof + 0.12), 0.03), metal) for y in (-0.2, 0.2)]
        parts += [mesh_of(limb((middle + at, -0.2, roof + 0.12), (middle + at, 0.2, roof + 0.12), 0.018), metal)
                  for at in np.linspace(-length, length, 8)]
    elif what == "sign":
        parts.append(mesh_of(box((0.2, 0.62, 0.17), (middle + 0.2, 0, roof + 0.1), 0.05), paint.flat((232, 196, 60), Material.PAINT)))
    elif what == "boards":
        parts.append(mesh_of(box((2.0, 0.5, 0.09), (middle, 0.1, roof + 0.14), 0.04), paint.flat(_any_colour(rng), Material.PAINT)))
    if kind in ("sedan", "hatchback") and rng.random() < 0.15:
        place = shape.x(shape.length - 0.15) if kind == "sedan" else shape.x(shape.roof[1] + 0.05)
        z = shape.tail + 0.1 if kind == "sedan" else shape.z(shape.roof[1]) + 0.02
        parts.append(mesh_of(box((0.2, shape.roof_half_width(stop) * 1.8, 0.04), (place, 0, z), 0.015), paint.flat(colour, Material.PAINT)))
        if kind == "sedan":
            parts += [mesh_of(limb((place, y, z - 0.14), (place, y, z), 0.02), black) for y in (-0.45, 0.45)]
    if rng.random() < 0.3:
        place = shape.x(stop - 0.1)
        parts.append(mesh_of(limb((place, 0, roof - 0.06), (place - 0.12, 0, roof + 0.2), 0.012, 0.006), black))
    return parts


def _bed(paint: Paintwork, shape: BodyShape, rng: np.random.Generator) -> list[Mesh]:
    """Return the side walls of a pickup's bed and what lies in it."""
    start, stop = shape.x(shape.deck[0] + 0.08), shape.x(shape.length - 0.04)
    half, z = shape.width / 2 - 0.07, shape.tail
    middle, length = (start + stop) / 2, start - stop
    walls = [box((length, 0.07, 0.16), (middle, s * half, z + 0.04), 0.02) for s in (-1, 1)]
    walls.append(box((0.07, 2 * half, 0.16), (stop, 0, z + 0.04)))
    parts = [paint.wrap(mesh_of(wall)) for wall in walls]
    what = rng.choice(["empty", "boxes", "cover", "rack"], p=[0.4, 0.25, 0.2, 0.15])
    if what == "boxes":
        for _ in range(rng.integers(1, 4)):
            size = rng.uniform(0.35, 0.7, 3)
            at = (middle + rng.uniform(-0.3, 0.3), rng.uniform(-0.25, 0.25), z + size[2] / 2 - 0.06)
            parts.append(mesh_of(box(size, at), paint.flat([(126, 100, 72), (60, 72, 92), (148, 150, 150)][rng.integers(3)])))
    elif what == "cover":
        parts.append(mesh_of(box((length, 2 * half, 0.1), (middle, 0, z + 0.1), 0.04), paint.flat((26, 27, 29), Material.CLOTH)))
    elif what == "rack":
        metal = paint.flat((40, 41, 44), Material.METAL)
        for x in (start - 0.1, stop + 0.2):
            parts += [mesh_of(limb((x, s * half, z), (x, s * half, shape.height), 0.03), metal) for s in (-1, 1)]
            parts.append(mesh_of(limb((x, -half, shape.height), (x, half, shape.height), 0.03), metal))
    return parts


def _truck(
    cab: BodyShape, kind: str, model: str, colour: Colour, rng: np.random.Generator
) -> tuple[Mesh, Paintwork, tuple[float, float, float]]:
    """Return a truck: a lofted cab, a frame, and one of several bodies behind it."""
    heavy = kind == "lorry"
    cargo_length = (cab.wheels[-1] + 1.0 - cab.length) + (rng.uniform(0, 0.8) if heavy else rng.uniform(-0.2, 0.3))
    length = cab.length + 0.12 + cargo_length
    floor = cab.wheel_radius * 2 + 0.1
    what = rng.choice(["box", "curtain", "flatbed", "tank", "tipper"], p=[0.5, 0.2, 0.15, 0.1, 0.05] if heavy else [0.72, 0.13, 0.15, 0, 0])
    high = {"box": cab.height + rng.uniform(0.1, 0.6), "curtain": cab.height + rng.uniform(0.1, 0.5)}.get(str(what), cab.height)
    width = cab.width + 0.1
    shift = length / 2 - cab.length / 2
    paint = Paintwork(cab.length + 0.06, cab.width + 0.02, cab.height, colour)
    details = _model_rng(model)
    dress(paint, cab, kind, GLASS[rng.integers(2)], details)
    plate(paint, (0, 0, cab.clearance + 0.2), "front", rng)
    front = paint.wrap(mesh_of(body(cab)))
    mirrors = _mirrors(paint, cab, kind, colour)
    # The cargo's paint takes the sides of the atlas that the cab leaves free: the rear, and half of the others by scale.
    cargo_colour = _shade((222, 223, 222) if rng.random() < 0.5 else _any_colour(rng), rng)
    second = paint.flat(cargo_colour, Material.MATTE)
    behind = -length / 2
    middle = behind + cargo_length / 2
    grey, black, metal = paint.flat((34, 35, 37)), paint.flat((18, 18, 20)), paint.flat((150, 152, 155), Material.METAL)
    parts = [front.moved((shift, 0, 0)), *(m.moved((shift, 0, 0)) for m in mirrors)]
    parts.append(mesh_of(box((length - 0.5, 0.8, 0.22), (-0.1, 0, cab.wheel_radius * 2 - 0.08)), grey))
    axles = [length / 2 - place for place in cab.wheels]
    parts += _wheels(paint, cab, axles, rng)
    parts += _cargo(str(what), paint, (cargo_length, width, high - floor), (middle, 0.0, floor), second, cargo_colour, rng)
    # Rear: bumper, lights, plate, mudflaps.
    parts.append(mesh_of(box((0.12, width * 0.94, 0.12), (behind + 0.06, 0, 0.5 + 0.08 * heavy)), grey))
    red = paint.flat((140, 14, 16), Material.TAIL_LIGHT)
    for side in (-1, 1):
        parts.append(mesh_of(box((0.05, 0.3, 0.12), (behind - 0.01, side * width * 0.38, floor - 0.12)), red))
        parts.append(mesh_of(box((0.02, 0.4, 0.42), (axles[-1] - cab.wheel_radius - 0.12, side * width * 0.36, 0.42)), black))
        if heavy and rng.random() < 0.7:
            parts.append(mesh_of(box((cargo_length * 0.5, 0.04, 0.4), (middle + 0.3, side * width * 0.48, 0.62)), grey))
    if heavy:
        parts.append(mesh_of(limb((middle + cargo_length * 0.3, width * 0.4, 0.65), (middle + cargo_length * 0.1, width * 0.4, 0.65), 0.24), metal))
    plate(paint, (0, 0, 0.7), "rear", rng)
    flat_plate = mesh_of(box((0.02, 0.46, 0.13), (-cab.length / 2 - 0.02, 0, 0.7)))
    parts.append(paint.wrap(flat_plate).moved((behind - 0.02 + cab.length / 2, 0, -0.05)))
    mesh = join(parts)
    return mesh, paint, (length, width, float(mesh.corners[..., 2].max()))


def _cargo(
    what: str, paint: Paintwork, size: tuple[float, float, float], base: tuple[float, float, float],
    cover: tuple[float, float], colour: Colour, rng: np.random.Generator,
) -> list[Mesh]:
    """Return what a truck carries, above its floor."""
    length, width, height = size
    x, _, z = base
    grey, metal = paint.flat((70, 72, 75)), paint.flat((150, 152, 155), Material.METAL)
    deck = mesh_of(box((length, width, 0.12), (x, 0, z)), grey)
    if what in ("box", "curtain"):
        return [deck, *_panels(what, paint, size, base, colour, rng)]
    if what == "tank":
        radius = min(width / 2, 0.95)
        tank = limb((x + length / 2 - radius, 0, z + radius), (x - length / 2 + radius, 0, z + radius), radius)
        bands = [lathe([(0, -0.04), (radius + 0.015, -0.04), (radius + 0.015, 0.04), (0, 0.04)], (0, 0, 0)) for _ in range(3)]
        for band, at in zip(bands, np.linspace(-0.3, 0.3, 3), strict=True):
            band.vertices = band.vertices[:, [1, 0, 2]] * [1, -1, 1] + [x + at * length, 0, z + radius]
        return [deck, mesh_of(tank, paint.flat(colour, Material.METAL)), *(mesh_of(band, grey) for band in bands)]
    wall = 0.45 if what == "flatbed" else 0.95
    parts = [deck]
    parts += [mesh_of(box((length, 0.06, wall), (x, s * (width / 2 - 0.03), z + wall / 2)), cover) for s in (-1, 1)]
    parts += [mesh_of(box((0.06, width, wall), (x + s * (length / 2 - 0.03), 0, z + wall / 2)), cover) for s in (-1, 1)]
    for at in np.linspace(-0.45, 0.45, 5):
        parts += [mesh_of(box((0.08, 0.03, wall), (x + at * length, s * (width / 2 + 0.01), z + wall / 2)), metal) for s in (-1, 1)]
    if what == "tipper":
        heap = ellipsoid((length * 0.45, width * 0.44, 0.5), (x, 0, z + wall * 0.8))
        return [*parts, mesh_of(heap, paint.flat((120, 100, 76), Material.CLOTH))]
    if rng.random() < 0.7:
        tarp = box((length * 0.9, width * 0.86, rng.uniform(0.6, 1.1)), (x, 0, z + 0.55), 0.12)
        parts.append(mesh_of(tarp, paint.flat([(52, 72, 96), (66, 84, 60), (120, 112, 96)][rng.integers(3)], Material.CLOTH)))
    return parts


def _panels(
    what: str, paint: Paintwork, size: tuple[float, float, float], base: tuple[float, float, float],
    colour: Colour, rng: np.random.Generator,
) -> list[Mesh]:
    """Return a closed box: its ribs, doors, letters and stripe are solid, a few centimetres high."""
    length, width, height = size
    x, _, z = base
    dark: Colour = tuple(int(v * 0.72) for v in colour)  # pyright: ignore[reportAssignmentType]
    main, rib = paint.flat(colour), paint.flat(dark)
    if what == "curtain":
        main = paint.flat(colour, Material.CLOTH)
    middle = z + height / 2
    parts = [mesh_of(box((length, width, height), (x, 0, middle), 0.05), main)]
    metal = paint.flat((160, 162, 165), Material.METAL)
    for s in (-1, 1):
        for at in np.linspace(-0.5, 0.5, int(rng.integers(3, 12)))[1:-1]:
            parts.append(mesh_of(box((0.05, 0.02, height * 0.96), (x + at * length, s * (width / 2 + 0.005), middle)), rib))
        parts += [mesh_of(box((0.06, 0.06, height), (x - length / 2, s * width / 2, middle)), metal)]
        parts += [mesh_of(limb((x - length / 2 - 0.03, s * at, z + 0.1), (x - length / 2 - 0.03, s * at, z + height - 0.1), 0.02, 0.02), metal)
                  for at in (0.15, 0.55)]
    parts.append(mesh_of(box((0.02, 0.03, height), (x - length / 2 - 0.005, 0.025, middle)), paint.flat((20, 20, 22))))
    if rng.random() < 0.55:
        band = paint.flat(_any_colour(rng), Material.PAINT)
        high, at = rng.uniform(0.15, 0.6), z + height * rng.uniform(0.25, 0.7)
        parts.append(mesh_of(box((length * rng.choice([1.0, 0.6]), width + 0.03, high), (x, 0, at)), band))
        if rng.random() < 0.7:
            parts.append(mesh_of(box((length + 0.02, width * rng.choice([1.0, 0.5]), high), (x, 0, at)), band))
    return parts
