"""Labels and formats of embeddings that others wrote."""

import math
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from msinet.data.embedding_files import load_embeddings, load_vectors
from msinet.errors import DatasetError, FileError, MissingExtraError
from msinet.evaluation.protocols import choose_protocol

VECTORS = np.eye(4, dtype=np.float32)
MISSING = ["nan", "NaN", "None", "null", "NA", "<NA>", "", " "]


def labels_of(path: Path, name: str = "identity") -> list[str | None]:
    embeddings, _ = load_embeddings(path)
    return [getattr(record, name) for record in embeddings.records]


def left_out(path: Path) -> list[str]:
    return [one.reason for one in load_embeddings(path)[1].skipped]


# Labels


def test_without_splits_every_image_is_query_and_gallery(write, suffix):
    """Labels may be numbers, vectors of any length; paths are optional."""
    embeddings, splits = load_embeddings(write(f"e{suffix}", [[3.0, 4.0], [0.0, 2.0]], identity=np.array([7, 7])))
    np.testing.assert_allclose(embeddings.vectors, [[0.6, 0.8], [0, 1]], rtol=1e-7)
    assert embeddings.vectors.dtype == np.float32
    assert [record.identity for record in splits.query] == ["7", "7"]
    assert splits.query == splits.gallery
    assert splits.query[0].camera is None


@pytest.mark.parametrize("word", MISSING)
def test_a_missing_identity_is_left_out(write, suffix, word):
    file = write(f"e{suffix}", VECTORS, identity=["a", word, "a", "b"])
    assert left_out(file) == ["no identity"]
    assert labels_of(file) == ["a", "", "a", "b"]


@pytest.mark.parametrize("word", MISSING)
def test_a_missing_camera_is_unknown_and_so_the_market_rule_is_refused(write, suffix, word):
    _, splits = load_embeddings(write(f"e{suffix}", VECTORS, identity=list("aabb"), camera=["1", word, "2", "2"]))
    assert [record.camera for record in splits.query] == ["1", None, "2", "2"]
    with pytest.raises(DatasetError, match="1 of 4 images have none"):
        choose_protocol(splits.query, splits.gallery)


def test_numbers_with_gaps_are_the_same_labels_as_without(write, suffix):
    """A data frame turns whole numbers into floats as soon as one is missing."""
    file = write(f"e{suffix}", VECTORS, identity=[12.0, 12.0, math.nan, 3.0], camera=[0.0, 1.0, 0.0, 1.0])
    assert labels_of(file) == ["12", "12", "", "3"]
    assert labels_of(file, "camera") == ["0", "1", "0", "1"]


def test_bytes_are_text(write):
    file = write("e.npz", VECTORS, identity=np.array([b"a", b"a", "é".encode(), b"nan"]))
    assert labels_of(file) == ["a", "a", "é", ""]
    columns = {"vectors": VECTORS.tolist(), "identity": [b"a", b"a", "é".encode(), None]}
    pyarrow.parquet.write_table(pyarrow.table(columns), file.with_suffix(".parquet"))
    assert labels_of(file.with_suffix(".parquet")) == ["a", "a", "é", ""]


def test_both_forms_of_unicode_are_one_identity(write, suffix):
    assert labels_of(write(f"e{suffix}", VECTORS, identity=["caf\u00e9", "cafe\u0301", " x ", "x"])) == [
        "café",
        "café",
        "x",
        "x",
    ]


def test_zeros_before_a_number_stay(write, suffix):
    assert labels_of(write(f"e{suffix}", VECTORS, identity=["0001", "0001", "1", "1"])) == ["0001", "0001", "1", "1"]


def test_a_missing_track_is_unknown(write, suffix):
    file = write(f"e{suffix}", VECTORS, identity=list("aabb"), track=["1", "nan", "None", "2"])
    assert labels_of(file, "track") == ["1", None, None, "2"]


@pytest.mark.parametrize("word", ["", "nan", "None"])
def test_an_image_without_a_split_is_left_out(write, suffix, word):
    file = write(f"e{suffix}", VECTORS, identity=list("aabb"), split=["query", "gallery", word, "Probe"])
    _, splits = load_embeddings(file)
    assert (len(splits.query), len(splits.gallery), left_out(file)) == (2, 1, ["no split"])


def test_a_column_of_missing_splits_is_none(write, suffix):
    _, splits = load_embeddings(write(f"e{suffix}", VECTORS, identity=list("aabb"), split=["nan"] * 4))
    assert len(splits.query) == len(splits.gallery) == 4


def test_unknown_splits_are_listed(write):
    with pytest.raises(DatasetError, match=r"unknown splits: use train, .*\n  'left'\n  'right'"):
        load_embeddings(write("e.npz", VECTORS, identity=list("aabb"), split=["left", "right", "query", "gallery"]))


def test_paths_are_no_labels(write, suffix):
    """A name of a file is kept as it is: blanks, both forms of Unicode, whole floats. Without one, the row is named."""
    names = ["/d/cafe\u0301 .jpg", "3.0", "nan", ""]
    found = labels_of(write(f"e{suffix}", VECTORS, identity=list("aabb"), path=names), "path")
    assert found == [Path("/d/cafe\u0301 .jpg"), Path("3.0"), Path("row 2"), Path("row 3")]


def test_columns_of_matlab_are_labels(write):
    assert labels_of(write("e.npz", VECTORS, identity=np.array([[1], [1], [2], [2]]))) == ["1", "1", "2", "2"]


