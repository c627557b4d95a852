"""Settings of how a dataset is read. Imports nothing heavy: the command line reads it."""

from dataclasses import dataclass
from typing import Literal, get_args

from cyclopts import Parameter

from msinet.errors import SettingsError
from msinet.panels import DATA

Format = Literal["veri776", "vehicleid", "veriwild", "vric", "market1501", "msmt17", "table", "folders"]
"""Layouts that can be read, the most specific first: `readers.detect.FORMATS` has the reader of each."""


@DATA
@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """How a dataset is read."""

    format: Format | None = None
    """Layout of the dataset; recognised by default."""
    levels: str | None = None
    """Meaning of each level of folders, such as split/camera/identity: split, identity, camera, track, or a label's name."""
    split_seed: int = 0
    """Seed that halves the identities into train and test where the dataset has no splits. Give all commands the same."""
    verify: bool = True
    """Decode every image first, and leave out those that cannot be read."""

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in get_args(Format):
            raise SettingsError(f"format is {self.format!r}: choose one of {', '.join(get_args(Format))}", "format")
        if self.levels is not None:
            self._check_levels(self.levels.split("/"))

    def _check_levels(self, levels: list[str]) -> None:
        if self.format not in (None, "folders"):
            raise SettingsError(
                f"levels are those of folders, and format is {self.format}: leave one of them out", "levels", "format"
            )
        if levels.count("identity") != 1 or len(set(levels)) < len(levels) or not all(level.strip() for level in levels):
            raise SettingsError(
                f"levels is {self.levels!r}: name each level of folders once, from the top, one of them identity, as in "
                "split/camera/identity",
                "levels",
            )
