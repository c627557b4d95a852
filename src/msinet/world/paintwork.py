"""Paintwork of a vehicle: one picture of its colours and one of its materials, drawn from five sides."""

from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from msinet.world.mesh import Mesh, Point

Colour = tuple[int, int, int]
"""sRGB, 0 to 255."""

Texel = tuple[float, float]
"""Place in the pictures: column, row."""


class Material(IntEnum):
    """Materials by the way in which they reflect light."""

    MATTE = 0
    CLOTH = 1
    PAINT = 2
    GLASS = 3
    METAL = 4
    TAIL_LIGHT = 5
    HEAD_LIGHT = 6
    PLATE = 7
    BRAKE_LIGHT = 8


DRAWN_AT = 2
"""Factor by which pictures are drawn finer than they are kept, which smooths edges."""
LONG, SHORT, HIGH = 256, 96, 96
"""Texels along a vehicle, across it and up."""
ORIGIN = {"left": (0, 0), "right": (0, HIGH), "top": (0, 2 * HIGH), "front": (0, 3 * HIGH), "rear": (SHORT, 3 * HIGH)}
SIZE = {"left": (LONG, HIGH), "right": (LONG, HIGH), "top": (LONG, SHORT), "front": (SHORT, HIGH), "rear": (SHORT, HIGH)}
SWATCHES = (2 * SHORT, 3 * HIGH)
"""Origin of the flat colours: 8 columns and 8 rows of 8 texels."""
WIDTH, HEIGHT = LONG, 4 * HIGH


