from pathlib import Path

import numpy as np
import pytest

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError

RECORDS = [ImageRecord(Path(f"{name}.jpg"), name) for name in "abc"]


def test_a_selection_keeps_vectors_beside_their_records():
    chosen = Embeddings(np.eye(3, dtype=np.float32), RECORDS).select(np.array([False, True, True]))
    assert [record.identity for record in chosen.records] == ["b", "c"]
    np.testing.assert_array_equal(chosen.vectors, np.eye(3)[1:])
    assert len(chosen) == 2


def test_nothing_may_be_selected():
    nothing = Embeddings(np.eye(3, dtype=np.float32), RECORDS).select(np.zeros(3, dtype=bool))
    assert len(nothing) == 0
    assert nothing.vectors.shape == (0, 3)


def test_records_find_their_vectors_by_path():
    others = [ImageRecord(Path("c.jpg"), "relabelled"), ImageRecord(Path("a.jpg"), "a"), ImageRecord(Path("c.jpg"), "c")]
    found = Embeddings(np.eye(3, dtype=np.float32), RECORDS).of(others)
    np.testing.assert_array_equal(found.vectors, np.eye(3)[[2, 0, 2]])
    assert found.records is others


def test_the_own_records_have_the_own_vectors():
    embeddings = Embeddings(np.eye(3, dtype=np.float32), RECORDS)
    assert embeddings.of(RECORDS) is embeddings


def test_a_record_without_a_vector_is_named():
    with pytest.raises(DatasetError, match=r"1 images have no embedding, the first d\.jpg"):
        Embeddings(np.eye(3, dtype=np.float32), RECORDS).of([*RECORDS, ImageRecord(Path("d.jpg"), "d")])


@pytest.mark.parametrize("shape", [(2, 4), (4, 4), (3,)])
def test_vectors_must_fit_the_records(shape):
    with pytest.raises(ValueError, match=r"3 records need vectors of shape \(3, D\)"):
        Embeddings(np.zeros(shape, dtype=np.float32), RECORDS)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_vectors_of_another_type_are_converted(kind):
    assert Embeddings(np.eye(3, dtype=kind), RECORDS).vectors.dtype == np.float32


@pytest.mark.parametrize("vectors", [np.eye(3) * 1e200, np.eye(3) * 1j], ids=["too long", "complex"])
def test_numbers_that_float32_cannot_hold_are_refused(vectors):
    with pytest.raises(ValueError, match=r"vectors are (too long for float32: scale|complex: give real)"):
        Embeddings(vectors, RECORDS)
