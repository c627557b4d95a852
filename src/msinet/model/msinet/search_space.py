"""Search spaces: which places a search decides on, and what it chooses from at each of them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from msinet.errors import SettingsError
from msinet.model.msinet.interactions import INTERACTIONS

PUBLISHED_DEPTHS = ((1,), (3,))
"""Light 3x3 convolutions of branches a and b before each interaction: the report's ratio rho = 3:1."""

CELLS = "cells"
"""Name of the decision on the number of cells of a stage."""


class Place(NamedTuple):
    """What stands at one place of a network: light 3x3 convolutions in both branches, and the interaction behind them."""

    interaction: str
    depth_a: int = PUBLISHED_DEPTHS[0][0]
    """Light 3x3 convolutions of branch a."""
    depth_b: int = PUBLISHED_DEPTHS[1][0]
    """Light 3x3 convolutions of branch b."""

    @property
    def depths(self) -> tuple[int, int]:
        """(depth of branch a, depth of branch b)."""
        return self.depth_a, self.depth_b


Cells = tuple[tuple[tuple[Place, ...], ...], ...]
"""The places of each cell of each stage: `cells[s][c][i]`."""


class Decision(NamedTuple):
    """One thing that a search decides at every place, or once a stage."""

    name: str
    """Name of a field of `Place`, or `cells`: the number of cells of a stage."""
    options: tuple[str, ...] | tuple[int, ...]
    columns: slice
    """Its columns of the alphas. What is decided once a stage stands in the row of the stage's first place."""

    @property
    def is_of_stage(self) -> bool:
        """Whether it is decided once a stage."""
        return self.name == CELLS


