import numpy as np
import pytest

from msinet.world.colours import COLOURS
from msinet.world.fleet import BODIES
from msinet.world.lists import COLOUR_NUMBERS, TYPE_NUMBERS
from msinet.world.motorcycles import BIKES
from msinet.world.paintwork import HEIGHT, WIDTH, Material
from msinet.world.vehicles import TYPES, character, draw_vehicle


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("number", range(3))
def test_a_vehicle_is_on_the_road_and_finite(kind, number):
    vehicle = draw_vehicle((number,), kind)
    points = vehicle.mesh.corners.reshape(-1, 3)
    assert vehicle.about.type == kind
    assert -0.01 < points[:, 2].min() < 0.02
    assert np.isfinite(vehicle.mesh.corners).all()
    assert np.isfinite(vehicle.mesh.normals).all()
    length, width = np.ptp(points, 0)[:2]
    assert vehicle.footprint[0] <= length + 0.25
    assert length < vehicle.footprint[0] + 0.8
    assert width < vehicle.footprint[1] + 0.7


@pytest.mark.parametrize("kind", TYPES)
def test_paint_covers_the_mesh(kind):
    vehicle = draw_vehicle((1,), kind)
    assert vehicle.paint.shape == (HEIGHT, WIDTH, 4)
    assert vehicle.paint[..., 3].max() <= max(Material)
    assert (vehicle.mesh.uv >= 0).all()
    assert (vehicle.mesh.uv <= [WIDTH, HEIGHT]).all()


def test_the_same_seed_is_the_same_vehicle():
    one, other = draw_vehicle((5, 6)), draw_vehicle((5, 6))
    assert one.about == other.about
    for ours, theirs in zip((*one.mesh, one.paint), (*other.mesh, other.paint), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_no_two_vehicles_are_the_same():
    """Not even those of the same model and colour."""
    looks = {draw_vehicle((seed,)).paint.tobytes() for seed in range(60)}
    assert len(looks) == 60


def test_the_character_is_that_of_the_vehicle():
    for seed in range(20):
        assert character((seed,)) == draw_vehicle((seed,)).about


def test_look_alikes_are_common():
    """Of 200 vehicles more than 60 share model and colour with another one."""
    drawn = [character((1, seed)) for seed in range(200)]
    assert sum(drawn.count(one) > 1 for one in drawn) > 60


def test_every_type_and_colour_has_a_number():
    assert TYPE_NUMBERS.keys() == TYPES.keys() == BODIES.keys() | {"motorcycle"}
    assert COLOUR_NUMBERS.keys() == COLOURS.keys()
    assert len(set(TYPE_NUMBERS.values())) == len(TYPES)
    assert COLOUR_NUMBERS["black"] == 10


def test_no_two_models_have_the_same_name():
    names = [name for models in BODIES.values() for name in models] + list(BIKES)
    assert len(set(names)) == len(names)
