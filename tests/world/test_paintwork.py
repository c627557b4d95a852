import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.world.mesh import box, mesh_of
from msinet.world.paintwork import HEIGHT, ORIGIN, SIZE, WIDTH, Material, Paintwork

GREY = (90, 90, 90)
RED = (200, 10, 10)

FACES = ("left", "right", "top", "front", "rear")


@pytest.fixture
def paint():
    return Paintwork(4, 2, 1.5, GREY)


def seen(paint, point, face):
    column, row = paint.texels(np.array(point, float), face).astype(int)
    return tuple(paint.finished()[row, column])


@pytest.mark.parametrize("face", FACES)
def test_paint_on_a_side_is_at_its_place_alone(paint, face):
    plane = {"left": (0, 2), "right": (0, 2), "top": (0, 1), "front": (1, 2), "rear": (1, 2)}[face]
    corners = []
    for da, db in [(-0.2, -0.2), (0.2, -0.2), (0.2, 0.2), (-0.2, 0.2)]:
        point = np.array([0.8, 0.3, 0.7])
        point[list(plane)] += (da, db)
        corners.append(point)
    paint.polygon(corners, RED, Material.GLASS, [face])
    assert seen(paint, (0.8, 0.3, 0.7), face) == (*RED, Material.GLASS)
    assert seen(paint, (-0.8, -0.5, 0.2), face) == (*GREY, Material.PAINT)


@given(st.floats(-9, 9), st.floats(-9, 9), st.floats(-9, 9), st.sampled_from(FACES))
def test_points_outside_the_vehicle_stay_on_its_side(x, y, z, face):
    column, row = Paintwork(4, 2, 1.5, GREY).texels(np.array([x, y, z]), face)
    assert ORIGIN[face][0] <= column < ORIGIN[face][0] + SIZE[face][0] <= WIDTH
    assert ORIGIN[face][1] <= row < ORIGIN[face][1] + SIZE[face][1] <= HEIGHT


def test_sides_share_no_texel():
    owners = np.zeros((HEIGHT, WIDTH), int)
    for face in FACES:
        (x, y), (w, h) = ORIGIN[face], SIZE[face]
        owners[y : y + h, x : x + w] += 1
    assert owners.max() == 1


def test_every_triangle_has_the_paint_of_the_side_that_it_faces(paint):
    mesh = paint.wrap(mesh_of(box((4, 2, 1.5), (0, 0, 0.75))))
    normals = np.cross(mesh.corners[:, 1] - mesh.corners[:, 0], mesh.corners[:, 2] - mesh.corners[:, 0])
    for normal, uv in zip(normals, mesh.uv.mean(1), strict=True):
        axis = int(np.abs(normal).argmax())
        face = ("front" if normal[0] > 0 else "rear", "left" if normal[1] > 0 else "right", "top")[axis]
        (x, y), (w, h) = ORIGIN[face], SIZE[face]
        assert x <= uv[0] < x + w
        assert y <= uv[1] < y + h


def test_a_flat_colour_has_one_texel(paint):
    assert paint.flat(RED) == paint.flat(RED) != paint.flat(RED, Material.METAL)
    column, row = (int(place) for place in paint.flat(RED))
    assert tuple(paint.finished()[row, column]) == (*RED, Material.MATTE)


def test_the_number_of_flat_colours_is_limited(paint):
    with pytest.raises(ValueError, match="room for 64"):
        for value in range(65):
            paint.flat((value, 0, 0))
