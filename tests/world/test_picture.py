import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from msinet.world.camera import draw_camera
from msinet.world.passing import Moment, draw_pass
from msinet.world.picture import render
from msinet.world.scene import StagedVehicle, noise_texture
from msinet.world.vehicles import draw_vehicle
from msinet.world.weather import WEATHERS

TEXTURE = noise_texture()


@pytest.fixture(scope="module")
def stage():
    return StagedVehicle(draw_vehicle((1,), "hatchback"))


def picture(camera, stage, moment=None, size=48, seed=0):
    moment = moment or Moment((0.0, camera.lanes[0]), 0.0, False, (), None)
    return Image.open(io.BytesIO(render(camera, stage, moment, size, TEXTURE, np.random.default_rng(seed))))


def brightness(image):
    return np.asarray(image.convert("L"), float).mean()


@pytest.mark.parametrize("city", [*WEATHERS, "mixed"])
def test_an_image_has_the_given_size(city, stage):
    image = picture(draw_camera((1,), city, 0.0), stage)
    assert max(image.size) == 48
    assert np.asarray(image).std() > 5


def test_a_camera_that_resolves_less_gives_fewer_pixels(stage):
    camera = draw_camera((1,), "day", 0.5)
    sizes = [max(picture(replace(camera, sharpness=sharpness), stage, size=96).size) for sharpness in (0.3, 0.6, 3.0)]
    assert sizes[0] < sizes[1] < sizes[2] == 96


def test_the_same_moment_gives_the_same_bytes(stage):
    camera = draw_camera((2,), "rain", 1.0)
    moment = draw_pass(camera, stage.vehicle, [], 1, np.random.default_rng(0))[0]
    one, other = (render(camera, stage, moment, 32, TEXTURE, np.random.default_rng(7)) for _ in range(2))
    assert one == other


def test_exposure_brightens(stage):
    camera = replace(draw_camera((3,), "day", 0.0), exposure=0.6)
    assert brightness(picture(camera, stage)) < brightness(picture(replace(camera, exposure=1.2), stage))


def test_warm_white_balance_reddens(stage):
    camera = replace(draw_camera((3,), "overcast", 0.0), gains=np.array([1.3, 1.0, 0.7]))
    red, _, blue = np.asarray(picture(camera, stage), float).mean((0, 1))
    assert red > blue


def test_blur_removes_detail(stage):
    camera = replace(draw_camera((3,), "day", 0.0), focus=0.0, motion=0.0, noise=0.0, halo=0.0, quality=95)
    sharp, soft = (np.asarray(picture(replace(camera, focus=f), stage).convert("L"), float) for f in (0.0, 2.0))
    assert np.abs(np.diff(sharp)).mean() > 1.3 * np.abs(np.diff(soft)).mean()


def test_nights_are_darker_than_days(stage):
    def mean_brightness(city):
        return np.mean([brightness(picture(draw_camera((i,), city, 0.0), stage)) for i in range(6)])

    assert mean_brightness("night") < 0.7 * mean_brightness("day")


@pytest.mark.parametrize("trait", [lambda c: c.exposure, lambda c: c.gains[0], lambda c: c.gamma])
def test_a_harder_world_has_cameras_that_differ_more(trait):
    mild, hard = (np.std([np.log(trait(draw_camera((i,), "day", d))) for i in range(60)]) for d in (0.0, 1.0))
    assert hard > 1.3 * mild


def test_a_track_goes_forwards(stage):
    for seed in range(10):
        camera = draw_camera((seed,), "day", 0.5)
        moments = draw_pass(camera, stage.vehicle, [stage.vehicle], 3, np.random.default_rng(seed))
        places = [moment.place[0] for moment in moments]
        assert all(0.1 < later - earlier < 2.5 for earlier, later in pairwise(places))


def test_neighbours_drive_along_and_keep_their_distance(stage):
    """Vehicles in the same lane stay at more than half of both lengths."""
    met = 0
    for seed in range(60):
        camera = draw_camera((seed,), "day", 1.0)
        moments = draw_pass(camera, stage.vehicle, [stage.vehicle], 30, np.random.default_rng(seed))
        for moment in moments:
            for _, x, y in moment.others:
                apart = abs(x - moment.place[0]), abs(y - moment.place[1])
                assert apart[0] > 4.25 or apart[1] > 1.79
                met += 1
    assert met > 100


