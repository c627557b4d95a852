"""Times name their zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.errors import DatasetError, SettingsError
from msinet.gallery.filters import Filter
from msinet.gallery.times import as_time, length_of, time_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01 14:00:00+02:00",
        "20260501T120000Z",
        NOON.timestamp(),
        str(NOON.timestamp()),
        NOON.timestamp() * 1000,
        datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_time_can_be_written_in_many_ways(written):
    assert time_of(written) == NOON


def test_a_time_without_a_zone_needs_one():
    with pytest.raises(DatasetError, match="zone"):
        time_of("2026-05-01T12:00:00")
    assert time_of("2026-05-01T14:00:00", "Europe/Rome") == NOON
    with pytest.raises(SettingsError, match="no zone 'Mars'"):
        time_of("2026-05-01T14:00:00", "Mars")


@pytest.mark.parametrize("written", ["00030600", "morning", "", "nan", "inf", "1e300", "2026-13-01", 12])
def test_what_is_no_time_is_none(written):
    assert as_time(written) is None
    with pytest.raises(DatasetError, match="no time"):
        time_of(written)


@given(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)))
def test_seconds_and_words_are_the_same_time(time):
    time = time.replace(tzinfo=UTC)
    assert time_of(time.isoformat()) == time
    assert abs(time_of(time.timestamp()) - time) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("1.5 m", timedelta(seconds=90)),
        ("2w", timedelta(days=14)),
        ("45s", timedelta(seconds=45)),
    ],
)
def test_a_length_of_time_has_a_unit(written, length):
    assert length_of(written, "older_than") == length


@pytest.mark.parametrize("written", ["30", "d", "-3d", "3 months", "9" * 400 + "d"])
def test_another_length_is_refused(written):
    with pytest.raises(SettingsError, match="older_than is"):
        length_of(written, "older_than")


def test_a_filter_refuses_times_without_a_zone_and_windows_that_are_empty():
    with pytest.raises(SettingsError, match="zone"):
        Filter(since=datetime(2026, 5, 1))
    with pytest.raises(SettingsError, match="not before"):
        Filter(since=NOON, before=NOON)
