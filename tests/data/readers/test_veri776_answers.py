import pytest

from msinet.data.readers import veri776
from msinet.data.records import Answers


@pytest.fixture
def indexed(veri, write_images):
    """Two queries of one vehicle; the gallery has two images from the first query's camera and one from the second's."""
    write_images(veri, "image_query/0002_c004_00030700_0.jpg")
    for name, lines in {
        "name_query.txt": ["0002_c002_00030600_0.jpg", "0002_c004_00030700_0.jpg"],
        "name_test.txt": ["0002_c002_00030605_1.jpg", "0002_c002_00030600_0.jpg", "0002_c004_00030700_0.jpg"],
        "gt_index.txt": ["3 ", "1 2 "],
        "jk_index.txt": ["1 2 ", "3 "],
    }.items():
        (veri / name).write_text("".join(f"{line}\n" for line in lines))
    return veri


def by_name(splits) -> dict[str, tuple[set[str], set[str]]]:
    return {
        query.name: ({path.name for path in answers.right}, {path.name for path in answers.junk})
        for query, answers in splits.answers.items()
    }


FIRST, SECOND = "0002_c002_00030600_0.jpg", "0002_c004_00030700_0.jpg"
BESIDE = "0002_c002_00030605_1.jpg"


def test_numbers_count_lines_of_the_gallery_list_from_1(indexed):
    assert by_name(veri776.read(indexed)) == {FIRST: ({SECOND}, {FIRST, BESIDE}), SECOND: ({FIRST, BESIDE}, {SECOND})}


def test_answers_are_the_paths_of_the_records(indexed):
    splits = veri776.read(indexed)
    query, gallery = ([record.path for record in part] for part in (splits.query, splits.gallery))
    assert splits.answers[query[1]] == Answers(right=frozenset(gallery[:2]), junk=frozenset(gallery[2:]))


def test_a_missing_gallery_image_shifts_no_matches(indexed):
    (indexed / "image_test" / BESIDE).unlink()
    assert by_name(veri776.read(indexed)) == {FIRST: ({SECOND}, {FIRST}), SECOND: ({FIRST}, {SECOND})}


def test_a_missing_query_shifts_no_matches(indexed):
    (indexed / "image_query" / FIRST).unlink()
    assert by_name(veri776.read(indexed)) == {SECOND: ({FIRST, BESIDE}, {SECOND})}


def test_windows_line_ends_and_blank_lines_at_the_end_are_allowed(indexed):
    (indexed / "gt_index.txt").write_bytes(b"\xef\xbb\xbf3\r\n1 2\r\n\r\n\r\n")
    assert by_name(veri776.read(indexed))[SECOND] == ({FIRST, BESIDE}, {SECOND})


@pytest.mark.parametrize("text, right", [("\n1 2\n", {FIRST, BESIDE}), ("\n\n", set())])
def test_a_blank_line_is_a_query_without_a_match(indexed, text, right):
    (indexed / "gt_index.txt").write_text(text)
    answers = by_name(veri776.read(indexed))
    assert (answers[FIRST][0], answers[SECOND][0]) == (set(), right)


@pytest.mark.parametrize(
    "file, text, reason",
    [
        ("gt_index.txt", "3\n", "1 lines for 2 queries"),
        ("gt_index.txt", "", "0 lines for 2 queries"),
        ("jk_index.txt", "1 2\n3\n1\n", "3 lines for 2 queries"),
        ("gt_index.txt", "3\n1 two\n", "line 2: 'two' is no line of name_test.txt, which has 3"),
        ("gt_index.txt", "4\n1 2\n", "line 1: '4' is no line of name_test.txt, which has 3"),
        ("jk_index.txt", "1 2\n0\n", "line 2: '0' is no line of name_test.txt, which has 3"),
        ("jk_index.txt", "1 2\n-3\n", "line 2: '-3' is no line of name_test.txt, which has 3"),
        ("jk_index.txt", "1 2 3\n3\n", "line 1: 3 is a match by gt_index.txt"),
    ],
)
def test_a_fault_leaves_out_both_index_files(indexed, file, text, reason):
    (indexed / file).write_text(text)
    splits = veri776.read(indexed)
    (left_out,) = splits.skipped
    assert (splits.answers, left_out.path) == ({}, indexed / file)
    assert left_out.reason == f"the index files are left out: {reason}"


def test_names_in_another_order_are_detected(indexed, write_images):
    write_images(indexed, "image_test/0005_c001_00000001_0.jpg")
    names = (indexed / "name_test.txt").read_text()
    (indexed / "name_test.txt").write_text(f"0005_c001_00000001_0.jpg\n{names}")
    splits = veri776.read(indexed)
    assert splits.answers == {}
    assert splits.skipped[0].reason.endswith(f"line 2: 0005_c001_00000001_0.jpg does not match {SECOND}")


@pytest.mark.parametrize(
    "missing, count", [("gt_index.txt", 1), ("jk_index.txt", 1), ("name_test.txt", 2), ("name_query.txt", 2)]
)
def test_without_one_of_the_four_lists_there_are_no_matches(indexed, missing, count):
    (indexed / missing).unlink()
    splits = veri776.read(indexed)
    assert splits.answers == {}
    assert [left_out.reason for left_out in splits.skipped] == [
        f"the index files are left out: {missing} is missing"
    ] * count


def test_index_files_are_optional(veri):
    splits = veri776.read(veri)
    assert (splits.answers, splits.skipped) == ({}, ())
