"""Colours of vehicles: their names, frequencies and shades."""

import numpy as np

from msinet.world.paintwork import Colour

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
"""Frequency and shades (sRGB) of each colour, in VeRi-776's order."""

GLASS: tuple[Colour, ...] = ((14, 16, 18), (24, 28, 30), (34, 40, 40), (8, 9, 10))


def shade_of(colour: Colour, rng: np.random.Generator) -> Colour:
    """Return a colour of the same name, a little lighter or darker."""
    moved = np.asarray(colour) * rng.uniform(0.92, 1.08) + rng.normal(0, 3, 3)
    return tuple(int(v) for v in np.clip(moved, 8, 240))  # pyright: ignore[reportReturnType]


def any_colour(rng: np.random.Generator) -> Colour:
    """Return a random shade of a random colour."""
    _, shades = list(COLOURS.values())[rng.integers(len(COLOURS))]
    return shades[rng.integers(len(shades))]
