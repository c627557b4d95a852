"""Which interaction where: the result of a search, as a plain value. Imports no torch."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msinet.errors import SettingsError
from msinet.model.architecture_picture import draw
from msinet.whole_files import write_whole

INTERACTION_NAMES = ("none", "exchange", "channel_gate", "cross_attention")
"""The four choices of a place, in the order of the alphas' columns (report, section 3.2)."""

CHANNELS = (64, 256, 384, 512)
"""Channels of the published network: after the stem and after each of its three stages."""

WIDTHS = (0.25, 0.5, 0.75, 1.0)
"""Presets of the width: a multiple of the published channels."""


def channels_at(width: float) -> tuple[int, ...]:
    """Return the channels of the network at a width, 1.0 being the published one."""
    if width not in WIDTHS:
        raise SettingsError(f"width {width} is none of {', '.join(map(str, WIDTHS))}")
    return tuple(round(channels * width) for channels in CHANNELS)


@dataclass(frozen=True)
class Architecture:
    """The interaction at each place of the network.

    `stages[s][c][i]` is the name of interaction i of cell c of stage s. Equal choices make equal architectures.
    """

    stages: tuple[tuple[tuple[str, ...], ...], ...]

    def __post_init__(self) -> None:
        unknown = sorted(set(self.interactions) - set(INTERACTION_NAMES))
        if unknown:
            raise SettingsError(f"unknown interaction {', '.join(unknown)}: choose from {', '.join(INTERACTION_NAMES)}")
        cells = {len(stage) for stage in self.stages}
        interactions = {len(cell) for stage in self.stages for cell in stage}
        if len(self.stages) < 2 or len(cells) != 1 or len(interactions) != 1 or 0 in cells | interactions:
            raise SettingsError("an architecture has at least two stages, with equally many cells and interactions in each")

    @property
    def interactions(self) -> tuple[str, ...]:
        """The names in the order in which an image meets them."""
        return tuple(name for stage in self.stages for cell in stage for name in cell)

    @classmethod
    def from_interactions(
        cls, names: Iterable[str], cells_per_stage: int = 2, interactions_per_cell: int = 2
    ) -> "Architecture":
        """Cut a flat list of names into cells and stages."""
        names = list(names)
        cells = [tuple(names[i : i + interactions_per_cell]) for i in range(0, len(names), interactions_per_cell)]
        stages = [tuple(cells[i : i + cells_per_stage]) for i in range(0, len(cells), cells_per_stage)]
        if len(names) != len(stages) * cells_per_stage * interactions_per_cell:
            raise SettingsError(
                f"{len(names)} interactions do not fill stages of {cells_per_stage} cells "
                f"with {interactions_per_cell} interactions each"
            )
        return cls(tuple(stages))

    @classmethod
    def from_alphas(
        cls, alphas: Sequence[Sequence[float]], cells_per_stage: int = 2, interactions_per_cell: int = 2
    ) -> "Architecture":
        """Keep the interaction with the largest alpha at each place; alphas: (L, 4), columns as `INTERACTION_NAMES`."""
        names = [INTERACTION_NAMES[max(range(len(row)), key=list(row).__getitem__)] for row in alphas]
        return cls.from_interactions(names, cells_per_stage, interactions_per_cell)

    @classmethod
    def named(cls, name: str) -> "Architecture":
        """Return a published architecture: `msmt17` (people) or `veri776` (the report's, vehicles)."""
        if name not in NAMED:
            raise SettingsError(f"no architecture is named {name!r}: choose from {', '.join(NAMED)}, or give a file")
        return cls.from_interactions(_ABBREVIATIONS[short] for short in NAMED[name].split())

    @classmethod
    def random(cls, seed: int, cells_per_stage: int = 2, interactions_per_cell: int = 2) -> "Architecture":
        """Draw each place's interaction with equal chances: what a search has to beat."""
        places = (len(CHANNELS) - 1) * cells_per_stage * interactions_per_cell
        names = random.Random(seed).choices(INTERACTION_NAMES, k=places)
        return cls.from_interactions(names, cells_per_stage, interactions_per_cell)

    @classmethod
    def uniform(cls, name: str) -> "Architecture":
        """The same interaction at all 12 places."""
        return cls.from_interactions([name] * 12)

    def to_dict(self) -> dict:
        """Return plain lists for JSON."""
        return {"stages": [[list(cell) for cell in stage] for stage in self.stages]}

    @classmethod
    def from_dict(cls, values: Mapping) -> "Architecture":
        """Make an architecture from `to_dict`'s form; keys besides `stages` are left alone."""
        try:
            return cls(tuple(tuple(tuple(map(str, cell)) for cell in stage) for stage in values["stages"]))
        except (KeyError, TypeError) as error:
            raise SettingsError('an architecture needs "stages": lists of cells, each a list of names') from error

    def save(self, path: str | Path, **more: object) -> None:
        """Write the architecture as JSON; `more` stands beside it, for those who read the file."""
        write_whole(Path(path), f"{json.dumps(self.to_dict() | more, indent=2)}\n".encode())

    @classmethod
    def load(cls, path: str | Path) -> "Architecture":
        """Read what `save` wrote."""
        return cls.from_dict(cls.values_in(path))

    @staticmethod
    def values_in(path: str | Path) -> dict:
        """Return all that stands in the file of an architecture, what was told beside it as well."""
        try:
            return json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise SettingsError(f"cannot read an architecture from {path}: {error}") from error

    def to_svg(self) -> str:
        """Return a picture of the two branches and their interactions, as SVG."""
        return draw(self)

    @classmethod
    def find(cls, name_or_file: str | Path) -> "Architecture":
        """Return a named architecture, one of `random:SEED` or `all:INTERACTION`, or the one in a JSON file."""
        name = str(name_or_file)
        kind, _, value = name.partition(":")
        if kind == "random" and value.isdecimal():
            return cls.random(int(value))
        if kind == "all" and value:
            return cls.uniform(value)
        return cls.load(name) if name.endswith(".json") else cls.named(name)


_ABBREVIATIONS = {"ex": "exchange", "cg": "channel_gate", "ca": "cross_attention", "none": "none"}

NAMED = {
    "msmt17": "cg cg ex cg  ca cg cg none  cg ca ex ca",
    "veri776": "ex cg ex ca  ex none ex cg  ca ca ca ca",
}
"""The published architectures, abbreviated, four interactions a stage."""
