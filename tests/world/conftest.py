"""A small world, and a scene of one crate whose light can be computed by hand."""

import numpy as np
import pytest

from msinet.world.dataset import make_world
from msinet.world.mesh import box, mesh_of
from msinet.world.paintwork import Material, Paintwork
from msinet.world.road import Road
from msinet.world.scene import Scene, StagedVehicle
from msinet.world.settings import WorldSettings
from msinet.world.vehicles import Character, Vehicle
from msinet.world.weather import Light


def floats(*values):
    return np.array(values, np.float32)


@pytest.fixture(scope="session")
def small():
    return WorldSettings(identities=4, cameras=3, images_per_camera=2, size=32, seed=3, test_share=0.5)


@pytest.fixture(scope="session")
def world(small, tmp_path_factory):
    """Two training and two test vehicles, made by one process."""
    out = tmp_path_factory.mktemp("world") / "small"
    make_world(out, small, 1)
    return out


@pytest.fixture
def road():
    return Road(
        frame=floats(1, 0, 0, 0),
        asphalt=floats(0.2, 0.2, 0.2),
        grain=0.0,
        edges=floats(-50, 50),
        lines=np.zeros((0, 6), np.float32),
        zebra=floats(0, 0),
        verge=0,
        verge_colour=floats(0.1, 0.1, 0.1),
        patch=floats(100, 100, 1, 1, 1),
    )


@pytest.fixture
def sun():
    """A sun straight above, under a black sky."""
    black = floats(0, 0, 0)
    return Light(
        key=floats(0, 0, 1),
        is_lamp=False,
        key_colour=floats(2, 2, 2),
        zenith=black,
        horizon=black,
        skyline=black,
        skyline_height=0.0,
        bounce=black,
        lamps=0.0,
        brakes=0.0,
        level=1.0,
        haze=0.0,
    )


@pytest.fixture
def crate():
    """A matte grey box, 2 m long, 1 m wide and 1 m high, half a metre above the road."""
    paint = Paintwork(2, 1, 1.5, (128, 128, 128), Material.MATTE)
    mesh = paint.wrap(mesh_of(box((2, 1, 1), (0, 0, 1))))
    return StagedVehicle(Vehicle(Character("crate", "crate", "gray"), mesh, paint.finished(), (2, 1)))


@pytest.fixture
def scene_of(crate, road):
    """Return a function that makes scenes of the crate without noise."""

    def make(light, others=(), wet=0.0, road=road):
        return Scene(crate, light, road, others, np.zeros((256, 256), np.float32), wet)

    return make
