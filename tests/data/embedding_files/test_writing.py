"""What is written as the suffix says comes back, in every format."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from msinet.data.embedding_files import load_embeddings, load_vectors, require_writable, save_embeddings, split_words
from msinet.data.embedding_files.vectors import scale_to_unit_length
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord, ReidSplits
from msinet.errors import DatasetError, FileError, MissingExtraError, SettingsError

RECORDS = tuple(ImageRecord(Path(f"/data/{v}/{c}/0.jpg"), v, c, None) for v in ("v1", "v2") for c in ("c1", "c2"))
VECTORS = np.eye(4, dtype=np.float32)
MAGIC = {".npz": b"PK", ".parquet": b"PAR1", ".csv": b"path,identity,camera,track,split,v0,v1"}


def test_saved_embeddings_come_back_with_labels_and_splits(tmp_path, suffix):
    splits = ReidSplits("world", train=RECORDS[:2], query=RECORDS[2:], gallery=RECORDS[3:])
    save_embeddings(Embeddings(VECTORS, RECORDS), tmp_path / f"e{suffix}", split_words(splits))
    embeddings, read = load_embeddings(tmp_path / f"e{suffix}")
    np.testing.assert_array_equal(embeddings.vectors, VECTORS)
    assert tuple(embeddings.records) == RECORDS
    assert (read.train, read.query, read.gallery) == (RECORDS[:2], RECORDS[2:], RECORDS[3:])


def test_the_suffix_says_the_format(tmp_path, suffix):
    file = tmp_path / f"e{suffix.upper()}"
    save_embeddings(Embeddings(VECTORS, RECORDS), file)
    assert file.read_bytes().startswith(MAGIC[suffix])


def test_every_format_holds_every_digit(tmp_path, suffix):
    vectors = scale_to_unit_length(np.random.default_rng(0).normal(size=(500, 7)) ** 9)
    records = [ImageRecord(Path(f"{row}.jpg"), "a") for row in range(500)]
    save_embeddings(Embeddings(vectors, records), tmp_path / f"e{suffix}")
    found = load_embeddings(tmp_path / f"e{suffix}")[0].vectors
    assert found.tobytes() == scale_to_unit_length(vectors).tobytes()


def test_names_that_are_not_utf8_come_back(tmp_path, suffix):
    name = os.fsdecode(b"/data/\xb3\xb5,1/\xff.jpg")
    record = ImageRecord(Path(name), os.fsdecode(b"\xb3\xb5"), "c;1", 'say "x"\n2')
    save_embeddings(Embeddings(VECTORS[:2], [record, RECORDS[0]]), tmp_path / f"e{suffix}")
    assert list(load_embeddings(tmp_path / f"e{suffix}")[0].records) == [record, RECORDS[0]]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_name_that_has_no_bytes_is_refused(tmp_path, suffix):
    with pytest.raises(DatasetError, match=r"rename the file, or write \.npz"):
        save_embeddings(Embeddings(VECTORS[:1], [ImageRecord(Path("\ud800.jpg"), "a")]), tmp_path / f"e{suffix}")


def test_images_that_nobody_labelled_are_written_and_read(tmp_path, suffix):
    new = [ImageRecord(Path("new.jpg"), ""), RECORDS[0], RECORDS[1], ImageRecord(Path("newer.jpg"), "")]
    save_embeddings(Embeddings(VECTORS, new), tmp_path / f"e{suffix}")
    embeddings, splits = load_embeddings(tmp_path / f"e{suffix}")
    assert list(embeddings.records) == new
    assert splits.query == RECORDS[:2]
    assert [(one.path.name, one.reason) for one in splits.skipped] == [
        ("new.jpg", "no identity"),
        ("newer.jpg", "no identity"),
    ]


def test_an_empty_share_is_written_and_says_that_it_is_empty(tmp_path, suffix):
    save_embeddings(Embeddings(VECTORS[:0], []), tmp_path / f"e{suffix}")
    with pytest.raises(DatasetError, match="holds nothing to score"):
        load_vectors(tmp_path / f"e{suffix}")


@pytest.mark.parametrize("name", ["e", "e.pt", "e.npz.gz", "e.tsv", "npz"])
def test_another_suffix_lists_those_that_are_written(name):
    with pytest.raises(SettingsError, match=r"out is .*choose a name that ends in \.npz, \.parquet, \.csv") as error:
        require_writable(name)
    assert error.value.settings == ("out",)


def test_npy_has_no_place_for_labels():
    with pytest.raises(SettingsError, match=r"\.npy file holds one array and has no place for labels.*\.npz"):
        require_writable("e.npy")


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    (tmp_path / "e.npz").mkdir()
    with pytest.raises(SettingsError, match="which is a folder"):
        require_writable(tmp_path / "e.npz")


def test_parquet_without_pyarrow_names_the_extra_before_anything_is_embedded(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"msinet\[table\]"):
        require_writable("e.parquet")


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, suffix, monkeypatch):
    file = tmp_path / f"e{suffix}"
    save_embeddings(Embeddings(VECTORS, RECORDS), file)
    before = file.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileError, match="cannot write"):
        save_embeddings(Embeddings(VECTORS[:2], RECORDS[:2]), file)
    assert file.read_bytes() == before
