import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msinet.errors import DatasetError
from msinet.gallery.calibration import nearest_identities as module
from msinet.gallery.calibration.labelled_vectors import LabelledVectors
from msinet.gallery.calibration.nearest_identities import KEPT, nearest_identities


def drawn(count, seed, width=6, identities=None, cameras=None):
    vectors = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return LabelledVectors(vectors, identities or [None] * count, cameras)


def slowly(labelled, gallery, other_cameras):
    """The best similarity of each identity, one pair at a time."""
    rows = []
    for vector, camera in zip(labelled.vectors, labelled.seen_by, strict=True):
        best = {}
        for place, entry in enumerate(gallery.vectors):
            if other_cameras and camera is not None and gallery.seen_by[place] == camera:
                continue
            name = gallery.identities[place] or place
            best[name] = max(best.get(name, -1.0), float(vector @ entry))
        rows.append([*sorted(best.values(), reverse=True), *[-1.0] * KEPT][:KEPT])
    return np.array(rows)


labels = st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=12, max_size=12)


@settings(max_examples=40)
@given(identities=labels, cameras=labels, block=st.integers(1, 13), other_cameras=st.booleans())
def test_blocks_of_any_size_give_the_nearest_identities_of_the_whole_gallery(identities, cameras, block, other_cameras):
    labelled, gallery = (
        drawn(4, 0, identities=list("wxyz"), cameras=["a", "b", None, "d"]),
        drawn(12, 1, 6, identities, cameras),
    )
    parts = (
        LabelledVectors(gallery.vectors[i : i + block], identities[i : i + block], cameras[i : i + block])
        for i in range(0, 12, block)
    )
    found = nearest_identities(labelled, parts, other_cameras)
    assert found.similarities == pytest.approx(slowly(labelled, gallery, other_cameras), abs=1e-6)
    assert found.entries == 12


def test_a_large_gallery_keeps_the_nearest(monkeypatch):
    monkeypatch.setattr(module, "PRODUCTS", 400)
    names = [f"{number % 150}" for number in range(500)]
    labelled, gallery = drawn(5, 0, identities=list("vwxyz")), drawn(500, 1, identities=names)
    found = nearest_identities(labelled, [gallery], False)
    assert found.similarities == pytest.approx(slowly(labelled, gallery, False), abs=1e-6)


def test_an_identity_of_the_gallery_is_not_an_unknown_one():
    gallery = drawn(3, 1, identities=["x", "y", "z"])
    with pytest.raises(DatasetError, match="2 labelled identities are in the gallery, the first y"):
        nearest_identities(drawn(3, 0, identities=["a", "y", "z"]), [gallery], False)


def test_an_empty_gallery_is_refused():
    with pytest.raises(DatasetError, match="empty"):
        nearest_identities(drawn(3, 0), [], False)


def test_vectors_of_another_model_are_refused():
    with pytest.raises(DatasetError, match="have 6 values and entries 5"):
        nearest_identities(drawn(3, 0), [drawn(3, 0, width=5)], False)


@pytest.mark.parametrize(("value", "words"), [(np.nan, "not finite"), (np.inf, "not finite"), (7.0, "unit length")])
def test_a_vector_that_is_no_direction_is_refused(value, words):
    vectors = drawn(3, 0).vectors.copy()
    vectors[1, 2] = value
    with pytest.raises(DatasetError, match=f"1 of 3 vectors are not.*{words.split()[-1]}"):
        LabelledVectors(vectors, [None] * 3)


def test_each_vector_has_its_labels():
    with pytest.raises(DatasetError, match="one identity and one camera an image"):
        LabelledVectors(drawn(3, 0).vectors, ["a", "b"])
