"""Weather and light of cities: what a camera's light is drawn from."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from msinet.world.mesh import Floats

Range = tuple[float, float]
Triple = tuple[float, float, float]


class Light(NamedTuple):
    """The light of a scene."""

    key: Floats
    """(3,) direction to the sun, or place of the street lamp."""
    is_lamp: bool
    key_colour: Floats
    """(3,) irradiance at a right angle; of a lamp at 10 m."""
    zenith: Floats
    """(3,) radiance of the sky above."""
    horizon: Floats
    """(3,) radiance of the sky at its lower edge."""
    skyline: Floats
    """(3,) radiance of houses and trees that the paint mirrors."""
    skyline_height: float
    """Height of the skyline as the sine of the elevation."""
    bounce: Floats
    """(3,) radiance of the ground, as seen from below."""
    lamps: float
    """Brightness of the vehicles' lights; 0 is off."""
    brakes: float
    """1 while the vehicle brakes, otherwise 0."""
    level: float
    """Irradiance of open road; the vehicles' lights are relative to it."""
    haze: float
    """Optical depth of the haze per 100 m."""


@dataclass(frozen=True)
class Weather:
    """Ranges that the light of a city is drawn from."""

    elevation: Range
    """Elevation of the sun in degrees."""
    sun: Range
    """Strength of the sun's light."""
    sun_colour: Triple
    zenith: Triple
    horizon: Triple
    clouds: Range
    """Share of the sun's light that clouds spread over the sky."""
    lamps: float = 0.0
    """Brightness of the vehicles' lights."""
    wet: float = 0.0
    """How strongly the road mirrors, from 0 to 1."""
    haze: Range = (0.0, 0.3)
    street_lamps: bool = False
    exposure: float = 0.17
    """Brightness that cameras give the road, linear from 0 to 1."""
    streaks: float = 0.0
    """Rain in the air, in streaks per 1,000 pixels."""


WEATHERS: dict[str, Weather] = {
    "day": Weather(
        elevation=(28, 65),
        sun=(2.2, 3.4),
        sun_colour=(1.0, 0.94, 0.85),
        zenith=(0.38, 0.55, 0.9),
        horizon=(0.85, 0.9, 0.95),
        clouds=(0.0, 0.6),
    ),
    "overcast": Weather(
        elevation=(40, 70),
        sun=(1.4, 2.4),
        sun_colour=(1.0, 0.97, 0.93),
        zenith=(0.75, 0.79, 0.85),
        horizon=(0.8, 0.82, 0.85),
        clouds=(0.93, 1.0),
        haze=(0.2, 0.9),
    ),
    "dusk": Weather(
        elevation=(5, 14),
        sun=(1.0, 1.9),
        sun_colour=(1.0, 0.62, 0.36),
        zenith=(0.22, 0.27, 0.45),
        horizon=(0.75, 0.52, 0.42),
        clouds=(0.0, 0.5),
        lamps=0.45,
        exposure=0.13,
    ),
    "night": Weather(
        elevation=(0, 1),
        sun=(0.5, 1.1),
        sun_colour=(1.0, 0.78, 0.52),
        zenith=(0.012, 0.014, 0.022),
        horizon=(0.05, 0.045, 0.04),
        clouds=(0.0, 0.0),
        lamps=1.0,
        street_lamps=True,
        exposure=0.075,
    ),
    "rain": Weather(
        elevation=(35, 60),
        sun=(0.9, 1.6),
        sun_colour=(0.95, 0.98, 1.0),
        zenith=(0.5, 0.55, 0.62),
        horizon=(0.58, 0.61, 0.66),
        clouds=(0.95, 1.0),
        lamps=0.4,
        wet=0.6,
        haze=(0.5, 1.6),
        exposure=0.13,
        streaks=2.2,
    ),
}


def draw_light(weather: Weather, rng: np.random.Generator) -> Light:
    """Return the light of one camera in the road's frame: x along it, y across."""
    strength, clouds = rng.uniform(*weather.sun), rng.uniform(*weather.clouds)
    tint = np.asarray(weather.sun_colour) * np.exp(rng.normal(0, 0.04, 3))
    elevation, azimuth = np.radians(rng.uniform(*weather.elevation)), rng.uniform(0, 2 * np.pi)
    if weather.street_lamps:
        key = np.array([rng.uniform(-7, 7), rng.choice([-1, 1]) * rng.uniform(3, 7), rng.uniform(7, 10)])
        tint = tint if rng.random() < 0.6 else np.array([0.92, 0.97, 1.0])  # sodium or LED
    else:
        key = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    direct = strength * (1 - clouds) ** 1.5
    spread = 0.25 * strength * clouds
    zenith = np.asarray(weather.zenith) * (0.9 + 0.3 * rng.random()) + spread * 0.6
    horizon = np.asarray(weather.horizon) * (0.9 + 0.3 * rng.random()) + spread * 0.6
    if weather.street_lamps:
        spread = 0.0
        zenith, horizon = np.asarray(weather.zenith), np.asarray(weather.horizon)
    sky = 0.5 * (zenith + horizon)
    bounce = 0.16 * (sky + direct * tint * (0.12 if weather.street_lamps else 0.32 * np.sin(elevation)))
    height = 0.55 if weather.street_lamps else float(np.sin(elevation))
    return Light(
        key=key.astype(np.float32),
        is_lamp=weather.street_lamps,
        key_colour=(direct * tint).astype(np.float32),
        zenith=zenith.astype(np.float32),
        horizon=horizon.astype(np.float32),
        skyline=(0.22 * sky * rng.uniform(0.5, 1.2, 3)).astype(np.float32),
        skyline_height=float(rng.uniform(0.1, 0.4)),
        bounce=bounce.astype(np.float32),
        lamps=weather.lamps,
        brakes=0.0,
        level=float((0.32 * direct * tint * height + 0.45 * horizon + 0.55 * zenith).mean()),
        haze=float(rng.uniform(*weather.haze)),
    )


def turned(light: Light, heading: float, place: tuple[float, float]) -> Light:
    """Return the light in the frame of a vehicle at a place on the road, with a heading in radians."""
    x, y, z = (float(value) for value in light.key)
    if light.is_lamp:
        x, y = x - place[0], y - place[1]
    c, s = np.cos(heading), np.sin(heading)
    return light._replace(key=np.array([c * x + s * y, -s * x + c * y, z], np.float32))
