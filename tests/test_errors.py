import pytest

from msinet.errors import MissingExtraError, SettingsError, listed


@pytest.mark.parametrize("count", [0, 1, 12])
def test_a_short_list_is_shown_whole(count):
    assert listed(range(count)).split() == [str(number) for number in range(count)]


def test_of_a_long_list_a_dozen_lines_are_shown_and_the_rest_is_counted():
    lines = listed([f"tensor {number}" for number in range(168)]).splitlines()
    assert len(lines) == 1 + 12 + 1
    assert lines[-1] == "  ... and 156 more"


def test_an_error_names_the_settings_that_it_speaks_of():
    error = SettingsError("learning_rate is 0: it must be positive", "learning_rate")
    assert (str(error), error.settings) == ("learning_rate is 0: it must be positive", ("learning_rate",))
    assert isinstance(error, ValueError)


def test_a_missing_extra_is_named_in_one_line():
    assert str(MissingExtraError("pyarrow", "table")) == 'pyarrow is missing: pip install "msinet[table]"'
