"""Filters: which entries of a gallery are meant."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msinet.errors import SettingsError


@dataclass(frozen=True)
class Filter:
    """Entries that are meant: those for which everything holds that is given; by default all.

    Raises:
        SettingsError: a time names no zone, or the earliest is after the latest.
    """

    ids: tuple[int, ...] = ()
    """One of these entries."""
    not_ids: tuple[int, ...] = ()
    """None of these entries."""
    identity: tuple[str, ...] = ()
    """One of these identities, given or linked."""
    camera: tuple[str, ...] = ()
    """Seen by one of these cameras."""
    not_camera: tuple[str, ...] = ()
    """Seen by none of these; entries without a camera remain."""
    since: datetime | None = None
    """Seen at this time or later. Entries without a time are not meant."""
    before: datetime | None = None
    """Seen before this time. Entries without a time are not meant."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """With these values of fields."""

    def __post_init__(self) -> None:
        for name in ("since", "before"):
            time = getattr(self, name)
            if time is not None and time.tzinfo is None:
                raise SettingsError(f"{name} is {time}: it names no zone, write 2026-05-01T12:00:00+02:00", name)
        if self.since and self.before and self.since >= self.before:
            raise SettingsError(
                f"since is {self.since}, which is not before {self.before}: exchange them", "since", "before"
            )

    @classmethod
    def of(cls, **given: Any) -> "Filter":
        """Return a filter whose labels are given one by one or several at a time; None is not given."""
        several = ("identity", "camera", "not_camera")
        tuples = {name: _several(value) for name, value in given.items() if name in several}
        return cls(**{name: value for name, value in {**given, **tuples}.items() if value is not None})

    @property
    def is_all(self) -> bool:
        """Whether all entries are meant."""
        return self == ALL

    def where(self) -> tuple[str, list[object]]:
        """Return the condition on a row `e` of entries in SQL, and the values of its question marks."""
        said: list[tuple[str, list[object]]] = []
        of = "+" if self.ids else ""  # Few entries are looked at one by one, not by an index of all.
        if self.ids:
            said.append(("e.id IN (SELECT value FROM json_each(?))", [json.dumps(self.ids)]))
        for column, values in ((f"{of}{IDENTITY}", self.identity), (f"{of}e.camera", self.camera)):
            if values:
                said.append((f"{column} IN ({_marks(values)})", list(values)))
        if self.not_ids:
            said.append((f"e.id NOT IN ({_marks(self.not_ids)})", list(self.not_ids)))
        if self.not_camera:
            said.append((f"(e.camera IS NULL OR e.camera NOT IN ({_marks(self.not_camera)}))", list(self.not_camera)))
        if self.since:
            said.append((f"{of}e.time >= ?", [self.since.timestamp()]))
        if self.before:
            said.append((f"{of}e.time < ?", [self.before.timestamp()]))
        for name, value in self.fields.items():
            said.append((f"{of}e.id IN (SELECT entry FROM fields WHERE name = ? AND value = ?)", [name, value]))
        return " AND ".join(words for words, _ in said) or "1", [value for _, values in said for value in values]


ALL = Filter()
"""All entries."""

IDENTITY = "ifnull(e.identity, e.linked)"
"""Identity of a row `e` of entries in SQL: the given one before the linked one."""


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


def _several(value: str | Iterable[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)
