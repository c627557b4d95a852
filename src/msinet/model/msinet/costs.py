"""Cost tables of search spaces: what each option costs at its place, in multiply-adds or in milliseconds on this machine."""

import hashlib
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from msinet.errors import FileError, SettingsError
from msinet.files.atomic import write_atomically
from msinet.files.caches import cache_folder
from msinet.model.cost import multiply_adds_by_module
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.latencies import BY_PYTORCH, CELL, CONVOLUTION, SECONDS, Latencies, Timing, fit_latencies
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import Place, SearchSpace
from msinet.model.msinet.widths import channels_at
from msinet.processor import processor

FORMAT = 1
"""Version of the files of measured tables, to be raised when tables are measured in another way."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CostTable:
    """What the networks of a search space cost, as a sum over their cells and the options at their places."""

    space: SearchSpace
    unit: str
    """`multiply-adds` or `ms`, for one image."""
    fixed: float
    """Cost that all networks of the space share: stem, halvings and heads."""
    cells: tuple[tuple[float, ...], ...]
    """(stages, cells): each cell without what the space decides at its places."""
    options: tuple[tuple[float, ...], ...]
    """(L, columns): each option at its place; 0 for numbers of cells."""

    def __post_init__(self) -> None:
        shapes = (
            (self.cells, self.space.stages, self.space.cells_per_stage),
            (self.options, self.space.places, len(self.space.columns)),
        )
        if any(len(rows) != height or {len(row) for row in rows} != {width} for rows, height, width in shapes):
            raise SettingsError("a cost table has a cost for each cell and each option of its search space")
        if not all(math.isfinite(cost) and cost >= 0 for cost in (self.fixed, *chain(*self.cells, *self.options))):
            raise SettingsError("the costs of a table are finite and not negative")

    def of(self, architecture: Architecture) -> float:
        """Return the cost of one network of the space.

        Raises:
            SettingsError: the architecture is not in the space.
        """
        return self.expected(torch.tensor(self.space.indicators(architecture.cells), dtype=torch.float64)).item()

    def expected(self, shares: Tensor) -> Tensor:
        """Return the expected cost of networks whose options are drawn independently, (): differentiable in the shares.

        shares: (L, columns), adding up to 1 in each decision. A cell and its places count by the share that it is there.
        """
        at_places = (shares * shares.new_tensor(self.options)).sum(1)  # (L,)
        of_cells = shares.new_tensor(self.cells) + at_places.unflatten(0, self.space.shape).sum(-1)  # (stages, cells)
        return self.fixed + (of_cells * self._presence(shares)).sum()

    def _presence(self, shares: Tensor) -> Tensor:
        """Return the share of each stage's networks that have the cell, (stages, cells): 1 for the first cells."""
        for decision in self.space.decisions:
            if decision.is_of_stage:
                numbers = shares[:: self.space.places_per_stage, decision.columns]  # of 1, 2, ... cells
                return numbers.flip(1).cumsum(1).flip(1)
        return shares.new_ones(self.space.shape[:2])


