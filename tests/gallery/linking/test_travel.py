"""Travel times between cameras: their file, and what they limit."""

import numpy as np
import pytest

from msinet.errors import FileError, SettingsError
from msinet.gallery.linking import travel
from msinet.gallery.linking.travel import Travel


def written(folder, text):
    (folder / "travel.csv").write_text(text, encoding="utf-8")
    return folder / "travel.csv"


def test_a_row_limits_one_way_and_an_empty_cell_nothing(tmp_path):
    travel = Travel.read(written(tmp_path, "from,to,least,greatest\nnorth,south,40,600\nsouth,north,55,\n"))
    least, greatest = travel.limits(["north", "bridge", "south"])
    np.testing.assert_array_equal(least, [[-np.inf, -np.inf, 40], [-np.inf] * 3, [55, -np.inf, -np.inf]])
    np.testing.assert_array_equal(greatest, [[np.inf, np.inf, 600], [np.inf] * 3, [np.inf] * 3])


def test_pairs_that_no_row_limits_are_named():
    travel = Travel({("a", "b"): (10, 20)})
    assert travel.unlisted(["b", "a", "c", "a"]) == [("a", "c"), ("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")]


def test_the_example_of_the_documentation_is_read(tmp_path):
    rows = [line.strip() for line in (travel.__doc__ or "").splitlines() if line.startswith("    ")]
    read = Travel.read(written(tmp_path, "\n".join(rows)))
    assert read.seconds == {
        ("north", "south"): (40, 600),
        ("south", "north"): (55, np.inf),
        ("north", "bridge"): (-5, 90),
    }


def test_a_row_that_ends_early_limits_nothing(tmp_path):
    travel = Travel.read(written(tmp_path, "from,to,least,greatest\na,b\nb,a,3\n"))
    assert travel.seconds == {("a", "b"): (-np.inf, np.inf), ("b", "a"): (3, np.inf)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from,to,least\na,b,1\n", "column greatest is missing"),
        ("from,to,least,greatest\na,b,soon,2\n", "line 2 has soon, 2"),
        ("from,to,least,greatest\na,b,1,2\na,b,1,3\n", "line 3 has a,b a second time"),
        ("from,to,least,greatest\na,,1,2\n", "line 2 lacks a camera"),
        ("from,to,least,greatest\na,b,9,2\n", "from a to b takes at least 9 and at most 2"),
        ("from,to,least,greatest\na,b,nan,2\n", "give the least first"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_by_its_line(tmp_path, text, words):
    with pytest.raises(FileError, match=words):
        Travel.read(written(tmp_path, text))


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileError, match="there is no such file"):
        Travel.read(tmp_path / "none.csv")


def test_least_above_greatest_is_refused():
    with pytest.raises(SettingsError, match="give the least first"):
        Travel({("a", "b"): (20, 10)})
