"""Paint of every lofted body: windows, lights, seams, grilles."""

import numpy as np

from msinet.world.cars import BodyShape
from msinet.world.mesh import Point
from msinet.world.paintwork import Colour, Material, Paintwork

BLACK: Colour = (16, 17, 19)
SEAM: Colour = (12, 12, 13)
SIDES = ("left", "right")


def dress(paint: Paintwork, shape: BodyShape, kind: str, glass: Colour, rng: np.random.Generator) -> None:
    """Paint windows, lights and seams. The shape fixes their place, the generator the model's details."""
    _lower_trim(paint, shape, kind, rng)
    _seams(paint, shape, kind)
    _windows(paint, shape, kind, glass, rng)
    _front(paint, shape, kind, rng)
    _rear(paint, shape, kind, glass, rng)
    for wheel in shape.wheels:
        if wheel < shape.length:
            paint.circle(
                (shape.x(wheel), 0, shape.wheel_radius), shape.wheel_radius * 1.16, (9, 9, 10), Material.MATTE, SIDES
            )


def slab(points: list[tuple[float, float]], y: float) -> list[Point]:
    """Return points (x, z) at one y."""
    return [(x, y, z) for x, z in points]


def _lower_trim(paint: Paintwork, shape: BodyShape, kind: str, rng: np.random.Generator) -> None:
    """Paint sills and bumpers of unpainted plastic, as on SUVs and vans."""
    if kind in ("suv", "pickup", "van") or rng.random() < 0.25:
        height = shape.clearance + (0.16 if kind == "suv" else 0.1)
        area = [(shape.length, 0), (-shape.length, 0), (-shape.length, height), (shape.length, height)]
        paint.polygon(slab(area, 0), (38, 39, 41), Material.MATTE, SIDES)
        width = shape.width
        for face in ("front", "rear"):
            paint.polygon(_across((0, width), (height + 0.08, width)), (38, 39, 41), Material.MATTE, [face])


def _seams(paint: Paintwork, shape: BodyShape, kind: str) -> None:
    low, high = shape.clearance + 0.1, shape.belt
    if kind in ("bus", "box truck", "lorry"):
        places = [0.75 * shape.length] if kind != "bus" else []
    else:
        first = shape.cowl[0] + 0.1
        places = [first, first + 1.05] + ([first + 1.95] if shape.roof[1] > first + 1.6 and kind != "pickup" else [])
    for place in places:
        paint.line(slab([(shape.x(place), low), (shape.x(place), high)], 0), SEAM, SIDES, 0.02)
        paint.line(slab([(shape.x(place) - 0.02, high - 0.13), (shape.x(place) - 0.2, high - 0.13)], 0), SEAM, SIDES, 0.035)
    if kind not in ("bus", "lorry"):  # Bonnet and roof.
        start = 0.22
        half = shape.y(shape.cowl[0]) * 0.82
        outline = [(start, -half * 0.9), (shape.cowl[0], -half), (shape.cowl[0], half), (start, half * 0.9)]
        paint.line([(shape.x(p), y, 0) for p, y in [*outline, outline[0]]], SEAM, ["top"], 0.02)


def _windows(paint: Paintwork, shape: BodyShape, kind: str, glass: Colour, rng: np.random.Generator) -> None:
    cowl, (roof_start, roof_stop), deck = shape.cowl[0], shape.roof, shape.deck[0]
    # Windscreen, seen from above and from the front.
    base, top = shape.y(cowl) * 0.9, shape.roof_half_width(roof_start) * 0.94
    screen = [
        (shape.x(cowl + 0.04), -base, shape.z(cowl) + 0.03),
        (shape.x(roof_start - 0.06), -top, shape.z(roof_start) - 0.09),
        (shape.x(roof_start - 0.06), top, shape.z(roof_start) - 0.09),
        (shape.x(cowl + 0.04), base, shape.z(cowl) + 0.03),
    ]
    paint.polygon(screen, (12, 13, 15), Material.GLASS, ["front", "top"])
    if kind == "bus":
        _bus_windows(paint, shape, glass, rng)
        return
    # Side windows: between the lines of the windscreen and of the rear window.
    low = shape.belt + 0.02
    high_front, high_rear = shape.z(roof_start + 0.1) - 0.12, shape.z(roof_stop) - 0.11
    front_low = cowl + 0.3 if kind not in ("van", "box truck", "lorry") else cowl + 0.22
    closed_van = kind == "van" and rng.random() < 0.5
    last = min(roof_start + 1.1, roof_stop) if closed_van else roof_stop
    rear_low = min(deck - 0.22, last + (deck - roof_stop) * 0.75) if last == roof_stop else last
    window = [(front_low, low), (roof_start + 0.08, high_front), (last - 0.05, high_rear), (max(rear_low, last), low)]
    for side in SIDES:
        paint.polygon(slab([(shape.x(p), z) for p, z in window], 0), glass, Material.GLASS, [side])
    pillar: Colour = (14, 14, 15)
    span = max(rear_low, last) - front_low
    count = {"pickup": 1, "box truck": 0, "lorry": 0, "hatchback": 1}.get(kind, 2 if span > 1.9 else 1)
    count = 3 if kind == "van" and not closed_van else count
    for i in range(count):
        place = front_low + 0.18 * span + 0.8 * span * (i + 1) / (count + 1) * 0.95
        bar = [
            (place - 0.04, low - 0.02),
            (place - 0.03, high_rear + 0.03),
            (place + 0.05, high_rear + 0.03),
            (place + 0.05, low - 0.02),
        ]
        paint.polygon(slab([(shape.x(p), z) for p, z in bar], 0), pillar, Material.MATTE, SIDES)


