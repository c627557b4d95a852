"""Light that surface points send back: the texture of ground and cloth, sky, shading and lamps, compiled by numba.

All is in the frame of the staged vehicle: metres, x forwards, z up, the road at z = 0. Light is linear. Compiled functions
that call each other are all in this file: numba's cache does not notice a change in another one.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from msinet.compiling import compiled, compiled_inline
from msinet.world.mesh import Floats
from msinet.world.paintwork import Material
from msinet.world.road import Road
from msinet.world.surfaces import GROUND, SKY, Points
from msinet.world.weather import Light

CLOTH, PAINT, GLASS, METAL = (int(Material[name]) for name in ("CLOTH", "PAINT", "GLASS", "METAL"))
TAIL_LIGHT, HEAD_LIGHT, PLATE, BRAKE_LIGHT = (
    int(Material[name]) for name in ("TAIL_LIGHT", "HEAD_LIGHT", "PLATE", "BRAKE_LIGHT")
)

Number = float | np.float32


class Lighting(NamedTuple):
    """The light of a scene, and what else shading depends on."""

    light: Light
    texture: Floats
    """(256, 256) noise."""
    half_length: float
    """Half of the vehicle's length: its headlights are at this x, its tail lights at minus this."""
    half_width: float
    """Half of the vehicle's width."""


@compiled
def add_texture(points: Points, road: Road, texture: Floats) -> None:
    """Fill in the albedo of the ground, and turn the normals of cloth as folds do."""
    # Arrays are taken out of their tuples once: to do so for every ray would take as long as the rest.
    places, facing, albedo, material, _ = points
    frame, asphalt, grain, edges, lines, zebra, verge, verge_colour, patch = road
    for n in range(len(material)):
        if material[n] == CLOTH:
            _fold(texture, places[n], facing[n])
        if material[n] != GROUND:
            continue
        x, y, out = places[n, 0], places[n, 1], albedo[n]
        along = frame[2] + frame[0] * x - frame[1] * y
        across = frame[3] + frame[1] * x + frame[0] * y
        fine = _noise(texture, along * 31, across * 31)
        coarse = _noise(texture, along * 3.1 + 17, across * 5.7 + 5)
        beyond = max(edges[0] - across, across - edges[1])
        if beyond < 0:
            wide = _noise(texture, along * 0.45 + 91, across * 1.3 + 33)
            shade = 1 + grain * (0.35 * fine + 0.25 * coarse + 0.3 * wide)
            if abs(along - patch[0]) < patch[2] and abs(across - patch[1]) < patch[3]:
                shade *= patch[4]
            for c in range(3):
                out[c] = asphalt[c] * shade
            _paint_markings(lines, zebra, along, across, 0.62 + 0.3 * coarse + 0.25 * fine, out)
        elif beyond < 0.18:
            out[:] = 0.36 * (1 + 0.25 * coarse) * (0.5 if beyond > 0.14 else 1.0)  # The kerb and its edge.
        else:
            brightness = _verge(verge, along, across, fine, coarse)
            for c in range(3):
                out[c] = verge_colour[c] * brightness


@compiled_inline
def _noise(texture: Floats, x: float, y: float) -> float:
    """Interpolate a periodic texture of noise (256, 256); -1 to 1."""
    fx, fy = math.floor(x), math.floor(y)
    i, j = int(fx) & 255, int(fy) & 255
    i1, j1 = (i + 1) & 255, (j + 1) & 255
    u, v = np.float32(x - fx), np.float32(y - fy)
    return (texture[j, i] * (1 - u) + texture[j, i1] * u) * (1 - v) + (texture[j1, i] * (1 - u) + texture[j1, i1] * u) * v


@compiled_inline
def _fold(texture: Floats, place: Floats, facing: Floats) -> None:
    """Turn the normal of cloth as folds do."""
    x, y, z = place[0], place[1], place[2]
    f = _noise(texture, x * 9 + z * 7, y * 9 - z * 5)
    g = _noise(texture, y * 8 - x * 5 + 40, z * 10 + x * 3 + 70)
    facing[0] += 0.38 * f
    facing[1] += 0.38 * g
    facing[2] += 0.25 * (f - g)
    size = math.sqrt(facing[0] ** 2 + facing[1] ** 2 + facing[2] ** 2) + np.float32(1e-9)
    for k in range(3):
        facing[k] /= size


