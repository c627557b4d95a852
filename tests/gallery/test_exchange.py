"""A gallery moves through Parquet with all that is known of it."""

from datetime import UTC, datetime

import numpy as np
import pytest
from tests.gallery.conftest import Colours, picture, unit

from msinet.errors import FileError, ModelError
from msinet.gallery.exchange import export_store
from msinet.gallery.gallery import Gallery
from msinet.jobs.gallery import import_gallery

pytest.importorskip("pyarrow")


@pytest.fixture
def full(new_place):
    gallery = Gallery.create(new_place(), Colours(), name="colours", thumbnails=True)
    gallery.add(picture(1), identity="7", camera="north", time=datetime(2026, 5, 1, tzinfo=UTC), fields={"lane": "2"})
    gallery.add([picture(2), picture(3)], track="t")
    gallery.add(picture(1), again=True)
    gallery.store.link({2: "object-2"})
    gallery.store.judge(1, 3, False)
    return gallery


@pytest.mark.parametrize("to", ["folder", "milvus"])
def test_nothing_is_lost_on_the_way(full, to, request, tmp_path):
    file = tmp_path / "all.parquet"
    place = request.getfixturevalue("address")() if to == "milvus" else tmp_path / "copy"
    assert export_store(full.store, file) == 4
    assert import_gallery(place, file) == (4, 4)
    copy = Gallery.open(place, Colours())
    assert copy.name == "colours"
    by_path = {entry.id: entry for entry in full.find()}
    moved = {match.entry.id: match.entry for match in copy.query(picture(1), top_k=9).matches}
    assert sorted(entry.identity or "" for entry in moved.values()) == sorted(e.identity or "" for e in by_path.values())
    seven = next(entry for entry in moved.values() if entry.identity == "7")
    assert (seven.camera, seven.time, seven.fields) == ("north", datetime(2026, 5, 1, tzinfo=UTC), {"lane": "2"})
    assert sum(entry.linked for entry in moved.values()) == 1
    assert all(copy.thumbnail(id) for id in moved)
    assert len(copy.store.verdicts()) == 1
    assert np.array_equal(copy.store.vectors([1])[1], full.store.vectors([1])[1])


def test_a_calibration_goes_with_the_entries(full, new_place, tmp_path):
    file, place = tmp_path / "all.parquet", new_place()
    full.store.add_calibration("monday", '{"rate": 0.01}')
    export_store(full.store, file)
    import_gallery(place, file)
    assert Gallery.open(place).store.calibration() == ("monday", '{"rate": 0.01}')


def test_an_import_twice_adds_nothing(full, tmp_path):
    file = tmp_path / "all.parquet"
    export_store(full.store, file)
    count = len(full)
    assert import_gallery(full.place, file)[1] <= 1  # What was added again is added again.
    assert len(full) <= count + 1


def test_another_model_is_refused(full, tmp_path):
    file = tmp_path / "all.parquet"
    export_store(full.store, file)
    Gallery.create(tmp_path / "other", Colours("others"))
    with pytest.raises(ModelError, match=r"colours.*others"):
        import_gallery(tmp_path / "other", file)


def test_other_tables_are_refused(tmp_path):
    import pyarrow
    import pyarrow.parquet

    file = tmp_path / "vectors.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"vectors": unit(3).tolist()}), file)
    with pytest.raises(FileError, match="gallery export"):
        import_gallery(tmp_path / "g", file)
    assert not (tmp_path / "g").exists()