def test_the_last_image_of_a_long_track_still_shows_the_vehicle():
    """Every point of it stays in front of the camera, far enough to be seen."""
    for kind in ("bus", "lorry", "motorcycle"):
        vehicle = draw_vehicle((3,), kind)
        for seed in range(60):
            camera = draw_camera((seed,), "day", 1.0)
            for moment in draw_pass(camera, vehicle, [], 40, np.random.default_rng(seed)):
                c, s = np.cos(moment.heading), np.sin(moment.heading)
                points = vehicle.mesh.corners.reshape(-1, 3) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
                forward = np.array([0, camera.lanes[0], 0.8]) - camera.eye
                depth = (points + np.array([*moment.place, 0]) - camera.eye) @ forward / np.linalg.norm(forward)
                assert depth.min() > 0.5, (kind, seed)


def test_rain_draws_light_streaks(stage):
    camera = replace(draw_camera((4,), "rain", 0.0), noise=0.0)
    dry = replace(camera, weather=replace(camera.weather, streaks=0.0))
    with_rain, without = (np.asarray(picture(c, stage).convert("L"), int) for c in (camera, dry))
    assert (with_rain - without).max() > 8
    assert (with_rain - without).mean() > 0


def test_a_moving_vehicle_is_blurred_along_the_road(stage):
    side = replace(
        draw_camera((4,), "day", 0.0), eye=np.array([0.0, -14.0, 4.0]), focus=0.0, noise=0.0, halo=0.0, quality=95
    )
    still, moving = (np.asarray(picture(replace(side, motion=m), stage).convert("L"), float) for m in (0.0, 0.5))
    across, down = (np.abs(np.diff(moving, axis=axis)).mean() / np.abs(np.diff(still, axis=axis)).mean() for axis in (1, 0))
    assert across < 0.8 < down + 0.1


def test_noise_has_the_cameras_standard_deviation(stage):
    """A standard deviation of 0.05 at middle grey, where the curve of 1 / 2.2 is about 1.15 steep: 15 of 255."""
    camera = replace(draw_camera((5,), "overcast", 0.0), halo=0.0, quality=100, gamma=1.0)
    clean, noisy = (np.asarray(picture(replace(camera, noise=n), stage, seed=1), float) for n in (0.0, 0.05))
    assert 8 < (noisy - clean)[np.abs(clean - 118) < 25].std() < 22


def test_saturation_moves_colours_away_from_grey(stage):
    camera = replace(draw_camera((5,), "day", 0.0), noise=0.0)
    pale, strong = (np.asarray(picture(replace(camera, saturation=s), stage), float).std(2).mean() for s in (0.2, 1.2))
    assert strong > 1.5 * pale


def test_a_worse_detector_crops_worse(stage):
    """The shape of the crop varies."""

    def shapes(margin):
        camera = replace(draw_camera((6,), "day", 0.0), margin=margin)
        return [np.divide(*picture(camera, stage, seed=seed, size=64).size) for seed in range(12)]

    assert np.std(shapes(0.0)) < 0.001 < np.std(shapes(0.1))


@pytest.mark.parametrize(
    "trait", [lambda c: c.noise, lambda c: c.crowd, lambda c: c.obstacle, lambda c: c.margin, lambda c: -c.quality]
)
def test_a_harder_world_has_worse_cameras(trait):
    mild, hard = (np.mean([trait(draw_camera((i,), "day", d)) for i in range(40)]) for d in (0.0, 1.0))
    assert hard > mild


def test_most_of_a_vehicle_can_be_seen(stage):
    """A pole as thick as the vehicle is removed: the image is the same as without it."""
    camera = draw_camera((1,), "day", 0.0)
    place = (0.0, camera.lanes[0])
    half_way = 0.5 * (camera.eye[:2] + place)
    hidden = Moment(place, 0.0, False, (), (float(half_way[0]), float(half_way[1]), 2.5))
    np.testing.assert_array_equal(picture(camera, stage, hidden), picture(camera, stage))
