"""What light a ray brings back: the part that is computed for every sample, compiled by numba.

All is in the frame of the vehicle that is looked at: metres, x forwards, z up, the road at z = 0. Light is linear.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from msinet.compiling import compiled
from msinet.world.mesh import Floats
from msinet.world.paintwork import Material

MATTE, CLOTH, PAINT, GLASS, METAL = (int(Material[name]) for name in ("MATTE", "CLOTH", "PAINT", "GLASS", "METAL"))
TAIL_LIGHT, HEAD_LIGHT, PLATE, BRAKE_LIGHT = (
    int(Material[name]) for name in ("TAIL_LIGHT", "HEAD_LIGHT", "PLATE", "BRAKE_LIGHT")
)
GROUND, SKY = 254, 255


class Light(NamedTuple):
    """What shines."""

    key: Floats
    """(3,) direction to the sun, or place of the street lamp."""
    is_lamp: bool
    key_colour: Floats
    """(3,) irradiance at a right angle; of a lamp at 10 m."""
    zenith: Floats
    horizon: Floats
    """(3,) radiance of the sky above and at its lower edge."""
    skyline: Floats
    """(3,) radiance of houses and trees that the paint mirrors."""
    skyline_height: float
    """Their height as the sine of the elevation."""
    bounce: Floats
    """(3,) radiance of the ground, as seen from below."""
    lamps: float
    """How bright the vehicles' own lights are; 0 is off."""
    brakes: float
    level: float
    """Irradiance of open road, against which the vehicles' lights are bright or faint."""
    haze: float
    """Share of the view that haze takes per 100 m."""


class Road(NamedTuple):
    """The road and what is beside it."""

    frame: Floats
    """(4,) cos, sin of the vehicle's heading, and its place (along, across) on the road."""
    asphalt: Floats
    """(3,) albedo."""
    grain: float
    """Unevenness of the asphalt."""
    edges: Floats
    """(2,) where the carriageway ends, across."""
    lines: Floats
    """(lines, 6): place across, width, length of a dash (0 is solid), red, green, blue."""
    zebra: Floats
    """(2,) from where to where along the road a crossing is painted."""
    verge: int
    """0 grass, 1 pavement, 2 gravel."""
    verge_colour: Floats
    """(3,) albedo."""
    patch: Floats
    """(5,) a mended place: along, across, length, width, brightness."""


@compiled
def _noise(texture: Floats, x: float, y: float) -> float:
    """Look up a periodic texture of noise (256, 256) between its points; -1 to 1."""
    fx, fy = math.floor(x), math.floor(y)
    i, j = int(fx) & 255, int(fy) & 255
    i1, j1 = (i + 1) & 255, (j + 1) & 255
    u, v = np.float32(x - fx), np.float32(y - fy)
    return (texture[j, i] * (1 - u) + texture[j, i1] * u) * (1 - v) + (texture[j1, i] * (1 - u) + texture[j1, i1] * u) * v


