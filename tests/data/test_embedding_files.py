import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from msinet.data.embedding_files import load_embeddings, of_dataset, save_embeddings, split_words
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord, ReidSplits
from msinet.errors import DatasetError, FileError, MissingExtraError

RECORDS = tuple(ImageRecord(Path(f"/data/{v}/{c}/0.jpg"), v, c, None) for v in ("v1", "v2") for c in ("c1", "c2"))
VECTORS = np.eye(4, dtype=np.float32)


def write(path: Path, **columns) -> Path:
    np.savez(path, **columns)
    return path


def test_saved_embeddings_come_back_with_labels_and_splits(tmp_path):
    splits = ReidSplits("world", train=RECORDS[:2], query=RECORDS[2:], gallery=RECORDS[3:])
    save_embeddings(Embeddings(VECTORS, RECORDS), tmp_path / "e.npz", split_words(splits))
    embeddings, read = load_embeddings(tmp_path / "e.npz")
    np.testing.assert_array_equal(embeddings.vectors, VECTORS)
    assert tuple(embeddings.records) == RECORDS
    assert (read.train, read.query, read.gallery) == (RECORDS[:2], RECORDS[2:], RECORDS[3:])


def test_without_splits_every_image_is_query_and_gallery(tmp_path):
    """Labels may be numbers, vectors of any length and type; paths are optional."""
    file = write(tmp_path / "e.npz", vectors=np.array([[3, 4], [0, 2]], np.float64), identity=np.array([7, 7]))
    embeddings, splits = load_embeddings(file)
    np.testing.assert_allclose(embeddings.vectors, [[0.6, 0.8], [0, 1]])
    assert embeddings.vectors.dtype == np.float32
    assert [record.identity for record in splits.query] == ["7", "7"]
    assert splits.query == splits.gallery
    assert splits.query[0].camera is None


def test_parquet_gives_the_same(tmp_path):
    table = pyarrow.table({"vectors": VECTORS.tolist(), "identity": list("aabb"), "camera": ["1", None, "2", "2"]})
    pyarrow.parquet.write_table(table, tmp_path / "e.parquet")
    embeddings, splits = load_embeddings(tmp_path / "e.parquet")
    np.testing.assert_array_equal(embeddings.vectors, VECTORS)
    assert [record.camera for record in splits.gallery] == ["1", None, "2", "2"]


def test_an_image_without_a_split_is_left_out(tmp_path):
    words = np.array(["query", "gallery", "", "gallery"])
    _, splits = load_embeddings(write(tmp_path / "e.npz", vectors=VECTORS, identity=np.array(list("aabb")), split=words))
    assert (len(splits.query), len(splits.gallery), len(splits.skipped)) == (1, 2, 1)


def test_images_without_an_identity_are_left_out(tmp_path):
    _, splits = load_embeddings(write(tmp_path / "e.npz", vectors=VECTORS, identity=np.array(["a", "", " ", "a"])))
    assert [record.identity for record in splits.query] == ["a", "a"]
    assert [left_out.reason for left_out in splits.skipped] == 2 * ["no identity"]


@pytest.mark.parametrize("vectors", [[[1.0, 0.0], [1.0], [0.0, 1.0, 1.0]], [[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], None, []]])
def test_vectors_of_several_lengths_are_refused(tmp_path, vectors):
    pyarrow.parquet.write_table(pyarrow.table({"vectors": vectors, "identity": list("aab")}), tmp_path / "e.parquet")
    with pytest.raises(DatasetError, match="several lengths"):
        load_embeddings(tmp_path / "e.parquet")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"vectors": VECTORS}, "has no identity"),
        ({"identity": np.array(list("ab"))}, "has no vectors"),
        ({"vectors": VECTORS, "identity": np.array(list("ab"))}, "has 4 vectors and 2 of identity"),
        ({"vectors": VECTORS[0], "identity": np.array(list("ab"))}, r"must be numbers of shape \(N, D\)"),
        ({"vectors": 0 * VECTORS, "identity": np.array(list("abcd"))}, "zero or not finite: .*\n  vector 0\n"),
        ({"vectors": VECTORS * np.float32(np.nan), "identity": np.array(list("abcd"))}, "are zero or not finite"),
        ({"vectors": VECTORS, "identity": np.array(list("abcd")), "split": np.array(["probe"] * 4)}, "the split 'probe'"),
        ({"vectors": VECTORS, "identity": np.array("a")}, "has 4 vectors and 1 of identity"),
    ],
)
def test_wrong_columns_are_named(tmp_path, columns, words):
    with pytest.raises(DatasetError, match=words):
        load_embeddings(write(tmp_path / "e.npz", **columns))


@pytest.mark.parametrize("name", ["e.npz", "e.parquet"])
def test_a_missing_or_damaged_file_is_named(tmp_path, name):
    with pytest.raises(FileError, match="there is no"):
        load_embeddings(tmp_path / name)
    (tmp_path / name).write_bytes(b"not this")
    with pytest.raises(FileError, match="cannot read"):
        load_embeddings(tmp_path / name)


def test_pickled_labels_are_not_read(tmp_path):
    with pytest.raises(FileError, match="cannot read"):
        load_embeddings(write(tmp_path / "e.npz", vectors=VECTORS, identity=np.array([object()] * 4)))


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "e.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"msinet\[table\]"):
        load_embeddings(tmp_path / "e.parquet")


def test_vectors_are_found_by_the_ends_of_paths():
    elsewhere = [ImageRecord(Path("crops") / "/".join(record.path.parts[-3:]), "?") for record in reversed(RECORDS)]
    found = of_dataset(Embeddings(VECTORS, elsewhere), ReidSplits("world", query=RECORDS, gallery=RECORDS))
    np.testing.assert_array_equal(found.vectors, VECTORS[::-1])
    assert found.records == list(RECORDS)


def test_an_image_without_a_vector_is_named():
    splits = ReidSplits("world", query=RECORDS, gallery=RECORDS)
    with pytest.raises(DatasetError, match="1 images of world have no embedding:\n  /data/v1/c1"):
        of_dataset(Embeddings(VECTORS[1:], RECORDS[1:]), splits)


def test_ambiguous_paths_are_refused():
    same = [ImageRecord(Path("0.jpg"), "?")] * 4
    with pytest.raises(DatasetError, match="match several images of world"):
        of_dataset(Embeddings(VECTORS, same), ReidSplits("world", query=RECORDS, gallery=RECORDS))