def _bus_windows(paint: Paintwork, shape: BodyShape, glass: Colour, rng: np.random.Generator) -> None:
    low, high = shape.belt, shape.height - 0.42
    for side in SIDES:
        paint.polygon(
            slab(
                [
                    (shape.x(0.25), low),
                    (shape.x(0.3), high),
                    (shape.x(shape.length - 0.35), high),
                    (shape.x(shape.length - 0.3), low),
                ],
                0,
            ),
            glass,
            Material.GLASS,
            [side],
        )
    for place in np.arange(1.5, shape.length - 0.6, rng.choice([1.1, 1.35, 1.6])):
        paint.line(slab([(shape.x(place), low), (shape.x(place), high)], 0), (14, 14, 15), SIDES, 0.07)
    for place in (0.7, 0.5 * shape.length):  # Doors, on the kerb's side.
        for edge in (0, 0.6, 1.2):
            paint.line(
                slab([(shape.x(place + edge), shape.clearance + 0.05), (shape.x(place + edge), high)], 0),
                SEAM,
                ["right"],
                0.05,
            )
    for place in (0.25 * shape.length, 0.7 * shape.length):  # Air conditioning and hatches.
        paint.polygon(
            [(shape.x(place + dx), y, 0) for dx, y in [(0, -0.6), (1.6, -0.6), (1.6, 0.6), (0, 0.6)]],
            (150, 152, 154),
            Material.MATTE,
            ["top"],
        )


def _front(paint: Paintwork, shape: BodyShape, kind: str, rng: np.random.Generator) -> None:
    half, nose = shape.y(0.1), shape.nose
    low = shape.clearance + 0.22
    height = rng.uniform(0.11, 0.18)
    inner = half * rng.uniform(0.5, 0.66)
    for side in (-1, 1):
        lamp = [
            (shape.x(0.0), side * inner, nose - 0.2),
            (shape.x(0.0), side * inner, nose - 0.2 + height * 0.8),
            (shape.x(0.38), side * half, nose - 0.12 + height * 0.7),
            (shape.x(0.3), side * half, nose - 0.24),
        ]
        paint.polygon(lamp, (205, 208, 212), Material.HEAD_LIGHT, ["front", "left" if side > 0 else "right"])
    grille = inner * rng.uniform(0.7, 0.95)
    paint.polygon(_across((nose - 0.24, grille), (nose - 0.1, grille * 0.95)), BLACK, Material.MATTE, ["front"])
    if rng.random() < 0.5:
        for z in np.linspace(nose - 0.22, nose - 0.12, 3):
            paint.line([(0, -grille, z), (0, grille, z)], (150, 152, 155), ["front"], 0.02)
    paint.polygon(_across((low - 0.08, half * 0.7), (low + 0.06, half * 0.62)), BLACK, Material.MATTE, ["front"])
    if kind == "bus":
        sign = _across((shape.height - 0.38, 0.75), (shape.height - 0.12, 0.75))
        paint.polygon(sign, BLACK, Material.GLASS, ["front"])
        paint.text(str(rng.integers(2, 199)), (0, 0, shape.height - 0.25), 0.2, (255, 170, 40), "front")


