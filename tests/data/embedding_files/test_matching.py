"""Vectors find the images of a dataset by their paths."""

import unicodedata
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest

from msinet.data.embedding_files import of_dataset
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord, ReidSplits
from msinet.errors import DatasetError

RECORDS = tuple(ImageRecord(Path(f"/data/é{v}/{c}/0.jpg"), v, c, None) for v in ("v1", "v2") for c in ("c1", "c2"))
WORLD = ReidSplits("world", query=RECORDS, gallery=RECORDS)
VECTORS = np.eye(4, dtype=np.float32)


def embeddings_of(paths: list[str]) -> Embeddings:
    return Embeddings(np.eye(len(paths), 8, dtype=np.float32), [ImageRecord(Path(path)) for path in paths])


@pytest.mark.parametrize(
    "written",
    [
        lambda path: "crops/" + "/".join(path.parts[-3:]),
        lambda path: str(PureWindowsPath("C:/crops", *path.parts[-3:])),
        lambda path: unicodedata.normalize("NFD", str(path)),
        str,
    ],
    ids=["moved", "of Windows", "of a Mac", "the same"],
)
def test_vectors_are_found_by_the_ends_of_paths(written):
    found = of_dataset(embeddings_of([written(record.path) for record in reversed(RECORDS)]), WORLD)
    np.testing.assert_array_equal(found.vectors, np.eye(4, 8)[::-1])
    assert found.records == list(RECORDS)


def test_an_image_without_a_vector_is_named():
    with pytest.raises(DatasetError, match="1 images of world have no embedding, embed these as well:\n  /data/év1/c1"):
        of_dataset(Embeddings(VECTORS[1:], RECORDS[1:]), WORLD)


def test_paths_of_other_files_show_one_of_each():
    with pytest.raises(DatasetError, match=r"none of the 4 images.*the data is /data/év1/c1/0\.jpg, .* embeddings row 0"):
        of_dataset(embeddings_of(["row 0", "row 1"]), WORLD)


def test_ambiguous_paths_are_refused():
    with pytest.raises(DatasetError, match=r"fit several images: 4 of world have several vectors\. Write whole paths"):
        of_dataset(embeddings_of(["0.jpg"] * 4), WORLD)
    with pytest.raises(DatasetError, match=r"fit several images of world: write whole paths\n  0\.jpg"):
        of_dataset(embeddings_of(["0.jpg"]), WORLD)


def test_an_image_that_is_there_twice_with_one_vector_has_it():
    """Query and gallery written one after the other repeat the images that are both."""
    twice = Embeddings(np.concatenate([VECTORS, VECTORS]), [*RECORDS, *RECORDS])
    np.testing.assert_array_equal(of_dataset(twice, WORLD).vectors, VECTORS)