def test_capitals_of_columns_do_not_count(tmp_path):
    np.savez(tmp_path / "e.npz", Vectors=VECTORS, Identity=list("aabb"), CAMERA=list("1212"))
    assert labels_of(tmp_path / "e.npz", "camera") == ["1", "2", "1", "2"]


def test_no_identity_at_all_says_what_to_do(write, suffix):
    with pytest.raises(DatasetError, match=r"no image of .* has an identity: label them, or give the data"):
        load_embeddings(write(f"e{suffix}", VECTORS, identity=["", "nan", "None", ""]))


def test_with_data_the_file_needs_paths_and_no_labels(write, suffix):
    vectors = load_vectors(write(f"e{suffix}", VECTORS, path=["a", "b", "c", "d"]))
    assert [record.path.name for record in vectors.records] == ["a", "b", "c", "d"]
    with pytest.raises(DatasetError, match="has no path: add the column path"):
        load_vectors(write(f"f{suffix}", VECTORS, identity=list("aabb")))


# Columns


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"vectors": VECTORS}, "has no identity"),
        ({"identity": np.array(list("ab"))}, r"has no vectors. Needed: .*It has:\n  'identity'"),
        ({"vectors": VECTORS, "identity": np.array(list("ab"))}, "has 4 vectors and 2 of identity"),
        ({"vectors": VECTORS, "identity": np.array("a")}, "has 4 vectors and 1 of identity"),
        ({"vectors": VECTORS, "identity": np.array([["a", "b"], ["c", "d"]])}, "identity of .* has the shape .2, 2."),
    ],
)
def test_wrong_columns_are_named(tmp_path, columns, words):
    np.savez(tmp_path / "e.npz", **columns)
    with pytest.raises(DatasetError, match=f"(?s){words}"):
        load_embeddings(tmp_path / "e.npz")


@pytest.mark.parametrize("vectors", [[[1.0, 0.0], [1.0], [0.0, 1.0, 1.0]], [[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], None, []]])
def test_vectors_of_several_lengths_are_refused(tmp_path, vectors):
    pyarrow.parquet.write_table(pyarrow.table({"vectors": vectors, "identity": list("aab")}), tmp_path / "e.parquet")
    with pytest.raises(DatasetError, match="several lengths"):
        load_embeddings(tmp_path / "e.parquet")


@pytest.mark.parametrize("kind", [pyarrow.list_(pyarrow.float64(), 4), pyarrow.large_list(pyarrow.float16())])
def test_all_lists_of_parquet_are_vectors(tmp_path, kind):
    columns = {"vectors": pyarrow.array(VECTORS.astype(np.float16).tolist(), kind), "identity": list("aabb")}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "e.parquet", row_group_size=3)
    np.testing.assert_array_equal(load_embeddings(tmp_path / "e.parquet")[0].vectors, VECTORS)


def test_parquet_may_have_a_column_a_number(tmp_path):
    columns = {f"v{place}": VECTORS[:, place] for place in (2, 0, 3, 1)} | {"identity": list("aabb")}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "e.parquet")
    np.testing.assert_array_equal(load_embeddings(tmp_path / "e.parquet")[0].vectors, VECTORS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("identity,v0,v2\na,1,2\n", "v1 is missing"),
        ("identity,v0,v0\na,1,2\n", "v0 is there twice"),
        ("identity,x\na,1\n", r"has no vectors.*v0, v1.*\n  'identity'\n  'x'"),
        ("identity,v0,v1\na,1\n", "row 2 of .* has 2 cells and the header 3"),
        ('identity;v0;v1\na;"0,5";1\n', "row 2 of .* is no vector: .*'0,5'"),
        ("identity,v0,v1\na,,1\n", "zero or not finite.*vector 0"),
        ('identity,v0\n"a,1\n', "is not CSV"),
        ("identity,v0,v1\n", "holds nothing to score"),
    ],
)
def test_faults_of_a_csv_are_named(tmp_path, text, words):
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(DatasetError, match=f"(?s){words}"):
        load_embeddings(tmp_path / "e.csv")


# Formats


def test_the_content_says_the_format_since_suffixes_were_once_ignored(write):
    file = write("e.npz", VECTORS, identity=list("aabb"))
    for suffix in (".parquet", ".csv", ".npy", ".bin"):
        file = file.replace(file.with_suffix(suffix))
        assert labels_of(file) == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("e.npz", b"", "is an empty file"),
        ("e.parquet", b"not this", "is a text file: embeddings are an .npz, Parquet or CSV file"),
        ("e.npz", b"PK\x03\x04 and no more", "the end of which is missing: download or copy it again"),
        ("e.parquet", b"PAR1 and no more", "cannot read"),
        ("e.npz", b"\xff\xd8\xff\xe0 photo", "is a JPEG image: embeddings are"),
        ("e.parquet", b"version https://git-lfs.github.com/spec/v1\n", "fetch the file itself by git lfs pull"),
        ("e.npy", b"\x93NUMPY\x01\x00", r"no place for labels; save both by np\.savez"),
    ],
)
def test_another_file_says_what_it_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=words):
        load_embeddings(tmp_path / name)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(FileError, match=r"there is no .*e\.npz"):
        load_embeddings(tmp_path / "e.npz")
    with pytest.raises(FileError):
        load_embeddings(tmp_path)


def test_labels_that_could_run_code_are_not_read(tmp_path):
    np.savez(tmp_path / "e.npz", vectors=VECTORS, identity=np.array([object()] * 4))
    with pytest.raises(DatasetError, match=r"identity of .* could run code; save it as text"):
        load_embeddings(tmp_path / "e.npz")


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "e.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"msinet\[table\]"):
        load_embeddings(tmp_path / "e.parquet")