def _across(lower: tuple[float, float], upper: tuple[float, float]) -> list[Point]:
    """Return a trapezium across a vehicle, from the height and half width of its lower and upper edges."""
    (low, wide), (high, narrow) = lower, upper
    return [(0, -wide, low), (0, wide, low), (0, narrow, high), (0, -narrow, high)]


def _rear(paint: Paintwork, shape: BodyShape, kind: str, glass: Colour, rng: np.random.Generator) -> None:
    if kind in ("box truck", "lorry"):
        return
    half, length, deck = shape.y(shape.length - 0.12), shape.length, shape.deck[0]
    high = shape.z(shape.roof[1]) - (0.1 if kind not in ("van", "bus") else 0.32)
    _rear_window(paint, shape, kind, glass, high)
    if kind == "van" and rng.random() < 0.6:
        paint.line([(0, 0, shape.clearance + 0.15), (0, 0, high + 0.1)], SEAM, ["rear"], 0.04)
    _tail_lights(paint, shape, kind, high, rng)
    lid = half * 0.72
    paint.line([(0, -lid, shape.clearance + 0.42), (0, lid, shape.clearance + 0.42)], SEAM, ["rear"], 0.022)
    if kind == "pickup":
        bed = [
            (shape.x(deck + 0.12), -half * 0.86, 0),
            (shape.x(length - 0.1), -half * 0.86, 0),
            (shape.x(length - 0.1), half * 0.86, 0),
            (shape.x(deck + 0.12), half * 0.86, 0),
        ]
        paint.polygon(bed, (20, 20, 22), Material.MATTE, ["top"])
    bumper = _across((0, half * 0.9), (shape.clearance + 0.12, half * 0.85))
    paint.polygon(bumper, (28, 28, 30), Material.MATTE, ["rear"])


def _rear_window(paint: Paintwork, shape: BodyShape, kind: str, glass: Colour, high: float) -> None:
    """Paint the rear window up to a height; a flat one is seen from above as well."""
    roof_stop, (deck, deck_z) = shape.roof[1], shape.deck
    top = shape.roof_half_width(roof_stop) * (0.9 if kind != "bus" else 0.8)
    base = min(shape.y(deck), shape.y(shape.length - 0.1)) * (0.84 if kind not in ("van", "bus") else 0.8)
    window = [
        (shape.x(roof_stop + 0.08), -top, high),
        (shape.x(roof_stop + 0.08), top, high),
        (shape.x(deck - 0.04), base, deck_z + 0.05),
        (shape.x(deck - 0.04), -base, deck_z + 0.05),
    ]
    paint.polygon(window, glass, Material.GLASS, ["rear"] if deck - roof_stop < 0.4 else ["rear", "top"])


def _tail_lights(paint: Paintwork, shape: BodyShape, kind: str, high: float, rng: np.random.Generator) -> None:
    """Paint tail lights that go round the corners, up to a height."""
    half, end = shape.y(shape.length - 0.12), -shape.length / 2
    tall = (kind in ("van", "estate", "suv", "bus") and rng.random() < 0.75) or kind == "bus"
    z0 = shape.tail - (0.36 if not tall else 0.3)
    z1 = shape.tail - 0.06 if not tall else min(shape.deck[1] + rng.uniform(0.1, 0.35), high)
    z0 = max(z0, shape.clearance + 0.3)
    inner = half * (rng.uniform(0.52, 0.72) if not tall else rng.uniform(0.76, 0.84))
    lower = half * rng.uniform(0.6, 0.9) if not tall else inner
    red: Colour = (int(rng.integers(135, 175)), 14, 16)
    for side, face in ((1, "left"), (-1, "right")):
        outer = side * half * 1.1
        lamp = [
            (end, side * lower, z0),
            (end, side * inner, z1),
            (end + 0.27, outer, z1 - 0.01),
            (end + 0.2, outer, z0 + 0.05),
        ]
        paint.polygon(lamp, red, Material.TAIL_LIGHT, ["rear", face])
        if rng.random() < 0.6:
            z = 0.5 * (z0 + z1)
            clear = [(0, side * lower, z - 0.03), (0, side * inner, z + 0.03), (0, outer, z + 0.03), (0, outer, z - 0.03)]
            paint.polygon(clear, (190, 185, 175), Material.HEAD_LIGHT, ["rear"])
    if kind in ("sedan", "hatchback", "suv") and rng.random() < 0.3:  # A band from light to light.
        paint.polygon(_across((z1 - 0.1, inner), (z1 - 0.04, inner)), (120, 14, 16), Material.TAIL_LIGHT, ["rear"])
