"""A gallery answers what it was shown."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.gallery.conftest import DIM, Colours, picture, unit

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, FileError, ModelError, SettingsError
from msinet.gallery.gallery import Gallery

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def gallery(new_place, colours):
    return Gallery.create(new_place(), colours)


@pytest.fixture
def of_vectors(new_place):
    return Gallery.create(new_place(), dim=DIM)


def ids(answer):
    return [match.entry.id for match in answer.matches]


def saved(folder, seed, suffix=".png"):
    path = folder / f"{seed}{suffix}"
    Image.fromarray(picture(seed)).save(path)
    return path


def test_an_image_finds_itself_first(gallery):
    gallery.add([picture(seed) for seed in range(20)])
    answer = gallery.query(picture(7))
    assert ids(answer)[0] == 8
    assert answer.matches[0].similarity == pytest.approx(1, abs=1e-5)


def test_matches_are_the_most_similar_in_order(of_vectors):
    vectors, query = unit(300), unit(1, seed=9)[0]
    of_vectors.add(vectors)
    nearest = np.argsort(-(vectors @ query))[:10] + 1
    assert ids(of_vectors.query(query, top_k=10)) == nearest.tolist()


def test_the_same_image_twice_is_one_entry_unless_wanted(gallery, tmp_path):
    path = saved(tmp_path, 1)
    first = gallery.add(path, identity="a")
    again = gallery.add([path, path.read_bytes()])
    assert (first.new, again.new, again.repeated) == (1, 0, 2)
    assert set(again.ids) == set(first.ids)
    assert gallery.entry(1).identity == "a"
    assert gallery.add(path, again=True).new == 1
    assert len(gallery) == 2


def test_an_entry_keeps_its_labels(gallery, tmp_path):
    path = saved(tmp_path, 1)
    record = ImageRecord(path, "7", "north", "t1", {"colour": "red", "time": "2026-05-01T14:00:00+02:00"})
    gallery.add([record])
    entry = gallery.entry(1)
    assert (entry.identity, entry.camera, entry.track, entry.path) == ("7", "north", "t1", str(path))
    assert entry.time == NOON
    assert entry.fields == {"colour": "red"}


def test_a_frame_number_is_a_field_and_no_time(gallery, tmp_path):
    gallery.add([ImageRecord(saved(tmp_path, 1), "7", "1", None, {"time": "00030600"})])
    assert gallery.entry(1).time is None
    assert gallery.entry(1).fields == {"time": "00030600"}


def test_given_labels_go_before_those_of_records(gallery, tmp_path):
    gallery.add([ImageRecord(saved(tmp_path, 1), "7", "1")], identity="8", fields={"lane": 2})
    assert (gallery.entry(1).identity, gallery.entry(1).camera, gallery.entry(1).fields) == ("8", "1", {"lane": "2"})


def test_boxes_of_a_frame_are_entries(gallery):
    frame = np.concatenate([picture(1), picture(2)], axis=1)
    added = gallery.add(frame, boxes=[[0, 0, 16, 16], [16, 0, 32, 16], [40, 0, 50, 9]], camera="gate")
    assert added.new == 2
    assert [one.position for one in added.left_out] == [2]
    assert ids(gallery.query(picture(2)))[0] == 2
    assert gallery.entry(2).fields["box"] == "16 0 32 16"


def test_what_cannot_be_read_is_named_and_the_rest_is_added(gallery, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no picture")
    added = gallery.add([saved(tmp_path, 1), broken, tmp_path / "missing.png", saved(tmp_path, 2)])
    assert added.new == 2
    assert [one.position for one in added.left_out] == [1, 2]
    assert str(broken) in added.left_out[0].name


def test_several_images_of_a_track_are_pooled(of_vectors):
    vectors = unit(50)
    of_vectors.add(vectors)
    pooled = vectors[3] + vectors[4] + vectors[9]
    expected = np.argsort(-(vectors @ pooled))[:5] + 1
    assert ids(of_vectors.query([vectors[3], vectors[4], vectors[9]], top_k=5)) == expected.tolist()


def test_an_entry_searches_and_is_not_found_itself(of_vectors):
    vectors = unit(50)
    of_vectors.add(vectors)
    assert ids(of_vectors.query(3, top_k=49))[0] != 3
    assert 3 not in ids(of_vectors.query(3, top_k=49))
    assert len(of_vectors.query(3, top_k=60).matches) == 49


def with_labels(of_vectors, count=200):
    vectors = unit(count)
    records = [
        ImageRecord(
            Path(f"{i}.jpg"),
            f"v{i // 4}",
            f"c{i % 5}",
            None,
            {"colour": "red" if i % 7 == 0 else "blue", "time": (NOON + timedelta(minutes=i)).isoformat()},
        )
        for i in range(count)
    ]
    of_vectors.add(Embeddings(vectors, records))
    return vectors


FILTERS = {
    "camera": ({"camera": "c2"}, lambda i: i % 5 == 2),
    "cameras": ({"camera": ["c2", "c3"]}, lambda i: i % 5 in (2, 3)),
    "not its own camera": ({"not_camera": "c1"}, lambda i: i % 5 != 1),
    "time": ({"since": NOON + timedelta(minutes=20), "before": NOON + timedelta(minutes=40)}, lambda i: 20 <= i < 40),
    "field": ({"fields": {"colour": "red"}}, lambda i: i % 7 == 0),
    "all": ({"camera": "c0", "fields": {"colour": "red"}}, lambda i: i % 35 == 0),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_leaves_the_nearest_that_it_means(of_vectors, name):
    vectors, query = with_labels(of_vectors), unit(1, seed=5)[0]
    given, meant = FILTERS[name]
    order = [i + 1 for i in np.argsort(-(vectors @ query)).tolist() if meant(i)]
    assert ids(of_vectors.query(query, top_k=12, **given)) == order[:12]


def test_by_identity_gives_the_best_of_each(of_vectors):
    vectors, query = with_labels(of_vectors), unit(1, seed=5)[0]
    best = {}
    for i in np.argsort(-(vectors @ query)).tolist():
        best.setdefault(i // 4, i + 1)
    assert ids(of_vectors.query(query, top_k=20, by_identity=True)) == list(best.values())[:20]


def test_a_filter_that_means_nothing_has_no_matches(of_vectors):
    with_labels(of_vectors, 10)
    assert of_vectors.query(unit(1)[0], camera="nowhere").matches == ()


def test_an_unknown_field_is_named_with_those_that_are_there(of_vectors):
    with_labels(of_vectors, 10)
    with pytest.raises(SettingsError, match=r"'color'.*colour"):
        of_vectors.query(unit(1)[0], fields={"color": "red"})


def test_removed_entries_are_found_no_more(of_vectors):
    vectors = with_labels(of_vectors)
    assert of_vectors.query(vectors[8]).matches[0].entry.id == 9
    assert of_vectors.remove(identity="v2") == 4
    assert not {9, 10, 11, 12} & set(ids(of_vectors.query(vectors[8], top_k=200)))
    assert len(of_vectors.query(vectors[8], top_k=200).matches) == 196


def test_what_is_older_is_removed_and_what_has_no_time_stays(of_vectors):
    now = datetime.now(UTC)
    for days, vector in zip((1, 29, 31, 400), unit(4), strict=True):
        of_vectors.add(vector, time=now - timedelta(days=days))
    of_vectors.add(unit(1, seed=2)[0])
    assert of_vectors.remove(older_than="30d") == 2
    assert [entry.id for entry in of_vectors.find()] == [1, 2, 5]


def test_removing_needs_a_condition(of_vectors):
    of_vectors.add(unit(3))
    with pytest.raises(SettingsError, match="say what to remove"):
        of_vectors.remove()
    assert of_vectors.remove([]) == 0
    assert len(of_vectors) == 3


def test_numbers_of_removed_entries_are_not_given_again(of_vectors):
    of_vectors.add(unit(3))
    of_vectors.remove([3])
    assert of_vectors.add(unit(1, seed=4)).ids == (4,)


def test_thumbnails_are_small_pictures(new_place, colours):
    gallery = Gallery.create(new_place(), colours, thumbnails=True)
    gallery.add(np.repeat(picture(3), 40, axis=1))
    image = Image.open(io.BytesIO(gallery.thumbnail(1)))
    assert (image.format, image.size) == ("WEBP", (128, 3))


def test_without_thumbnails_none_is_kept(gallery):
    gallery.add(picture(3))
    assert gallery.thumbnail(1) is None


def test_a_gallery_of_another_model_is_refused(gallery):
    gallery.add(picture(3))
    with pytest.raises(ModelError, match="weights colours, and the model has others"):
        Gallery.open(gallery.place, Colours("others"))
    assert ids(Gallery.open(gallery.place, Colours()).query(picture(3))) == [1]


def test_without_a_model_entries_and_vectors_can_be_asked_for(gallery):
    gallery.add([picture(3), picture(4)])
    opened = Gallery.open(gallery.place)
    assert ids(opened.query(1)) == [2]
    with pytest.raises(ModelError, match="opened without a model"):
        opened.query(picture(3))


def test_what_is_no_gallery_is_named(tmp_path):
    with pytest.raises(FileError, match="no gallery"):
        Gallery.open(tmp_path)
    (tmp_path / "gallery.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(FileError, match="damaged"):
        Gallery.open(tmp_path)


def test_a_second_gallery_is_not_created_over_the_first(gallery):
    with pytest.raises(FileError, match="has a gallery"):
        Gallery.create(gallery.place, dim=4)


@pytest.mark.parametrize("given", [{}, {"dim": 3, "model": Colours()}])
def test_a_gallery_needs_a_model_or_a_length(tmp_path, given):
    with pytest.raises(SettingsError, match="a model or"):
        Gallery.create(tmp_path / "g", **given)


def test_vectors_of_another_length_are_refused(of_vectors):
    with pytest.raises(DatasetError, match=rf"\(2, 5\).*length {DIM}"):
        of_vectors.add(np.ones((2, 5), np.float32))
    with pytest.raises(DatasetError, match="length"):
        of_vectors.query(np.ones(5, np.float32))


def test_vectors_without_a_direction_are_left_out(of_vectors):
    vectors = unit(4)
    vectors[1], vectors[2, 3] = 0, np.nan
    added = of_vectors.add(vectors)
    assert added.new == 2
    assert [one.position for one in added.left_out] == [1, 2]
    with pytest.raises(DatasetError, match="not finite"):
        of_vectors.query(vectors[2])


def test_a_time_without_a_zone_is_refused_and_nothing_added(gallery, tmp_path):
    records = [ImageRecord(saved(tmp_path, 1), "7", "1", None, {"time": "2026-05-01 12:00:00"})]
    with pytest.raises(DatasetError, match=r"1\.png.*zone"):
        gallery.add(records)
    assert len(gallery) == 0
    gallery.add(records, zone="Europe/Rome")
    assert gallery.entry(1).time == NOON - timedelta(hours=2)


def test_an_unreadable_query_says_why(gallery, tmp_path):
    with pytest.raises(DatasetError, match="cannot read the image"):
        gallery.query(tmp_path / "missing.jpg")


def test_an_entry_that_is_not_there_is_named(gallery):
    with pytest.raises(DatasetError, match="no entry 5"):
        gallery.query(5)


def test_info_counts(of_vectors):
    with_labels(of_vectors, 20)
    facts = of_vectors.info()
    assert (facts.entries, len(facts.identities), facts.cameras["c0"]) == (20, 5, 4)
    assert (facts.earliest, facts.latest) == (NOON, NOON + timedelta(minutes=19))


def test_a_gallery_that_was_opened_before_finds_what_another_process_added(of_vectors):
    of_vectors.add(unit(30))
    reader = Gallery.open(of_vectors.place, read_only=True)
    assert len(reader.query(unit(1)[0], top_k=100).matches) == 30
    new = unit(1, seed=8)[0]
    of_vectors.add(new)
    assert ids(reader.query(new))[0] == 31
    of_vectors.remove([31])
    assert 31 not in ids(reader.query(new, top_k=100))
