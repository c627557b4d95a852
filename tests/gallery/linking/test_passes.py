"""Passes: the entries of one track in one camera."""

import numpy as np
import pytest

from msinet.errors import DatasetError
from msinet.gallery.linking.passes import passes_of

NONE = [None] * 4


def made(cameras=NONE, tracks=NONE, times=NONE, identities=NONE, groups=NONE):
    return passes_of(np.eye(4, dtype=np.float32), cameras, tracks, times, identities, groups)


def entries(passes):
    return [places.tolist() for places in passes.entries]


def test_entries_of_one_track_in_one_camera_are_one_pass():
    passes = made(cameras=["c1", "c1", "c2", "c1"], tracks=["t", "t", "t", "t"])
    assert entries(passes) == [[0, 1, 3], [2]]
    np.testing.assert_allclose(passes.vectors, [[3**-0.5, 3**-0.5, 0, 3**-0.5], [0, 0, 1, 0]], rtol=1e-6)
    assert passes.cameras == ["c1", "c2"]
    assert passes.of_pairs([(3, 2), (0, 1)]) == [(0, 1), (0, 0)]


def test_an_entry_without_a_track_is_a_pass_of_its_own():
    assert entries(made(cameras=["c1"] * 4, tracks=[None, None, "t", "t"])) == [[0], [1], [2, 3]]


def test_first_and_last_time_are_those_of_entries_that_have_one():
    passes = made(tracks=["t", "t", "t", None], times=[7.5, None, 3, None])
    assert (passes.first[0], passes.last[0]) == (3, 7.5)
    assert np.isnan([passes.first[1], passes.last[1]]).all()


def test_a_pass_has_the_identity_of_any_entry_and_the_groups_of_all():
    passes = made(tracks=["t", "t", "t", None], identities=[None, "Ada", None, None], groups=["g2", None, "g1", "g1"])
    assert passes.identities == ["Ada", None]
    assert passes.groups == [("g1", "g2"), ("g1",)]


def test_a_track_with_two_identities_is_a_pass_for_each():
    assert entries(made(tracks=["t"] * 4, identities=["Ada", "Ben", None, "Ada"])) == [[0, 3], [1], [2]]


def test_no_entries_are_no_passes():
    assert len(passes_of(np.empty((0, 4)), [], [], [], [], [])) == 0


def test_columns_of_other_lengths_and_vectors_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="need 4 values in each column"):
        made(cameras=["c1"])
    with pytest.raises(DatasetError, match="1 vectors are not finite"):
        passes_of(np.array([[np.nan, 1], [0, 1]]), *[[None, None]] * 5)