@dataclass(frozen=True)
class SearchSpace:
    """Places and choices. `places` = stages x cells a stage x interactions a cell.

    The alphas have a row for each place and a column for each option of each decision.
    """

    choices: tuple[str, ...]
    """Names of interactions, in the order of their columns."""
    name: str = ""
    stages: int = 3
    cells_per_stage: int = 2
    """Cells of a stage, the most where there can be fewer."""
    interactions_per_cell: int = 2
    depths: tuple[tuple[int, ...], tuple[int, ...]] = PUBLISHED_DEPTHS
    """Numbers of light 3x3 convolutions that branches a and b can have before each interaction, rising."""
    fewer_cells: bool = False
    """Whether a stage can have any number of cells from 1 to `cells_per_stage`."""

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.choices) - set(INTERACTIONS)):
            raise SettingsError(f"unknown interaction {', '.join(unknown)}: choose from {', '.join(INTERACTIONS)}")
        if not self.choices or min(self.shape) < 1:
            raise SettingsError("a search space has at least one choice, stage, cell and interaction")
        for options in self.depths:
            if not options or options[0] < 0 or any(low >= high for low, high in pairwise(options)):
                raise SettingsError("the depths of a branch are rising numbers from 0 on, at least one")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(stages, cells a stage, interactions a cell)."""
        return self.stages, self.cells_per_stage, self.interactions_per_cell

    @property
    def places(self) -> int:
        """Number of places, L."""
        return self.stages * self.cells_per_stage * self.interactions_per_cell

    @property
    def places_per_stage(self) -> int:
        """Number of places of a stage with all its cells."""
        return self.cells_per_stage * self.interactions_per_cell

    @property
    def numbers_of_cells(self) -> tuple[int, ...]:
        """Numbers of cells that a stage can have, rising."""
        return tuple(range(1 if self.fewer_cells else self.cells_per_stage, self.cells_per_stage + 1))

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """What is decided: the interaction, and whatever else has several options."""
        options = dict(zip((*Place._fields, CELLS), (self.choices, *self.depths, self.numbers_of_cells), strict=True))
        found, start = [], 0
        for name, several in options.items():
            if len(several) > 1 or name == Place._fields[0]:
                found.append(Decision(name, several, slice(start, start + len(several))))
                start += len(several)
        return tuple(found)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the alphas' columns: interactions by their names, others as `a1`, `b3` and `cells2`."""
        short = {"interaction": "", "depth_a": "a", "depth_b": "b", CELLS: CELLS}
        return tuple(f"{short[decision.name]}{option}" for decision in self.decisions for option in decision.options)

    def largest(self, values: Sequence[Sequence[float]]) -> Cells:
        """Return cells with the options of the largest values; values: (L, columns)."""
        kept = [self._taken(row).get(CELLS, self.cells_per_stage) for row in values[:: self.places_per_stage]]
        return self.cut(self.largest_places(values), [int(count) for count in kept])

    def largest_places(self, values: Sequence[Sequence[float]]) -> list[Place]:
        """Return all L places with the options of the largest values, those of cells that are left out as well."""
        return [self._place(self._taken(row)) for row in values]

    def _taken(self, row: Sequence[float]) -> dict[str, str | int]:
        own = [list(row)[decision.columns] for decision in self.decisions]
        return {d.name: d.options[values.index(max(values))] for d, values in zip(self.decisions, own, strict=True)}

    def _place(self, taken: Mapping[str, Any]) -> Place:
        fixed = {"depth_a": self.depths[0][0], "depth_b": self.depths[1][0]}
        return Place(**{**fixed, **{name: taken[name] for name in Place._fields if name in taken}})

    def cut(self, places: Sequence[Place], cells: Sequence[int] = ()) -> Cells:
        """Cut all L places into cells and stages; of each stage the first cells are kept, by default all."""
        of_stage, of_cell = self.places_per_stage, self.interactions_per_cell
        kept = cells or [self.cells_per_stage] * self.stages
        return tuple(
            tuple(tuple(places[start + c * of_cell : start + (c + 1) * of_cell]) for c in range(count))
            for start, count in zip(range(0, self.places, of_stage), kept, strict=True)
        )

    def indicators(self, cells: Cells) -> list[list[float]]:
        """Return (L, columns): 1 for the options that cells have, else 0. Cells left out take the first options.

        Raises:
            SettingsError: the cells are not in the space.
        """
        self.require(cells)
        rows = []
        for stage in cells:
            places = [place._asdict() for cell in stage for place in cell]
            absent = [{d.name: d.options[0] for d in self.decisions}] * (self.places_per_stage - len(places))
            for taken in [*places, *absent]:
                taken = {**taken, CELLS: len(stage)}
                rows.append([float(taken[d.name] == option) for d in self.decisions for option in d.options])
        return rows

    def require(self, cells: Cells) -> None:
        """Check that cells are in the space.

        Raises:
            SettingsError: the space has other stages, cells or interactions, or does not offer an option.
        """
        each = {len(cell) for stage in cells for cell in stage}
        numbers = self.numbers_of_cells
        if [self.stages, {self.interactions_per_cell}] != [len(cells), each] or any(len(s) not in numbers for s in cells):
            raise SettingsError(
                f"an architecture of {' + '.join(str(len(stage)) for stage in cells)} cells with "
                f"{' or '.join(map(str, sorted(each)))} interactions each does not fit a search space of "
                f"{self.stages} stages of {' or '.join(map(str, numbers))} cells with {self.interactions_per_cell} each"
            )
        for place in (place for stage in cells for cell in stage for place in cell):
            for name, option, offered in zip(Place._fields, place, (self.choices, *self.depths), strict=True):
                if option not in offered:
                    raise SettingsError(
                        f"{name.replace('_', ' ')} {option} is not in the search space {self.name}, which has "
                        f"{', '.join(map(str, offered))}"
                    )

    def random(self, seed: int) -> Cells:
        """Draw all options with equal chances: what a search has to beat."""
        draw = random.Random(seed)
        columns = [draw.choices(options, k=self.places) for options in (self.choices, *self.depths)]
        cells = [draw.choice(self.numbers_of_cells) for _ in range(self.stages)]
        return self.cut([Place(*place) for place in zip(*columns, strict=True)], cells)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "choices": list(self.choices),
            "stages": self.stages,
            "cells_per_stage": self.cells_per_stage,
            "interactions_per_cell": self.interactions_per_cell,
            "depths": {"a": list(self.depths[0]), "b": list(self.depths[1])},
            "fewer_cells": self.fewer_cells,
        }


PUBLISHED = SearchSpace(("none", "exchange", "channel_gate", "cross_attention"), "published")
"""The report's: two interactions in each of six cells, each one of four (section 3.2)."""

SCALES = replace(PUBLISHED, name="scales", depths=((1, 2, 3), (0, 1, 3, 5)), fewer_cells=True)
"""The report's interactions, the scales of both branches, and the number of cells of a stage.

Branch a keeps at least one convolution: the search's weights learn fastest without any, and long trainings need one.
"""

SPACES: Mapping[str, SearchSpace] = {space.name: space for space in (PUBLISHED, SCALES)}
"""Search spaces by name."""