@compiled_inline
def _paint_markings(lines: Floats, zebra: Floats, along: float, across: float, worn: float, out: Floats) -> None:
    """Paint lines and a crossing over the albedo at a place, as far as they are not worn."""
    for i in range(len(lines)):
        dash = lines[i, 2]
        if abs(across - lines[i, 0]) < lines[i, 1] * 0.5 and (dash == 0 or (along % (2.6 * dash)) < dash):
            cover = min(max(worn + 0.25, 0.0), 1.0)
            for c in range(3):
                out[c] += cover * (lines[i, 3 + c] - out[c])
    if zebra[0] < along < zebra[1] and (across % 1.0) < 0.5:
        cover = min(max(worn + 0.15, 0.0), 1.0)
        for c in range(3):
            out[c] += cover * (0.62 - out[c])


@compiled_inline
def _verge(verge: int, along: float, across: float, fine: float, coarse: float) -> float:
    """Return the brightness of grass, pavement or gravel at a place."""
    if verge == 0:
        return max(1 + 0.75 * fine + 0.35 * coarse, 0.15)
    if verge == 1:
        seam = (along % 0.6) < 0.03 or (across % 0.6) < 0.03
        return (1 + 0.15 * coarse + 0.1 * fine) * (0.6 if seam else 1.0)
    return max(1 + 0.6 * fine + 0.2 * coarse, 0.2)


@compiled
def shade(directions: Floats, far: Floats, points: Points, lit: NDArray[np.bool_], lighting: Lighting) -> Floats:
    """Return the light (N, 3) that comes back along rays.

    Args:
        directions: (N, 3), unit length.
        far: (N,) distance to the points.
        points: what the rays hit.
        lit: (N,) whether the key light reaches the point.
        lighting: the light of the scene.
    """
    light, texture, half_length, half_width = lighting
    places, facing, albedo, material, openness = points
    radiance, mirrored = np.empty((len(directions), 3), np.float32), np.empty(3, np.float32)
    pool = light.lamps * light.lamps * light.level
    for n in range(len(directions)):
        dx, dy, dz, kind = directions[n, 0], directions[n, 1], directions[n, 2], material[n]
        if kind == SKY:
            _sky(light, texture, dx, dy, max(dz, np.float32(0.0)), radiance[n])
            continue
        nx, ny, nz = facing[n, 0], facing[n, 1], facing[n, 2]
        kx, ky, kz, strength = _key(light, places[n, 0], places[n, 1], places[n, 2])
        cosine = max(nx * kx + ny * ky + nz * kz, np.float32(0)) * strength if lit[n] else 0.0
        toward = -(dx * nx + dy * ny + dz * nz)
        share, gloss, rough = _mirroring(kind, toward)
        mirrored[:] = 0
        if share > 0:
            rx, ry, rz = dx + 2 * toward * nx, dy + 2 * toward * ny, dz + 2 * toward * nz
            _sky(light, texture, rx, ry, rz, mirrored)
            peak = max(rx * kx + ry * ky + rz * kz, np.float32(0)) if cosine > 0 else 0.0
            highlight = gloss * strength * (np.float32(6) * peak**600 + np.float32(0.35) * peak**40)
            for c in range(3):
                tint = albedo[n, c] if rough else np.float32(1)
                mirrored[c] = share * tint * mirrored[c] * openness[n] + highlight * light.key_colour[c] * tint
        white, red = _own_lamps(pool, half_length, half_width, places[n, 0], places[n, 1]) if kind == GROUND else (0.0, 0.0)
        emission, plate = _emission(light, kind, nx)
        sky = np.float32(0.5) + np.float32(0.5) * nz
        haze = 1 - math.exp(-light.haze * far[n] / 100) if light.haze > 0 else 0.0
        for c in range(3):
            above = np.float32(0.45) * light.horizon[c] + np.float32(0.55) * light.zenith[c]
            ambient = (light.bounce[c] * (1 - sky) + above * sky) * openness[n]
            glow = white + (red if c == 0 else red * np.float32(0.08))
            diffuse = albedo[n, c] * (light.key_colour[c] * cosine * np.float32(0.32) + ambient + glow)
            radiance[n, c] = (1 - share) * diffuse + mirrored[c]
            radiance[n, c] += emission[c] + albedo[n, c] * pool * plate
            radiance[n, c] += haze * (light.horizon[c] * np.float32(0.9) - radiance[n, c])
    return radiance


