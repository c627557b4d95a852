"""Times of entries: points in time that name their zone, and lengths of time such as 30d."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msinet.errors import DatasetError, SettingsError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

LEAST_SECONDS = 1e8
"""Least number that is taken for seconds since 1970: smaller ones are numbers of frames."""

LEAST_MILLISECONDS = 1e11
"""Least number that is taken for milliseconds since 1970."""

ZONELESS = "it names no zone: write 2026-05-01T12:00:00+02:00, or give the zone of all (Europe/Rome)"


def time_of(value: datetime | str | float, zone: str | None = None) -> datetime:
    """Return a point in time, in UTC.

    Args:
        value: a datetime, ISO 8601, or seconds or milliseconds since 1970.
        zone: name of the zone of times that name none, such as Europe/Rome.

    Raises:
        DatasetError: it is no time, or it names no zone and none is given.
        SettingsError: there is no such zone.
    """
    time = as_time(value)
    if time is None:
        raise DatasetError(f"{value!r} is no time: write ISO 8601, 2026-05-01T12:00:00+02:00, or seconds since 1970")
    if time.tzinfo is None:
        if zone is None:
            raise DatasetError(f"the time {value}: {ZONELESS}")
        time = time.replace(tzinfo=_zone(zone))
    return time.astimezone(UTC)


def as_time(value: datetime | str | float) -> datetime | None:
    """Return a point in time, without a zone where it names none; None where it is a frame's number, or words."""
    if isinstance(value, datetime):
        return value
    try:
        number = float(value)
    except ValueError:
        try:
            return datetime.fromisoformat(str(value).strip())
        except ValueError:
            return None
    seconds = number / 1000 if abs(number) >= LEAST_MILLISECONDS else number
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds >= LEAST_SECONDS else None
    except (ValueError, OverflowError, OSError):
        return None


def datetime_of(seconds: float | None) -> datetime | None:
    """Return a time of a store, in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def length_of(value: str | timedelta, setting: str) -> timedelta:
    """Return a length of time.

    Args:
        value: a number and a unit: 30d, 12h, 90m, 45s, 2w.
        setting: name of the setting that holds it, for the message.

    Raises:
        SettingsError: it is no length of time.
    """
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", value)
    try:
        return timedelta(**{UNITS[found[2]]: float(found[1])}) if found else _no_length(value, setting)
    except OverflowError:
        return _no_length(value, setting)


def _no_length(value: str, setting: str) -> timedelta:
    raise SettingsError(f"{setting} is {value!r}: give a number and a unit, such as 30d, 12h, 90m, 45s or 2w", setting)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(f"there is no zone {name!r}: name one such as Europe/Rome or UTC", "zone") from error
