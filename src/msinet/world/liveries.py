"""Individual paint of a vehicle: number plate, second colour, stripes, letters, dirt."""

import numpy as np

from msinet.world.cars import BodyShape
from msinet.world.dressing import SIDES, slab
from msinet.world.mesh import Point
from msinet.world.paintwork import Colour, Material, Paintwork

LETTERS = "ABCDEFGHKLMNPRSTUVXYZ"
NAMES = (
    "HALO",
    "NORDIK",
    "24 h",
    "EXPRES",
    "CARGO",
    "ELMO",
    "SUNNY",
    "AQUA",
    "TIPTOP",
    "VELOX",
    "FRESH",
    "METRO",
    "ORBIT",
    "PLUS",
)


def plate(
    paint: Paintwork, centre: Point, face: str, rng: np.random.Generator, size: tuple[float, float] = (0.46, 0.13)
) -> None:
    """Paint a number plate with its letters."""
    ground: Colour = [(226, 226, 220), (226, 226, 220), (214, 180, 40), (40, 70, 160), (30, 120, 70)][rng.integers(5)]
    ink: Colour = (20, 20, 24) if sum(ground) > 400 else (235, 235, 235)
    x, y, z = centre
    w, h = size[0] / 2, size[1] / 2
    paint.polygon(
        [(x, y - w, z - h), (x, y + w, z - h), (x, y + w, z + h), (x, y - w, z + h)], ground, Material.PLATE, [face]
    )
    letters = "".join(rng.choice(list(LETTERS), 2)) + "".join(str(d) for d in rng.integers(0, 10, 4))
    if size[1] / size[0] > 0.5:  # Two rows.
        paint.text(letters[:3], (x, y, z + h * 0.45), size[1] * 0.36, ink, face)
        paint.text(letters[3:], (x, y, z - h * 0.45), size[1] * 0.36, ink, face)
    else:
        paint.text(letters, centre, size[1] * 0.62, ink, face)


def decorate(paint: Paintwork, shape: BodyShape, second: Colour, rng: np.random.Generator) -> None:
    """Paint a second colour, stripes or letters; windows and lights are painted over them later."""
    x = shape.length
    what = rng.choice(["plain", "lower", "roof", "bonnet", "stripe", "letters"], p=[0.5, 0.08, 0.08, 0.05, 0.15, 0.14])
    if what == "lower":
        z = shape.clearance + (shape.belt - shape.clearance) * rng.uniform(0.35, 0.6)
        paint.polygon(slab([(-x, 0), (x, 0), (x, z), (-x, z)], 0), second, Material.PAINT, SIDES)
        for face in ("front", "rear"):
            paint.polygon([(0, -x, 0), (0, x, 0), (0, x, z), (0, -x, z)], second, Material.PAINT, [face])
    elif what == "roof":
        start, stop = shape.roof
        paint.polygon(
            [(shape.x(start), -2, 0), (shape.x(stop + 0.1), -2, 0), (shape.x(stop + 0.1), 2, 0), (shape.x(start), 2, 0)],
            second,
            Material.PAINT,
            ["top"],
        )
    elif what == "bonnet":
        for y in (-0.28, 0.1):
            paint.polygon([(-x, y, 0), (x, y, 0), (x, y + 0.18, 0), (-x, y + 0.18, 0)], second, Material.PAINT, ["top"])
            paint.polygon(
                [(0, y, 0), (0, y + 0.18, 0), (0, y + 0.18, 3), (0, y, 3)], second, Material.PAINT, ["front", "rear"]
            )
    elif what == "stripe":
        z, high = shape.clearance + (shape.belt - shape.clearance) * rng.uniform(0.4, 0.8), rng.uniform(0.06, 0.16)
        paint.polygon(slab([(-x, z), (x, z), (x, z + high), (-x, z + high)], 0), second, Material.PAINT, SIDES)
        if rng.random() < 0.6:
            paint.polygon([(0, -x, z), (0, x, z), (0, x, z + high), (0, -x, z + high)], second, Material.PAINT, ["rear"])
    elif what == "letters":
        word = str(rng.choice(NAMES))
        z = shape.clearance + (shape.belt - shape.clearance) * 0.62
        for face in SIDES:
            paint.text(word, (shape.x(shape.length * rng.uniform(0.4, 0.6)), 0, z), rng.uniform(0.2, 0.34), second, face)
        paint.text(word, (0, 0, shape.belt - 0.2), 0.12, second, "rear")
        if rng.random() < 0.5:
            paint.polygon(
                [(0, 0.15, shape.belt - 0.35), (0, 0.5, shape.belt - 0.35), (0, 0.32, shape.belt - 0.1)],
                second,
                Material.PAINT,
                ["rear"],
            )


def dirt(paint: Paintwork, amount: float, rng: np.random.Generator) -> None:
    """Cover the lower parts unevenly with dust."""
    for face in ("left", "right", "rear", "front"):
        rows = np.linspace(0, 1, 12)[:, None] ** 2.5
        spots = rng.random((12, 24))
        paint.blend(face, (112, 100, 84), amount * rows * (0.5 + spots))
