"""Parts fitted to a body: wheels, mirrors, loads on the roof and in the bed."""

import numpy as np
from PIL import Image, ImageDraw

from msinet.world.cars import BodyShape
from msinet.world.colours import any_colour
from msinet.world.mesh import Mesh, box, ellipsoid, lathe, limb, mesh_of
from msinet.world.paintwork import Colour, Material, Paintwork, disc_uv

RIMS: tuple[Colour, ...] = ((168, 170, 173), (120, 122, 126), (40, 41, 44), (196, 198, 200))


def wheels(paint: Paintwork, shape: BodyShape, axles: list[float], rng: np.random.Generator) -> list[Mesh]:
    """Return the wheels; the spokes of their rims are painted."""
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
    outline = [
        (0, -0.1),
        (radius * 0.72, -0.1),
        (radius * 0.95, -0.105),
        (radius, -0.07),
        (radius, 0.07),
        (radius * 0.95, 0.105),
        (radius * 0.72, 0.1),
        (0, 0.1),
    ]
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


def mirrors(paint: Paintwork, shape: BodyShape, kind: str, colour: Colour) -> list[Mesh]:
    """Return both mirrors; on trucks and buses they have arms."""
    x = shape.x(shape.cowl[0] + 0.42) if kind not in ("bus", "box truck", "lorry") else shape.x(0.0) + 0.05
    high = kind in ("bus", "box truck", "lorry")
    size = (0.07, 0.09, 0.065) if not high else (0.06, 0.09, 0.17)
    paint_of = paint.flat(colour, Material.PAINT) if not high else paint.flat((22, 22, 24))
    z, y = shape.belt + (0.07 if not high else 0.25), shape.width / 2 + (0.07 if not high else 0.14)
    parts = [mesh_of(ellipsoid(size, (x, side * y, z)), paint_of) for side in (-1, 1)]
    if high:  # On arms, from the edge of the windscreen.
        start, arm = (shape.x(shape.roof[0]), shape.y(shape.roof[0]) - 0.1, z + 0.25), paint.flat((22, 22, 24))
        parts += [
            mesh_of(limb((start[0], side * start[1], start[2]), (x, side * y, z + 0.12), 0.025), arm) for side in (-1, 1)
        ]
    return parts


def roof_load(paint: Paintwork, shape: BodyShape, kind: str, colour: Colour, rng: np.random.Generator) -> list[Mesh]:
    """Return rails, luggage, a spoiler and an aerial on the roof, each at random."""
    start, stop = shape.roof
    middle, half = shape.x((start + stop) / 2), shape.roof_half_width((start + stop) / 2) * 0.84
    roof = shape.height - 0.03
    parts: list[Mesh] = []
    rails = kind in ("suv", "estate") and rng.random() < 0.7
    black, metal = paint.flat((24, 24, 26)), paint.flat((170, 172, 174), Material.METAL)
    if rails:
        bar = metal if rng.random() < 0.5 else black
        length = (stop - start) * 0.42
        parts += [
            mesh_of(limb((middle - length, s * half, roof + 0.05), (middle + length, s * half, roof + 0.05), 0.02), bar)
            for s in (-1, 1)
        ]
    what = rng.choice(["nothing", "box", "crate", "ladder", "sign", "boards"], p=[0.8, 0.05, 0.04, 0.04, 0.04, 0.03])
    if kind not in ("bus", "pickup") and (what != "ladder" or kind in ("van", "estate", "suv")):
        parts += _luggage(str(what), paint, (middle, roof), stop - start, rng)
    if kind in ("sedan", "hatchback") and rng.random() < 0.15:
        parts += _spoiler(paint, shape, kind, colour)
    if rng.random() < 0.3:
        place = shape.x(stop - 0.1)
        parts.append(mesh_of(limb((place, 0, roof - 0.06), (place - 0.12, 0, roof + 0.2), 0.012, 0.006), black))
    return parts


def _luggage(what: str, paint: Paintwork, place: tuple[float, float], room: float, rng: np.random.Generator) -> list[Mesh]:
    """Return the luggage on a roof, whose middle is at a place (x, z) and which has room for a length."""
    middle, roof = place
    if what == "box":
        size = (min(1.7, room), 0.75, 0.34)
        shape = box(size, (middle, rng.uniform(-0.2, 0.2), roof + 0.24), 0.13)
        return [mesh_of(shape, paint.flat((34, 35, 38), Material.PAINT))]
    if what == "crate":
        size = (rng.uniform(0.6, 1.2), rng.uniform(0.7, 1.0), rng.uniform(0.25, 0.45))
        return [mesh_of(box(size, (middle, 0, roof + size[2] / 2 + 0.05)), paint.flat((126, 100, 72)))]
    if what == "ladder":
        length, z, metal = min(1.5, room * 0.6), roof + 0.12, paint.flat((170, 172, 174), Material.METAL)
        rails = [limb((middle - length, y, z), (middle + length, y, z), 0.03) for y in (-0.2, 0.2)]
        rungs = [limb((middle + at, -0.2, z), (middle + at, 0.2, z), 0.018) for at in np.linspace(-length, length, 8)]
        return [mesh_of(part, metal) for part in (*rails, *rungs)]
    if what == "sign":
        sign = box((0.2, 0.62, 0.17), (middle + 0.2, 0, roof + 0.1), 0.05)
        return [mesh_of(sign, paint.flat((232, 196, 60), Material.PAINT))]
    if what == "boards":
        boards = box((2.0, 0.5, 0.09), (middle, 0.1, roof + 0.14), 0.04)
        return [mesh_of(boards, paint.flat(any_colour(rng), Material.PAINT))]
    return []


def _spoiler(paint: Paintwork, shape: BodyShape, kind: str, colour: Colour) -> list[Mesh]:
    place = shape.x(shape.length - 0.15) if kind == "sedan" else shape.x(shape.roof[1] + 0.05)
    z = shape.tail + 0.1 if kind == "sedan" else shape.z(shape.roof[1]) + 0.02
    wing = box((0.2, shape.roof_half_width(shape.roof[1]) * 1.8, 0.04), (place, 0, z), 0.015)
    parts = [mesh_of(wing, paint.flat(colour, Material.PAINT))]
    if kind == "sedan":
        black = paint.flat((24, 24, 26))
        parts += [mesh_of(limb((place, y, z - 0.14), (place, y, z), 0.02), black) for y in (-0.45, 0.45)]
    return parts


def bed(paint: Paintwork, shape: BodyShape, rng: np.random.Generator) -> list[Mesh]:
    """Return the side walls of a pickup's bed and its load."""
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
            parts.append(
                mesh_of(box(size, at), paint.flat([(126, 100, 72), (60, 72, 92), (148, 150, 150)][rng.integers(3)]))
            )
    elif what == "cover":
        parts.append(
            mesh_of(box((length, 2 * half, 0.1), (middle, 0, z + 0.1), 0.04), paint.flat((26, 27, 29), Material.CLOTH))
        )
    elif what == "rack":
        metal = paint.flat((40, 41, 44), Material.METAL)
        for x in (start - 0.1, stop + 0.2):
            parts += [mesh_of(limb((x, s * half, z), (x, s * half, shape.height), 0.03), metal) for s in (-1, 1)]
            parts.append(mesh_of(limb((x, -half, shape.height), (x, half, shape.height), 0.03), metal))
    return parts