class Paintwork:
    """The paint of one vehicle.

    Points are given in metres in the vehicle's frame and drawn on the sides that show them: a tail light that goes round a
    corner is one polygon.

    Args:
        length: length along x in metres.
        width: width along y in metres.
        height: height along z in metres.
        colour: ground colour.
        material: ground material.
    """

    def __init__(
        self, length: float, width: float, height: float, colour: Colour, material: Material = Material.PAINT
    ) -> None:
        self.length, self.width, self.height = length, width, height
        size = (WIDTH * DRAWN_AT, HEIGHT * DRAWN_AT)
        self.colours = Image.new("RGB", size, colour)
        self.materials = Image.new("L", size, int(material))
        self._draw = ImageDraw.Draw(self.colours), ImageDraw.Draw(self.materials)
        self._swatches: dict[tuple[Colour, Material], Texel] = {}

    def texels(self, points: NDArray, face: str) -> NDArray[np.float32]:
        """Return the texels (..., 2) of points (..., 3) in the picture of a side."""
        x, y, z = np.moveaxis(np.asarray(points, float), -1, 0)
        along, across, up = x / self.length + 0.5, y / self.width + 0.5, z / self.height
        column, row = {
            "left": (1 - along, 1 - up),
            "right": (along, 1 - up),
            "top": (along, 1 - across),
            "front": (across, 1 - up),
            "rear": (1 - across, 1 - up),
        }[face]
        (left, top), (wide, high) = ORIGIN[face], SIZE[face]
        inside = np.clip(column * wide, 0.5, wide - 0.5), np.clip(row * high, 0.5, high - 0.5)
        return np.stack([left + inside[0], top + inside[1]], -1).astype(np.float32)

    def wrap(self, mesh: Mesh) -> Mesh:
        """Return the mesh with every triangle painted like the side that it faces."""
        normal = np.cross(mesh.corners[:, 1] - mesh.corners[:, 0], mesh.corners[:, 2] - mesh.corners[:, 0])
        x, y, z = np.abs(normal).T
        up = (z > x) & (z > y)
        sideways = (y >= x) & ~up
        choices = {
            "top": up,
            "left": sideways & (normal[:, 1] > 0),
            "right": sideways & (normal[:, 1] <= 0),
            "front": ~up & ~sideways & (normal[:, 0] > 0),
            "rear": ~up & ~sideways & (normal[:, 0] <= 0),
        }
        uv = np.empty((len(normal), 3, 2), np.float32)
        for face, chosen in choices.items():
            uv[chosen] = self.texels(mesh.corners[chosen], face)
        return mesh._replace(uv=uv)

    def flat(self, colour: Colour, material: Material = Material.MATTE) -> Texel:
        """Return the texel of a flat colour."""
        key = (colour, material)
        if key not in self._swatches:
            column, row = len(self._swatches) % 8, len(self._swatches) // 8
            if row >= 8:
                raise ValueError("a vehicle has room for 64 flat colours")
            x, y = SWATCHES[0] + 8 * column, SWATCHES[1] + 8 * row
            self._rectangle((x, y, x + 8, y + 8), colour, material)
            self._swatches[key] = (x + 4.0, y + 4.0)
        return self._swatches[key]

    def disc(self) -> tuple[int, int, int]:
        """Return (column, row, size) of the wheels' patch."""
        return SWATCHES[0], SWATCHES[1] + 64, 32

    def cloth(self) -> tuple[int, int, int]:
        """Return (column, row, size) of the patch for a jacket's pattern."""
        return SWATCHES[0] + 32, SWATCHES[1] + 64, 32

    def polygon(self, points: Iterable[Point], colour: Colour, material: Material, faces: Sequence[str]) -> None:
        """Fill a polygon of points (x, y, z) as seen from some sides."""
        corners = np.asarray(list(points), float)
        for face in faces:
            outline = [tuple(p) for p in self.texels(corners, face) * DRAWN_AT]
            self._draw[0].polygon(outline, fill=colour)
            self._draw[1].polygon(outline, fill=int(material))

    def line(self, points: Iterable[Point], colour: Colour, faces: Sequence[str], width: float = 0.02) -> None:
        """Draw a line of a width in metres; the material does not change."""
        corners = np.asarray(list(points), float)
        for face in faces:
            texels = [tuple(p) for p in self.texels(corners, face) * DRAWN_AT]
            scale = SIZE[face][0] / (self.width if face in ("front", "rear") else self.length)
            self._draw[0].line(texels, fill=colour, width=max(1, round(width * scale * DRAWN_AT)))

    def circle(self, centre: Point, radius: float, colour: Colour, material: Material, faces: Sequence[str]) -> None:
        """Fill a circle that faces sideways."""
        angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        x, y, z = centre
        outline = np.stack([x + np.cos(angles) * radius, np.full(28, float(y)), z + np.sin(angles) * radius], -1)
        self.polygon(outline, colour, material, faces)

    def text(self, string: str, centre: Point, height: float, colour: Colour, face: str) -> None:
        """Write a line of letters of a height in metres."""
        x, y = self.texels(np.asarray(centre, float), face) * DRAWN_AT
        pixels = height / self.height * HIGH * DRAWN_AT
        font = ImageFont.load_default(max(6, pixels * 1.3))
        self._draw[0].text((float(x), float(y)), string, fill=colour, font=font, anchor="mm")

    def blend(self, face: str, colour: Colour, weight: NDArray) -> None:
        """Mix a colour into a side by weights (rows, columns) from 0 to 1, of any resolution."""
        (left, top), size = ORIGIN[face], SIZE[face]
        mask = Image.fromarray((np.clip(weight, 0, 1) * 255).astype(np.uint8))
        mask = mask.resize((size[0] * DRAWN_AT, size[1] * DRAWN_AT), Image.Resampling.BICUBIC)
        self.colours.paste(Image.new("RGB", mask.size, colour), (left * DRAWN_AT, top * DRAWN_AT), mask)

    def patch(self, where: tuple[int, int, int], colours: Image.Image, materials: Image.Image | int) -> None:
        """Fill a patch with a picture."""
        column, row, size = (value * DRAWN_AT for value in where)
        area = (size, size)
        self.colours.paste(colours.resize(area), (column, row))
        kind = materials.resize(area, Image.Resampling.NEAREST) if isinstance(materials, Image.Image) else materials
        self.materials.paste(kind, (column, row, column + size, row + size))

    def finished(self) -> NDArray[np.uint8]:
        """Return (HEIGHT, WIDTH, 4) uint8: sRGB and material."""
        colours = np.asarray(self.colours.resize((WIDTH, HEIGHT), Image.Resampling.BOX))
        materials = np.asarray(self.materials.resize((WIDTH, HEIGHT), Image.Resampling.NEAREST))
        return np.dstack([colours, materials])

    def _rectangle(self, area: tuple[int, int, int, int], colour: Colour, material: Material) -> None:
        scaled = tuple(value * DRAWN_AT for value in area)
        self._draw[0].rectangle(scaled, fill=colour)
        self._draw[1].rectangle(scaled, fill=int(material))


def disc_uv(mesh: Mesh, where: tuple[int, int, int], centre: Point, radius: float) -> Mesh:
    """Return a wheel's mesh with a patch on its sides."""
    column, row, size = where
    x = (mesh.corners[..., 0] - centre[0]) / (2 * radius) + 0.5
    z = (mesh.corners[..., 2] - centre[2]) / (2 * radius) + 0.5
    uv = np.stack([column + np.clip(x, 0.03, 0.97) * size, row + np.clip(1 - z, 0.03, 0.97) * size], -1)
    return mesh._replace(uv=uv.astype(np.float32))
