"""Vehicles: type, model and colour, and the details that distinguish vehicles of one model."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from msinet.world.cars import BodyShape, body
from msinet.world.colours import COLOURS, GLASS, any_colour, shade_of
from msinet.world.dressing import dress
from msinet.world.fittings import bed, mirrors, roof_load, wheels
from msinet.world.fleet import BODIES
from msinet.world.liveries import decorate, dirt, plate
from msinet.world.mesh import Mesh, join, mesh_of
from msinet.world.motorcycles import BIKES, HEIGHT, LENGTH, WIDTH, motorcycle
from msinet.world.paintwork import Colour, Paintwork
from msinet.world.trucks import truck

TYPES: dict[str, float] = {
    "sedan": 0.2,
    "suv": 0.15,
    "van": 0.1,
    "hatchback": 0.15,
    "estate": 0.06,
    "pickup": 0.06,
    "bus": 0.05,
    "box truck": 0.06,
    "lorry": 0.04,
    "motorcycle": 0.13,
}
"""Frequency of each type."""


class Character(NamedTuple):
    """Type, model and colour of a vehicle."""

    type: str
    model: str
    colour: str


@dataclass(frozen=True)
class Vehicle:
    """A vehicle: the same in all of its images."""

    about: Character
    mesh: Mesh
    paint: NDArray[np.uint8]
    """(HEIGHT, WIDTH, 4): sRGB and material."""
    footprint: tuple[float, float]
    """Length and width of the body in metres."""


def draw_vehicle(seed: tuple[int, ...], kind: str | None = None) -> Vehicle:
    """Return the vehicle of a seed, of a random type unless one is given."""
    rng = np.random.default_rng(seed)
    about = _character(rng, kind)
    shades = COLOURS[about.colour][1]
    colour = shade_of(shades[rng.integers(len(shades))], rng)
    if about.type == "motorcycle":
        paint, footprint = Paintwork(LENGTH, WIDTH, HEIGHT, colour), (LENGTH, WIDTH)
        mesh = motorcycle(paint, BIKES[about.model], colour, rng)
    else:
        details = np.random.default_rng(list(about.model.encode()))  # shared by all vehicles of a model
        build = truck if about.type in ("box truck", "lorry") else _car
        mesh, paint, footprint = build(BODIES[about.type][about.model], about.type, colour, details, rng)
    return Vehicle(about, mesh, paint.finished(), footprint)


def character(seed: tuple[int, ...]) -> Character:
    """Return type, model and colour of a seed's vehicle, without building it."""
    return _character(np.random.default_rng(seed), None)


def _character(rng: np.random.Generator, kind: str | None) -> Character:
    kind = kind or str(rng.choice(list(TYPES), p=list(TYPES.values())))
    colour = str(rng.choice(list(COLOURS), p=[share for share, _ in COLOURS.values()]))
    return Character(kind, str(rng.choice(list(BIKES if kind == "motorcycle" else BODIES[kind]))), colour)


def _car(
    shape: BodyShape, kind: str, colour: Colour, details: np.random.Generator, rng: np.random.Generator
) -> tuple[Mesh, Paintwork, tuple[float, float]]:
    width = shape.width + 0.02
    paint = Paintwork(shape.length + 0.04, width, shape.height, colour)
    second = shade_of(any_colour(rng), rng)
    decorate(paint, shape, second, rng)
    dress(paint, shape, kind, GLASS[rng.integers(len(GLASS))], details)
    z = shape.tail - 0.24 if kind in ("sedan", "estate", "van", "suv", "bus") else shape.clearance + 0.3
    plate(paint, (0, 0, max(z, shape.clearance + 0.24)), "rear", rng)
    plate(paint, (0, 0, shape.clearance + 0.26), "front", rng)
    if rng.random() < 0.35:
        dirt(paint, rng.uniform(0.15, 0.6), rng)
    dents = rng.random() < 0.15
    pushed = np.array([[rng.uniform(-1, 1), rng.choice([-1, 1]) * shape.width / 2, rng.uniform(0.5, 0.8), 0.25, 0.05]])
    parts = [paint.wrap(mesh_of(body(shape, pushed if dents else None)))]
    parts += wheels(paint, shape, [shape.x(place) for place in shape.wheels], rng)
    parts += mirrors(paint, shape, kind, colour)
    parts += roof_load(paint, shape, kind, colour, rng)
    if kind == "pickup":
        parts += bed(paint, shape, rng)
    return join(parts), paint, (shape.length, shape.width)
