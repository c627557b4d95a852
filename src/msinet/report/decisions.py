"""Decisions of a search as its architecture.json says them, checked, for the page: nobody vouches for the file."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from msinet.architecture_search.certainty import Choice
from msinet.errors import SettingsError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.search_space import CELLS, Place

IN_WORDS = {
    "interaction": "interaction",
    "depth_a": "3x3 of a",
    "depth_b": "3x3 of b",
    CELLS: "cells",
}
"""What a search decides, as the page calls it."""


@dataclass(frozen=True)
class DecidedPlace:
    """What a search decided at one place."""

    place: str
    choices: tuple[Choice | None, ...]
    """One for each kind of decision; the one on a stage's cells stands at the first place of the stage."""


@dataclass(frozen=True)
class SearchFile:
    """What an architecture.json says. Whatever in it is missing or damaged reads as not said."""

    values: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path) -> "SearchFile":
        """Return what a file says, which may not be there."""
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            values = {}
        return cls(values if isinstance(values, dict) else {})

    @property
    def architecture(self) -> Architecture | None:
        """The architecture."""
        try:
            return Architecture.from_dict(self.values)
        except (SettingsError, AttributeError):
            return None

    def interactions(self, count: int) -> list[str]:
        """Return the interactions that the search chose from, in the order of the first of `count` columns of its tables.

        A file that does not name its columns is taken for one of all interactions.
        """
        try:
            columns = self.values["alphas" if "alphas" in self.values else "effects"]["columns"]
            found = list(takewhile(INTERACTIONS.__contains__, columns))
            if len(columns) == count and len(found) == len(set(found)) > 0:
                return found
        except (KeyError, TypeError):
            pass
        return list(INTERACTIONS)[:count]

    @property
    def finals(self) -> list[tuple[int, float]]:
        """(light 3x3 convolutions, mAP from 0 to 1) of each finalist; none without finals."""
        try:
            return [(int(convolutions), float(score)) for convolutions, score in self.values["finals"]["scores"]]
        except (KeyError, TypeError, ValueError):
            return []

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the effects of trials; (0, 0) without any."""
        try:
            rows = self.values["effects"]["rows"]
            return len(rows), len(rows[0])
        except (KeyError, TypeError, IndexError):
            return 0, 0

    def choices(self, architecture: Architecture, rows: Sequence[int]) -> list[Choice]:
        """Return the choice of each decision; none where they are not those of an architecture with its places in `rows`."""
        expected = {
            (name, row): str(getattr(place, name))
            for row, place in zip(rows, architecture.places, strict=True)
            for name in Place._fields
        }
        expected |= {(CELLS, stage): str(len(cells)) for stage, cells in enumerate(architecture.cells)}
        try:
            choices = [Choice(**values) for values in self.values["choices"]]
            taken = {(choice.decision, choice.row): choice.taken for choice in choices}
            sound = len(taken) == len(choices) and all(_is_sound(choice) for choice in choices)
        except (KeyError, TypeError, OverflowError):
            return []
        interactions = {key for key in expected if key[0] == Place._fields[0]}
        return choices if sound and interactions <= taken.keys() and taken.items() <= expected.items() else []

    def sentences(self, name: str) -> list[str]:
        """Return the sentences of a name, such as findings."""
        found = self.values.get(name)
        return [words for words in found if isinstance(words, str)] if isinstance(found, list) else []


def _is_sound(choice: Choice) -> bool:
    """Return whether names are words and numbers are numbers, and a gain has its error.

    Raises:
        TypeError: something is no number where one is needed.
    """
    trial = [] if choice.gain is choice.error is None else [choice.gain, choice.error]
    numbers = [choice.share, choice.rival_share, choice.margin, choice.entropy, *trial]
    return isinstance(choice.rival, str) and all(map(math.isfinite, numbers))  # pyright: ignore[reportArgumentType]


def rows_of(architecture: Architecture, count: int) -> list[int]:
    """Return which of `count` rows of alphas are an architecture's places, some of whose cells may be left out.

    Empty where they are not rows of a search that had this architecture.
    """
    per_stage, left = divmod(count, len(architecture.stages))
    places = [sum(map(len, stage)) for stage in architecture.stages]
    if left or max(places) > per_stage:
        return []
    return [stage * per_stage + i for stage, own in enumerate(places) for i in range(own)]


def decided_places(choices: Sequence[Choice], architecture: Architecture, rows: Sequence[int]) -> list[DecidedPlace]:
    """Return the choices by place, each with those of `kinds_of(choices)`."""
    by_row: dict[tuple[str, int | None], Choice] = {(choice.decision, choice.row): choice for choice in choices}
    counts = [sum(map(len, stage)) for stage in architecture.stages]
    stages = [stage if i == 0 else None for stage, count in enumerate(counts) for i in range(count)]
    return [
        DecidedPlace(name, tuple(by_row.get((kind, stage if kind == CELLS else row)) for kind in kinds_of(choices)))
        for name, row, stage in zip(names_of_places(architecture), rows, stages, strict=True)
    ]


def kinds_of(choices: Sequence[Choice]) -> list[str]:
    """Return the names of the decisions that there are."""
    there = {choice.decision for choice in choices}
    return [kind for kind in IN_WORDS if kind in there]


def names_of_places(architecture: Architecture) -> list[str]:
    """Return a name for each place: its stage, its cell and where it is in the cell."""
    return [
        f"stage {s}, cell {c}{where}"
        for s, stage in enumerate(architecture.stages, 1)
        for c, cell in enumerate(stage, 1)
        for where in _within(len(cell))
    ]


def _within(count: int) -> list[str]:
    """Return where each interaction of a cell is."""
    return {1: [""], 2: [", middle", ", end"]}.get(count) or [f", place {i}" for i in range(1, count + 1)]
