"""Light compared with hand computations: a crate of 2 x 1 x 1 m, half a metre above a grey road."""

import numpy as np
import pytest
from tests.world.conftest import floats

from msinet.world.mesh import box, mesh_of
from msinet.world.surfaces import LINEAR
from msinet.world.weather import turned

DIFFUSE = 0.32
"""Share of a light's irradiance that a white surface sends to each side: about 1 / pi."""


def look(scene, place, eye=(8, 6, 20)):
    """Return the light from a place to an eye, (3,)."""
    way = np.array(place, float) - eye
    return scene.radiance(floats(eye), floats(way / np.linalg.norm(way)))[0]


def test_open_road_reflects_its_share_of_the_sun(scene_of, sun):
    np.testing.assert_allclose(look(scene_of(sun), (5, 5, 0)), 0.2 * 2 * DIFFUSE, rtol=1e-4)


def test_the_crate_casts_its_shadow_where_it_hides_the_sun(scene_of, sun):
    """The sun is behind at 45 degrees: shadows of the crate's lower and upper edges end at x = 0.5 + 1 and 1.5 + 1."""
    low = sun._replace(key=floats(-(0.5**0.5), 0, 0.5**0.5))
    scene = scene_of(low)
    for x, dark in ((-2.6, False), (-0.6, False), (0, True), (1.0, True), (2.4, True), (2.6, False)):
        light = look(scene, (x, 0, 0), eye=(x, 20, 1) if abs(x) < 1 else (12, 15, 9))
        assert (light[0] < 0.001) == dark, x


def test_a_lamp_twice_as_far_gives_a_quarter(scene_of, sun):
    lamp = sun._replace(is_lamp=True, key=floats(6, 6, 10))
    far = lamp._replace(key=floats(6, 6, 20))
    np.testing.assert_allclose(look(scene_of(lamp), (6, 6, 0)), 4 * look(scene_of(far), (6, 6, 0)), rtol=1e-3)
    np.testing.assert_allclose(look(scene_of(lamp), (6, 6, 0)), 0.2 * 2 * DIFFUSE, rtol=1e-3)


def test_a_matte_surface_has_the_colour_of_its_paint(scene_of, sun):
    np.testing.assert_allclose(look(scene_of(sun), (0.3, 0.1, 1.5), eye=(0.3, 0.1, 9)), LINEAR[128] * 2 * DIFFUSE, rtol=1e-3)


def test_under_an_even_sky_open_road_is_even(scene_of, sun):
    even = sun._replace(key_colour=floats(0, 0, 0), zenith=floats(1, 1, 1), horizon=floats(1, 1, 1))
    np.testing.assert_allclose(look(scene_of(even), (15, 15, 0)), 0.2, rtol=1e-4)


def test_under_the_crate_it_is_dark(crate):
    """A point in the middle below it sees only low parts of the sky; beyond the margin, all of it."""
    rows, columns = crate.ground_openness.shape
    assert crate.ground_openness[rows // 2, columns // 2] < 0.5
    assert crate.ground_openness[0, 0] > 0.95


def test_haze_grows_with_distance(scene_of, sun):
    foggy = sun._replace(haze=2.0, horizon=floats(0.5, 0.5, 0.5), zenith=floats(0.5, 0.5, 0.5))
    near, far = look(scene_of(foggy), (20, 20, 0), (20, 20, 5)), look(scene_of(foggy), (20, 20, 0), (20, 20, 90))
    assert abs(far[0] - 0.45) < abs(near[0] - 0.45)


def test_an_object_in_front_hides_the_vehicle(scene_of, sun):
    wall = (mesh_of(box((0.1, 4, 4), (3, 0, 2)), (4, 4)), np.full((384, 256, 4), 0, np.uint8))
    ways = np.array([[-1, y, z] for y in np.linspace(-0.05, 0.05, 5) for z in np.linspace(-0.05, 0.05, 5)])
    ways = (ways / np.linalg.norm(ways, axis=1, keepdims=True)).astype(np.float32)
    eye = np.array([8, 0, 1], np.float32)
    assert scene_of(sun).visible_share(eye, ways) == 1
    assert scene_of(sun, [wall]).visible_share(eye, ways) == 0


def test_a_wet_road_mirrors_the_sky_at_low_angles(scene_of, sun):
    bright = sun._replace(key_colour=floats(0, 0, 0), zenith=floats(1, 1, 1), horizon=floats(1, 1, 1))
    dry, wet = (look(scene_of(bright, wet=w), (15, 9, 0), eye=(25, 9, 1)) for w in (0.0, 1.0))
    assert wet[0] > 1.5 * dry[0]


@pytest.mark.parametrize("heading", [0.0, 0.3, 2.0])
def test_the_sun_keeps_its_place_when_the_vehicle_turns(sun, heading):
    """A direction on the road is rotated against the heading in the vehicle's frame."""
    seen = turned(sun._replace(key=floats(1, 0, 0)), heading, (3, 4)).key
    np.testing.assert_allclose(seen, [np.cos(heading), -np.sin(heading), 0], atol=1e-6)


def test_a_lamp_keeps_its_place_when_the_vehicle_drives(sun):
    lamp = sun._replace(is_lamp=True, key=floats(5, 2, 8))
    np.testing.assert_allclose(turned(lamp, 0, (3, 1)).key, [2, 1, 8], atol=1e-6)
