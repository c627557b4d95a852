"""The index finds what comparing with every vector finds, and never answers with what is not in the store."""

import json
import threading

import numpy as np
import pytest
from tests.gallery.conftest import unit

from msinet.gallery import finder
from msinet.gallery.gallery import Gallery
from msinet.gallery.index import CodedIndex, ExactIndex, NearestOfSome, lists_for, train_lists

DIM = 32


@pytest.fixture
def coded(tmp_path, monkeypatch):
    """A gallery of 3,000 vectors, above the size up to which all are compared."""
    monkeypatch.setattr(finder, "EXACT_UP_TO", 1_000)
    gallery = Gallery.create(tmp_path / "g", dim=DIM)
    vectors = unit(3_000, dim=DIM)
    for i in range(10):
        gallery.add(vectors[i * 300 : (i + 1) * 300], camera=f"c{i}")
    return gallery, vectors


def found(gallery, query, **given):
    return [match.entry.id for match in gallery.query(query, **given).matches]


def test_the_recall_that_an_index_states_is_that_of_new_queries(coded):
    gallery, vectors = coded
    queries = unit(100, seed=3, dim=DIM)
    right = np.argsort(-(queries @ vectors.T))[:, :10] + 1
    recall = np.mean([np.isin(row, found(gallery, query)).mean() for row, query in zip(right, queries, strict=True)])
    assert isinstance(gallery.store.finder.index, CodedIndex)
    assert recall >= gallery.store.finder.index.recall - 0.01 >= 0.97


def test_similarities_are_those_of_the_vectors(coded):
    gallery, vectors = coded
    for match in gallery.query(vectors[5]).matches:
        assert match.similarity == pytest.approx(vectors[match.entry.id - 1] @ vectors[5], abs=1e-6)


@pytest.mark.parametrize("camera", ["c7", ["c1", "c2", "c3"], [f"c{i}" for i in range(9)]])
def test_a_filter_has_the_recall_of_no_filter(coded, camera):
    gallery, vectors = coded
    meant = np.concatenate([np.arange(int(name[1]) * 300, int(name[1]) * 300 + 300) for name in np.atleast_1d(camera)])
    shares = []
    for query in unit(30, seed=4, dim=DIM):
        right = meant[np.argsort(-(vectors[meant] @ query))[:10]] + 1
        shares.append(np.isin(right, found(gallery, query, camera=camera)).mean())
    assert np.mean(shares) >= 0.98


def test_all_entries_can_be_asked_for(coded):
    gallery, vectors = coded
    assert sorted(found(gallery, vectors[0], top_k=5_000)) == list(range(1, 3_001))


def test_removed_entries_are_not_found_though_the_index_has_them(coded):
    gallery, vectors = coded
    assert found(gallery, vectors[10])[0] == 11
    gallery.remove(camera="c0")
    assert min(found(gallery, vectors[10], top_k=3_000)) == 301


def test_new_entries_are_found_at_once(coded):
    gallery, vectors = coded
    gallery.query(vectors[0])
    new = unit(1, seed=8, dim=DIM)[0]
    gallery.add(new)
    assert found(gallery, new)[0] == 3_001


def test_the_index_is_taken_from_its_file(coded, monkeypatch):
    gallery, vectors = coded
    expected = found(gallery, vectors[3])
    new = unit(1, seed=8, dim=DIM)[0]
    gallery.add(new)
    monkeypatch.setattr(finder.Finder, "_made", lambda self: pytest.fail("the index is made anew"))
    opened = Gallery.open(gallery.place)
    assert found(opened, vectors[3]) == expected
    assert found(opened, new)[0] == 3_001


def test_a_service_answers_while_the_index_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(finder, "EXACT_UP_TO", 1_000)
    gallery, vectors, may = Gallery.create(tmp_path / "g", dim=DIM), unit(3_000, dim=DIM), threading.Event()
    gallery.store.finder.in_background = True
    train = finder.train_lists
    monkeypatch.setattr(finder, "train_lists", lambda *given: may.wait() and train(*given))
    gallery.add(vectors[:900])
    assert found(gallery, vectors[3])[0] == 4
    gallery.add(vectors[900:])
    assert found(gallery, vectors[2_900])[0] == 2_901
    assert isinstance(gallery.store.finder.index, ExactIndex)
    may.set()
    gallery.store.finder._maker.join()
    assert isinstance(gallery.store.finder.index, CodedIndex)
    assert found(gallery, vectors[2_900])[0] == 2_901


def missing(folder):
    next(folder.glob("index-*.faiss")).unlink()


def cut(folder):
    file = next(folder.glob("index-*.faiss"))
    file.write_bytes(file.read_bytes()[:1000])


def turned_bits(folder):
    file = next(folder.glob("index-*.faiss"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = bytes(255 - byte for byte in content[len(content) // 2 :])
    file.write_bytes(bytes(content))


def of_another_gallery(folder):
    file = folder / "index.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "gallery": "another"}))


def of_the_future(folder):
    file = folder / "index.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))


def no_description(folder):
    (folder / "index.json").write_text("[1, 2")


@pytest.mark.parametrize("harm", [missing, cut, turned_bits, of_another_gallery, of_the_future, no_description])
def test_a_damaged_index_is_made_anew(coded, harm):
    gallery, vectors = coded
    expected = found(gallery, vectors[3])
    harm(gallery.place)
    assert found(Gallery.open(gallery.place), vectors[3]) == expected
    assert len(list(gallery.place.glob("index-*.faiss"))) <= 2


def test_an_index_that_lies_is_found_by_its_recall(coded):
    gallery, vectors = coded
    gallery.query(vectors[0])
    assert gallery.store.finder.recall() >= 0.98
    index = gallery.store.finder.index
    lying = train_lists(vectors, 16)
    lying.add_with_ids(vectors[::-1].copy(), np.arange(1, 3_001))
    gallery.store.finder._index = CodedIndex(lying, index.last, index.trained_on)
    assert gallery.store.finder.recall() < 0.5


def test_a_gallery_that_shrinks_is_compared_exactly_again(coded):
    gallery, vectors = coded
    gallery.query(vectors[0])
    gallery.remove(camera=[f"c{i}" for i in range(1, 10)])
    gallery.vacuum()
    gallery.query(vectors[0])
    assert isinstance(gallery.store.finder.index, ExactIndex)


def test_the_nearest_of_some_are_those_of_a_full_comparison():
    vectors = unit(500, dim=DIM)
    ids = np.arange(1, 501)
    nearest = NearestOfSome(ids[:20], vectors[:20])
    for start in range(0, 500, 77):
        nearest.look_at(ids[start : start + 77], vectors[start : start + 77])
    similarities = vectors[:20] @ vectors.T
    similarities[np.arange(20), np.arange(20)] = -np.inf
    expected = np.sort(np.argsort(-similarities)[:, : nearest.nearest.shape[1]] + 1)
    assert (np.sort(nearest.nearest) == expected).all()


def test_lists_grow_with_the_square_root():
    assert [lists_for(count) for count in (100, 10_000, 1_000_000)] == [16, 100, 1_000]
