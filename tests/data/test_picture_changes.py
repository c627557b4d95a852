"""What changed between two lists of pictures, in words."""

import pytest

from msinet.data.picture_changes import Row, changes_in_words

BEFORE = [Row("train", f"car/{number}.jpg", "car", "c1", None) for number in range(6)]
CONTENT = [bytes([number]) for number in range(6)]


def said(rows, content=None):
    return changes_in_words(BEFORE, CONTENT, rows, content or [bytes([int(row.name[-5])]) for row in rows])


def test_nothing_is_said_where_nothing_changed():
    assert said(BEFORE) == []


def test_changed_added_and_removed_images_are_counted_in_one_sentence():
    rows = [*BEFORE[:5], Row("train", "bus/8.jpg", "bus", "c1", None), Row("train", "bus/9.jpg", "bus", "c1", None)]
    content = [b"x", b"y", b"z", *CONTENT[3:5], b"", b""]
    assert said(rows, content) == ["3 images changed, 2 added, 1 removed (the first: car/0.jpg)"]


def test_one_image_is_an_image():
    assert said(BEFORE[:5]) == ["1 image removed (the first: car/5.jpg)"]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ({"identity": "van"}, "identity of car/0.jpg: car -> van"),
        ({"camera": None}, "camera of car/0.jpg: c1 -> None"),
        ({"track": "t7"}, "track of car/0.jpg: None -> t7"),
    ],
)
def test_changed_labels_are_named(label, words):
    assert said([row._replace(**label) for row in BEFORE]) == [f"6 labels changed (the first: {words})"]


def test_images_in_another_split_are_neither_added_nor_removed():
    rows = [BEFORE[0]._replace(part="query"), *BEFORE[1:]]
    assert said(rows) == ["1 image in another split (the first: car/0.jpg: train -> query)"]


def test_a_folder_above_that_became_another_changes_no_image():
    """One image from elsewhere makes the folder that holds all files a higher one."""
    rows = [*(row._replace(name=f"set/{row.name}") for row in BEFORE), Row("train", "more/9.jpg", "bus", None, None)]
    assert said(rows) == ["1 image added (the first: more/9.jpg)"]


def test_another_order_is_a_change():
    assert said([*BEFORE[1:], BEFORE[0]]) == ["the images are in another order"]


def test_a_file_that_is_in_a_split_once_more_is_added():
    assert said([*BEFORE, BEFORE[0]]) == ["1 image added (the first: car/0.jpg)"]


def test_a_file_that_is_query_and_gallery_counts_once():
    parts = [[row._replace(part=part) for row in BEFORE] for part in ("query", "gallery")]
    before, after = [*parts[0], *parts[1]], [*parts[0][1:], *parts[1][1:]]
    content = [b"x", *CONTENT[2:]]
    words = changes_in_words(before, CONTENT * 2, after, content * 2)
    assert words == ["1 image changed, 1 removed (the first: car/1.jpg)"]
