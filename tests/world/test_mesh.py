import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.world.mesh import box, ellipsoid, join, lathe, limb, loft, mesh_of, tube

lengths = st.floats(0.2, 5)


def normals_of_faces(mesh):
    edges = mesh.corners[:, 1:] - mesh.corners[:, :1]
    crossed = np.cross(edges[:, 0], edges[:, 1])
    return crossed / np.linalg.norm(crossed, axis=1, keepdims=True)


@given(lengths, lengths, lengths)
def test_a_box_has_its_volume(length, width, height):
    assert box((length, width, height), (1, 2, 3)).volume == pytest.approx(length * width * height, rel=1e-6)


@given(st.floats(0.05, 1.0), st.floats(0.1, 3))
def test_a_limb_is_a_cylinder_with_round_ends(radius, length):
    """A little less than a cylinder and a ball, since it has ten sides and flat poles."""
    whole = np.pi * radius**2 * length + 4 / 3 * np.pi * radius**3
    assert 0.85 * whole < limb((0, 0, 0), (0, 0, length), radius).volume < whole


@pytest.mark.parametrize(
    "shape",
    [
        box((1, 2, 3), (0, 0, 0), 0.2),
        ellipsoid((1, 2, 3), (4, 5, 6)),
        lathe([(0, -0.1), (0.3, -0.1), (0.3, 0.1), (0, 0.1)], (0, 0, 0.3)),
        tube([(0, 0, 0), (0, 0, 1), (0.5, 0, 2)], [(0.2, 0.3), (0.3, 0.3), (0.1, 0.1)]),
        limb((0, 0, 0), (1, 1, 1), 0.1, 0.05),
    ],
)
def test_shapes_are_closed_with_faces_outwards(shape):
    assert shape.is_watertight
    assert shape.volume > 0


def test_rings_in_either_direction_make_the_same_loft():
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rings = np.stack([np.stack([np.cos(angles), np.sin(angles), np.full(12, z)], 1) for z in (0.0, 1.0, 2.0)])
    assert loft(rings).volume == pytest.approx(loft(rings[::-1]).volume)
    assert loft(rings).volume == pytest.approx(6 * np.sin(np.pi / 6) * 2)


def test_a_ball_is_shaded_round():
    mesh = mesh_of(ellipsoid((1, 1, 1), (0, 0, 0), 3))
    np.testing.assert_allclose(mesh.normals, mesh.corners, atol=0.02)


def test_the_edges_of_a_box_stay_sharp():
    mesh = mesh_of(box((1, 1, 1), (0, 0, 0)))
    np.testing.assert_allclose(mesh.normals, np.repeat(normals_of_faces(mesh)[:, None], 3, 1), atol=1e-6)


def test_normals_have_unit_length():
    mesh = join([mesh_of(box((1, 2, 1), (0, 0, 0), 0.3)), mesh_of(limb((0, 0, 0), (1, 0, 1), 0.2))])
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=2), 1, atol=1e-5)


def test_a_mesh_is_rotated_to_the_left_before_it_is_shifted():
    mesh = mesh_of(box((2, 1, 1), (5, 0, 0))).moved((0, 0, 1), np.pi / 2)
    np.testing.assert_allclose(mesh.corners.reshape(-1, 3).mean(0), [0, 5, 1], atol=1e-5)
    np.testing.assert_allclose(np.abs(normals_of_faces(mesh)), np.abs(mesh.normals[:, 0]), atol=1e-5)