@compiled
def _ground(road: Road, texture: Floats, x: float, y: float, out: Floats) -> None:
    """Write the albedo of the ground at a place."""
    cos, sin = road.frame[0], road.frame[1]
    along = road.frame[2] + cos * x - sin * y
    across = road.frame[3] + sin * x + cos * y
    fine = _noise(texture, along * 31, across * 31)
    coarse = _noise(texture, along * 3.1 + 17, across * 5.7 + 5)
    wide = _noise(texture, along * 0.45 + 91, across * 1.3 + 33)
    left, right = road.edges[0], road.edges[1]
    if left < across < right:
        shade = 1 + road.grain * (0.35 * fine + 0.25 * coarse + 0.3 * wide)
        a, b, length, width, brightness = road.patch
        if abs(along - a) < length and abs(across - b) < width:
            shade *= brightness
        for c in range(3):
            out[c] = road.asphalt[c] * shade
        worn = 0.62 + 0.3 * coarse + 0.25 * fine
        for line in road.lines:
            if abs(across - line[0]) < line[1] * 0.5 and (line[2] == 0 or (along % (2.6 * line[2])) < line[2]):
                cover = min(max(worn + 0.25, 0.0), 1.0)
                for c in range(3):
                    out[c] += cover * (line[3 + c] - out[c])
        if road.zebra[0] < along < road.zebra[1] and (across % 1.0) < 0.5:
            cover = min(max(worn + 0.15, 0.0), 1.0)
            for c in range(3):
                out[c] += cover * (0.62 - out[c])
    else:
        beyond = max(left - across, across - right)
        if beyond < 0.18:  # The kerb.
            for c in range(3):
                out[c] = 0.36 * (1 + 0.25 * coarse)
            if beyond > 0.14:
                for c in range(3):
                    out[c] *= 0.5
        elif road.verge == 0:
            shade = 1 + 0.75 * fine + 0.35 * coarse
            for c in range(3):
                out[c] = road.verge_colour[c] * max(shade, 0.15)
        elif road.verge == 1:
            seam = (along % 0.6) < 0.03 or (across % 0.6) < 0.03
            for c in range(3):
                out[c] = road.verge_colour[c] * (1 + 0.15 * coarse + 0.1 * fine) * (0.6 if seam else 1.0)
        else:
            for c in range(3):
                out[c] = road.verge_colour[c] * max(1 + 0.6 * fine + 0.2 * coarse, 0.2)


@compiled
def surfaces(
    origins: Floats,
    directions: Floats,
    far: Floats,
    triangle: NDArray[np.int32],
    u: Floats,
    v: Floats,
    corners: Floats,
    normals: Floats,
    uv: Floats,
    occlusion: Floats,
    vehicle: NDArray[np.int32],
    paints: NDArray[np.uint8],
    linear: Floats,
    road: Road,
    texture: Floats,
    ground_ao: Floats,
    ground_area: Floats,
    points: Floats,
    facing: Floats,
    albedo: Floats,
    material: NDArray[np.uint8],
    open_sky: Floats,
) -> None:
    """Find what the rays hit: fill points, normals, albedo, material and how much of the sky it sees.

    Args:
        origins: (N, 3).
        directions: (N, 3), unit length.
        far: (N,) distance of the triangle that was hit.
        triangle: (N,) its number, or -1.
        u: (N,) place on it.
        v: (N,) place on it.
        corners: (T, 3, 3).
        normals: (T, 3, 3).
        uv: (T, 3, 2).
        occlusion: (T, 3) open share of the sky at the corners.
        vehicle: (T,) which paint.
        paints: (vehicles, H, W, 4).
        linear: (256,) sRGB to linear.
        road: the ground.
        texture: (256, 256) noise.
        ground_ao: (rows, columns) open share of the sky around the vehicle.
        ground_area: (4,) where these lie: least x, least y, and their extent.
        points: (N, 3), filled.
        facing: (N, 3), filled.
        albedo: (N, 3), filled.
        material: (N,), filled.
        open_sky: (N,), filled.
    """
    height, width = paints.shape[1], paints.shape[2]
    for n in range(len(origins)):
        dx, dy, dz = directions[n, 0], directions[n, 1], directions[n, 2]
        down = -origins[n, 2] / dz if dz < -1e-4 else np.float32(1e9)
        t = triangle[n]
        if t < 0 or down < far[n]:
            if down > 400:
                material[n] = SKY
                continue
            x, y = origins[n, 0] + down * dx, origins[n, 1] + down * dy
            points[n, 0], points[n, 1], points[n, 2] = x, y, 0
            facing[n, 0], facing[n, 1], facing[n, 2] = 0, 0, 1
            material[n] = GROUND
            _ground(road, texture, x, y, albedo[n])
            gx = (x - ground_area[0]) / ground_area[2] * (ground_ao.shape[1] - 1)
            gy = (y - ground_area[1]) / ground_area[3] * (ground_ao.shape[0] - 1)
            if 0 <= gx < ground_ao.shape[1] - 1 and 0 <= gy < ground_ao.shape[0] - 1:
                i, j = int(gx), int(gy)
                a, b = gx - i, gy - j
                open_sky[n] = (ground_ao[j, i] * (1 - a) + ground_ao[j, i + 1] * a) * (1 - b) + (
                    ground_ao[j + 1, i] * (1 - a) + ground_ao[j + 1, i + 1] * a
                ) * b
            else:
                open_sky[n] = 1
            continue
        b, c = u[n], v[n]
        a = 1 - b - c
        size = np.float32(0)
        for k in range(3):
            points[n, k] = a * corners[t, 0, k] + b * corners[t, 1, k] + c * corners[t, 2, k]
            facing[n, k] = a * normals[t, 0, k] + b * normals[t, 1, k] + c * normals[t, 2, k]
            size += facing[n, k] ** 2
        size = math.sqrt(size) + np.float32(1e-9)
        towards = np.float32(0)
        for k in range(3):
            facing[n, k] /= size
            towards += facing[n, k] * directions[n, k]
        if towards > 0:  # Seen from behind, at a silhouette.
            for k in range(3):
                facing[n, k] -= 2 * towards * directions[n, k]
        open_sky[n] = a * occlusion[t, 0] + b * occlusion[t, 1] + c * occlusion[t, 2]
        column = a * uv[t, 0, 0] + b * uv[t, 1, 0] + c * uv[t, 2, 0] - np.float32(0.5)
        row = a * uv[t, 0, 1] + b * uv[t, 1, 1] + c * uv[t, 2, 1] - np.float32(0.5)
        i, j = max(min(int(column), width - 2), 0), max(min(int(row), height - 2), 0)
        p, q = min(max(column - i, 0), 1), min(max(row - j, 0), 1)
        paint = paints[vehicle[t]]
        for k in range(3):
            albedo[n, k] = (linear[paint[j, i, k]] * (1 - p) + linear[paint[j, i + 1, k]] * p) * (1 - q) + (
                linear[paint[j + 1, i, k]] * (1 - p) + linear[paint[j + 1, i + 1, k]] * p
            ) * q
        material[n] = paint[j + (q > 0.5), i + (p > 0.5), 3]
        if material[n] == CLOTH:  # Folds.
            x, y, z = points[n, 0], points[n, 1], points[n, 2]
            f = _noise(texture, x * 9 + z * 7, y * 9 - z * 5)
            g = _noise(texture, y * 8 - x * 5 + 40, z * 10 + x * 3 + 70)
            facing[n, 0] += 0.38 * f
            facing[n, 1] += 0.38 * g
            facing[n, 2] += 0.25 * (f - g)
            size = math.sqrt(facing[n, 0] ** 2 + facing[n, 1] ** 2 + facing[n, 2] ** 2) + np.float32(1e-9)
            for k in range(3):
                facing[n, k] /= size