@compiled_inline
def _sky(light: Light, texture: Floats, x: float, y: float, z: float, out: Floats) -> None:
    """Write the radiance from a direction in which nothing is hit."""
    if z < 0:
        for c in range(3):
            out[c] = light.bounce[c]
        return
    azimuth = math.atan2(y, x)
    roofs = light.skyline_height * (
        1 + 0.7 * _noise(texture, azimuth * 4.1 + 13, 3.0) + 0.4 * _noise(texture, azimuth * 17, 9.0)
    )
    if z < roofs:
        for c in range(3):
            out[c] = light.skyline[c]
        return
    up = z ** np.float32(0.55)
    cloud = 1 + 0.22 * _noise(texture, x * 5 / (z + 0.25), y * 5 / (z + 0.25))
    for c in range(3):
        out[c] = (light.horizon[c] * (1 - up) + light.zenith[c] * up) * cloud


@compiled_inline
def _key(light: Light, x: float, y: float, z: float) -> tuple[Number, Number, Number, Number]:
    """Return the direction to the key light at a place, and its strength there."""
    kx, ky, kz = light.key[0], light.key[1], light.key[2]
    strength = np.float32(1)
    if light.is_lamp:
        kx, ky, kz = kx - x, ky - y, kz - z
        distance = math.sqrt(kx * kx + ky * ky + kz * kz)
        kx, ky, kz = kx / distance, ky / distance, kz / distance
        strength = 100 / (distance * distance) * max(kz, np.float32(0))
    return kx, ky, kz, strength


@compiled_inline
def _mirroring(kind: int, toward: float) -> tuple[Number, Number, bool]:
    """Return the share of light that a material mirrors, its gloss, and whether its colour tints the mirror image."""
    grazing = (1 - min(max(toward, np.float32(0)), np.float32(1))) ** 5
    gloss, share, rough = np.float32(0), np.float32(0), False
    if kind in (PAINT, TAIL_LIGHT, HEAD_LIGHT, BRAKE_LIGHT):
        share = np.float32(0.05) + np.float32(0.8) * grazing
        gloss = np.float32(1)
    elif kind == GLASS:
        share = np.float32(0.09) + np.float32(0.85) * grazing
        gloss = np.float32(1.6)
    elif kind == METAL:
        share, rough = np.float32(0.6), True
        gloss = np.float32(0.5)
    elif kind == PLATE:
        share = np.float32(0.03)
    return share, gloss, rough


@compiled_inline
def _own_lamps(pool: float, half_length: float, half_width: float, x: float, y: float) -> tuple[Number, Number]:
    """Return the white light of the vehicle's headlights and the red light of its tail lights on the ground."""
    white, red = np.float32(0), np.float32(0)
    if pool > 0 and x > half_length:
        ahead = x - half_length
        aside = (abs(y) - half_width * np.float32(0.7)) / (np.float32(0.7) + np.float32(0.22) * ahead)
        narrow = math.exp(-aside * aside if aside > 0 else np.float32(0))
        white = np.float32(1.6) * pool * narrow * math.exp(-((ahead - 7) * (ahead - 7)) / 60)
    if pool > 0 and x < -half_length:
        behind = -half_length - x
        wide = half_width * half_width * 2 + np.float32(0.3)
        red = np.float32(0.35) * pool * math.exp(-behind * behind / 3 - y * y / wide)
    return white, red


@compiled_inline
def _emission(light: Light, kind: int, nx: float) -> tuple[tuple[Number, Number, Number], Number]:
    """Return the light (red, green, blue) of a lamp that faces x by nx, and the share that a lit number plate sends back."""
    if kind in (TAIL_LIGHT, BRAKE_LIGHT):
        on = light.level * (light.lamps * np.float32(0.7) + light.brakes * (np.float32(0.4) + np.float32(1.2) * light.lamps))
        on *= np.float32(1.5) if kind == BRAKE_LIGHT else np.float32(1)
        return (on, on * np.float32(0.06), on * np.float32(0.04)), 0.0
    if kind == HEAD_LIGHT and nx > np.float32(0.2):
        on = light.level * light.lamps * np.float32(7)
        return (on, on, on), 0.0
    return (0.0, 0.0, 0.0), np.float32(0.6) if kind == PLATE else np.float32(0)
