import pytest

from msinet.data.readers.number_words import words_of_numbers


@pytest.mark.parametrize(
    "text", ["1 yellow\n10 light blue\n", "yellow 1\nlight blue 10", "\ufeff1\tyellow\r\n\r\n10  light blue \r\nnothing\n"]
)
def test_number_and_word_may_be_in_either_order(tmp_path, text):
    (tmp_path / "list.txt").write_text(text, encoding="utf-8")
    assert words_of_numbers(tmp_path / "list.txt") == {"1": "yellow", "10": "light blue"}


def test_without_the_file_no_words_are_known(tmp_path):
    assert words_of_numbers(tmp_path / "list.txt") == {}