@compiled
def _sky(light: Light, texture: Floats, x: float, y: float, z: float, out: Floats) -> None:
    """Write the radiance that comes from a direction where nothing is hit."""
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


@compiled
def shade(
    directions: Floats,
    far: Floats,
    points: Floats,
    facing: Floats,
    albedo: Floats,
    material: NDArray[np.uint8],
    open_sky: Floats,
    lit: NDArray[np.bool_],
    light: Light,
    texture: Floats,
    front: float,
    back: float,
    half: float,
    radiance: Floats,
) -> None:
    """Fill in the light (N, 3) that comes back along the rays, from what `surfaces` found.

    Args:
        directions: (N, 3), unit length.
        far: (N,) distance to the points.
        points: (N, 3).
        facing: (N, 3).
        albedo: (N, 3).
        material: (N,).
        open_sky: (N,).
        lit: (N,) whether the key light reaches the point.
        light: what shines.
        texture: (256, 256) noise.
        front: x of the vehicle's headlights.
        back: x of its tail lights.
        half: half its width.
        radiance: (N, 3), filled.
    """
    mirrored = np.empty(3, np.float32)
    for n in range(len(directions)):
        dx, dy, dz = directions[n, 0], directions[n, 1], directions[n, 2]
        kind = material[n]
        if kind == SKY:
            _sky(light, texture, dx, dy, max(dz, np.float32(0.0)), radiance[n])
            continue
        nx, ny, nz = facing[n, 0], facing[n, 1], facing[n, 2]
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        kx, ky, kz = light.key[0], light.key[1], light.key[2]
        strength = np.float32(1)
        if light.is_lamp:
            kx, ky, kz = kx - x, ky - y, kz - z
            distance = math.sqrt(kx * kx + ky * ky + kz * kz)
            kx, ky, kz = kx / distance, ky / distance, kz / distance
            strength = 100 / (distance * distance) * max(kz, np.float32(0))
        cosine = max(nx * kx + ny * ky + nz * kz, np.float32(0)) * strength
        if not lit[n]:
            cosine = np.float32(0)
        sky = np.float32(0.5) + np.float32(0.5) * nz
        opening = open_sky[n]
        toward = -(dx * nx + dy * ny + dz * nz)
        grazing = (1 - min(max(toward, np.float32(0)), np.float32(1))) ** 5
        rx, ry, rz = dx + 2 * toward * nx, dy + 2 * toward * ny, dz + 2 * toward * nz
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
        if share > 0:
            _sky(light, texture, rx, ry, rz, mirrored)
            highlight = np.float32(0)
            if cosine > 0:
                peak = max(rx * kx + ry * ky + rz * kz, np.float32(0))
                highlight = gloss * strength * (np.float32(6) * peak**600 + np.float32(0.35) * peak**40)
            for c in range(3):
                tint = albedo[n, c] if rough else np.float32(1)
                mirrored[c] = share * tint * mirrored[c] * opening + highlight * light.key_colour[c] * tint
        else:
            mirrored[0] = mirrored[1] = mirrored[2] = np.float32(0)
        # The vehicle's own headlights before it and tail lights behind it.
        white, red = np.float32(0), np.float32(0)
        pool = light.lamps * light.lamps * light.level
        if light.lamps > 0:
            if x > front and kind == GROUND:
                ahead, aside = (
                    x - front,
                    (abs(y) - half * np.float32(0.7)) / (np.float32(0.7) + np.float32(0.22) * (x - front)),
                )
                white = (
                    np.float32(1.6)
                    * pool
                    * math.exp(-aside * aside if aside > 0 else np.float32(0))
                    * math.exp(-((ahead - 7) * (ahead - 7)) / 60)
                )
            if x < back and kind == GROUND:
                behind = back - x
                red = np.float32(0.35) * pool * math.exp(-behind * behind / 3 - y * y / (half * half * 2 + np.float32(0.3)))
        for c in range(3):
            ambient = (
                light.bounce[c] * (1 - sky)
                + (np.float32(0.45) * light.horizon[c] + np.float32(0.55) * light.zenith[c]) * sky
            ) * opening
            glow = white + (red if c == 0 else red * np.float32(0.08))
            diffuse = albedo[n, c] * (light.key_colour[c] * cosine * np.float32(0.32) + ambient + glow)
            radiance[n, c] = (1 - share) * diffuse + mirrored[c]
        if kind in (TAIL_LIGHT, BRAKE_LIGHT):
            on = light.level * (
                light.lamps * np.float32(0.7) + light.brakes * (np.float32(0.4) + np.float32(1.2) * light.lamps)
            )
            if kind == BRAKE_LIGHT:
                on *= np.float32(1.5)
            radiance[n, 0] += on
            radiance[n, 1] += on * np.float32(0.06)
            radiance[n, 2] += on * np.float32(0.04)
        elif kind == HEAD_LIGHT and nx > np.float32(0.2):
            for c in range(3):
                radiance[n, c] += light.level * light.lamps * np.float32(7)
        elif kind == PLATE and light.lamps > 0:
            for c in range(3):
                radiance[n, c] += albedo[n, c] * pool * np.float32(0.6)
        if light.haze > 0:
            cover = 1 - math.exp(-light.haze * far[n] / 100)
            for c in range(3):
                radiance[n, c] += cover * (light.horizon[c] * np.float32(0.9) - radiance[n, c])