def multiply_adds_table(space: SearchSpace, width: float, image_size: tuple[int, int]) -> CostTable:
    """Return the multiply-adds of one image (H, W) at a multiple of the published channels: those of `count_multiply_adds`.

    Networks with all cells and the deepest branches are counted, module by module. An interaction costs the same at all
    places of a stage: one network is enough where a stage has a place for each interaction to choose from.
    """
    deepest, of_interactions, counts = (space.depths[0][-1], space.depths[1][-1]), {}, {}
    for first in range(0, len(space.choices), space.places_per_stage):
        in_turn = [(first + place % space.places_per_stage) % len(space.choices) for place in range(space.places)]
        architecture = Architecture.from_cells(space.cut([Place(space.choices[n], *deepest) for n in in_turn]))
        with torch.device("meta"):
            network = MSINet(architecture, 1, channels_at(width), image_size)
        counts = multiply_adds_by_module(network)
        for place, name in enumerate(architecture.interactions):
            of_interactions[place // space.places_per_stage, name] = _at(space, counts, place, "interactions")

    def of_option(place: int, decision: str, option: Any) -> float:
        if decision == "interaction":
            return of_interactions[place // space.places_per_stage, option]
        branch = decision.removeprefix("depth_")
        return sum(_at(space, counts, place, f"scales_{branch}", f".{number}") for number in range(option))

    whole, cells = 0, []
    for first in range(0, space.places, space.interactions_per_cell):
        places = range(first, first + space.interactions_per_cell)
        cell = _within(counts, _cell(space, first))
        kinds = ("interactions", "scales_a", "scales_b")
        cells.append(cell - sum(_at(space, counts, place, kind) for place in places for kind in kinds))
        whole += cell
    return _table(space, "multiply-adds", sum(counts.values()) - whole, cells, of_option)


def _cell(space: SearchSpace, place: int) -> str:
    """Return the name of the cell that a place is in, as a module of the network."""
    stage, within = divmod(place, space.places_per_stage)
    return f"backbone.stages.{stage}.cells.{within // space.interactions_per_cell}"


def _at(space: SearchSpace, counts: Mapping[str, int], place: int, kind: str, inside: str = "") -> int:
    """Return what the module of a kind costs at a place: `interactions`, `scales_a` or `scales_b`, or a module inside."""
    return _within(counts, f"{_cell(space, place)}.{kind}.{place % space.interactions_per_cell}{inside}")


def _within(counts: Mapping[str, int], module: str) -> int:
    return sum(count for name, count in counts.items() if f"{name}.".startswith(f"{module}."))


def _table(
    space: SearchSpace, unit: str, fixed: float, cells: Sequence[float], of_option: Callable[[int, str, Any], float]
) -> CostTable:
    """Return a table; depths that are not decided count with their cells.

    Args:
        space: the search space.
        unit: of the costs.
        fixed: cost that all networks share.
        cells: cost of each cell without what stands at its places, in the order in which an image meets them.
        of_option: function of (place, name of the decision, option) that returns its cost.
    """
    decided = {decision.name for decision in space.decisions}
    single = [
        (name, depths[0]) for name, depths in zip(("depth_a", "depth_b"), space.depths, strict=True) if name not in decided
    ]
    own = [float(cost) for cost in cells]
    for place in range(space.places):
        own[place // space.interactions_per_cell] += sum(of_option(place, *depth) for depth in single)
    options = [
        [0.0 if d.is_of_stage else float(of_option(place, d.name, option)) for d in space.decisions for option in d.options]
        for place in range(space.places)
    ]
    by_stage = [own[start : start + space.cells_per_stage] for start in range(0, len(own), space.cells_per_stage)]
    return CostTable(space, unit, float(fixed), tuple(map(tuple, by_stage)), tuple(map(tuple, options)))


def latency_table(
    space: SearchSpace,
    width: float,
    image_size: tuple[int, int],
    threads: int | None = None,
    seconds: float = SECONDS,
    again: bool = False,
    timing: Timing = BY_PYTORCH,
) -> CostTable:
    """Return the milliseconds that this machine's processor takes for one image (H, W).

    The table is fitted to the times of whole networks, which predicts others better than the times of single modules do; see
    `latencies`. Places of a stage have maps of one shape, and share their costs. `fixed` includes the first cells of the
    stages, which no network is without. The table is measured once and kept in the user's cache.

    Args:
        space: the search space.
        width: multiple of the published channels.
        image_size: (height, width) in pixels.
        threads: number of threads that a network computes with; None takes as many as PyTorch uses now.
        seconds: time for measuring. All networks are timed at least `ROUNDS` times, however long that takes.
        again: measure even if the cache has the table.
        timing: what runs the networks; PyTorch runs them in float32 and channels last.
    """
    threads = torch.get_num_threads() if threads is None else threads
    if threads < 1:
        raise SettingsError(f"threads is {threads}: it must be at least 1", "threads")
    conditions = {
        "format": FORMAT,
        "processor": processor(),
        "threads": threads,
        **timing.conditions,
        "width": width,
        "image_size": list(image_size),
        "space": space.to_dict(),
    }
    path = _file_of(conditions)
    if path and not again and (table := _read(path, space)):
        return table
    table = table_of_latencies(space, fit_latencies(space, width, image_size, threads, seconds, timing))
    if path:
        _write(path, table, conditions)
    return table


def table_of_latencies(space: SearchSpace, fitted: Latencies) -> CostTable:
    """Return the table of a space with fitted latencies: all places of a stage have the same."""

    def of_option(place: int, decision: str, option: Any) -> float:
        stage = place // space.places_per_stage
        return fitted.of(stage, option) if decision == "interaction" else option * fitted.of(stage, CONVOLUTION)

    cells = [fitted.of(s, CELL) if c else 0.0 for s in range(space.stages) for c in range(space.cells_per_stage)]
    return _table(space, "ms", fitted.fixed, cells, of_option)


def _file_of(conditions: Mapping[str, object]) -> Path | None:
    """Return where a table measured under these conditions lies, None where there is no place for caches."""
    folder = cache_folder()
    digest = hashlib.sha256(json.dumps(conditions, sort_keys=True).encode()).hexdigest()
    return folder / f"latencies-{digest[:24]}.json" if folder else None


def _write(path: Path, table: CostTable, conditions: Mapping[str, object]) -> None:
    values = {"conditions": conditions, "fixed": table.fixed, "cells": table.cells, "options": table.options}
    try:
        write_atomically(path, f"{json.dumps(values, indent=2)}\n".encode())
    except FileError as error:  # A read-only home, a full disk.
        logger.warning("latencies will be measured again the next time: %s", error)


def _read(path: Path, space: SearchSpace) -> CostTable | None:
    """Return the table in a file, None without a complete one."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        cells, options = (tuple(tuple(map(float, row)) for row in values[name]) for name in ("cells", "options"))
        return CostTable(space, "ms", float(values["fixed"]), cells, options)
    except (OSError, ValueError, KeyError, TypeError):
        return None
