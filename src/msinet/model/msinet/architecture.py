"""An architecture of MSINet: the interaction at each place, as a plain value."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msinet.errors import SettingsError
from msinet.files.atomic import write_atomically
from msinet.files.contents import what_is
from msinet.files.os_errors import in_words
from msinet.files.paths import user_path
from msinet.model.msinet.architecture_picture import draw
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.search_space import PUBLISHED, SearchSpace

FORMAT = 2
"""Format number of architecture files; those without one are of version 0.1."""


@dataclass(frozen=True)
class Architecture:
    """The interaction at each place of the network.

    `stages[s][c][i]` is the name of interaction i of cell c of stage s. Equal choices make equal architectures.
    """

    stages: tuple[tuple[tuple[str, ...], ...], ...]

    def __post_init__(self) -> None:
        unknown = sorted(set(self.interactions) - set(INTERACTIONS))
        if unknown:
            raise SettingsError(f"unknown interaction {', '.join(unknown)}: choose from {', '.join(INTERACTIONS)}")
        cells = {len(stage) for stage in self.stages}
        interactions = {len(cell) for stage in self.stages for cell in stage}
        if len(self.stages) < 2 or len(cells) != 1 or len(interactions) != 1 or 0 in cells | interactions:
            raise SettingsError("an architecture has at least two stages, with equally many cells and interactions in each")

    @property
    def interactions(self) -> tuple[str, ...]:
        """The names in the order in which an image meets them."""
        return tuple(name for stage in self.stages for cell in stage for name in cell)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(stages, cells a stage, interactions a cell)."""
        return len(self.stages), len(self.stages[0]), len(self.stages[0][0])

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
    def from_alphas(cls, alphas: Sequence[Sequence[float]], space: SearchSpace = PUBLISHED) -> "Architecture":
        """Keep the interaction with the largest alpha at each place; alphas: (L, choices)."""
        return cls.from_interactions(space.largest(alphas), space.cells_per_stage, space.interactions_per_cell)

    @classmethod
    def random(cls, seed: int, space: SearchSpace = PUBLISHED) -> "Architecture":
        """Draw each place's interaction with equal chances: what a search has to beat."""
        return cls.from_interactions(space.random(seed), space.cells_per_stage, space.interactions_per_cell)

    @classmethod
    def uniform(cls, name: str, space: SearchSpace = PUBLISHED) -> "Architecture":
        """Take the same interaction at all places, 12 in the published space."""
        return cls.from_interactions([name] * space.places, space.cells_per_stage, space.interactions_per_cell)

    @classmethod
    def named(cls, name: str) -> "Architecture":
        """Return a published architecture: `msmt17` (people) or `veri776` (the report's, vehicles)."""
        if name not in NAMED:
            raise SettingsError(f"architecture is {name!r}: {KNOWN}", "architecture")
        return cls.from_interactions(_ABBREVIATIONS[short] for short in NAMED[name].split())

    @classmethod
    def find(cls, name_or_file: str | Path) -> "Architecture":
        """Return a named architecture, one of `random:SEED` or `all:INTERACTION`, or the one in a JSON file."""
        name = str(name_or_file)
        kind, _, value = name.partition(":")
        if kind == "random" and value.isdecimal():
            return cls.random(int(value))
        if kind == "all" and value:
            return cls.uniform(value)
        path = user_path(name_or_file)
        if name.endswith(".json"):
            return cls.load(path)
        if name in NAMED or not name or not path.exists():
            return cls.named(name)
        inside = path / "architecture.json"
        advice = f"pass {inside}" if inside.is_file() else KNOWN
        raise SettingsError(f"architecture is {name!r}, which is {what_is(path)}: {advice}", "architecture")

    def to_dict(self) -> dict:
        """Return plain lists for JSON."""
        return {"stages": [[list(cell) for cell in stage] for stage in self.stages]}

    @classmethod
    def from_dict(cls, values: Mapping) -> "Architecture":
        """Make an architecture from `to_dict`'s form; keys besides `stages` are ignored."""
        try:
            return cls(tuple(tuple(tuple(map(str, cell)) for cell in stage) for stage in values["stages"]))
        except (KeyError, TypeError) as error:
            raise SettingsError('an architecture needs "stages": lists of cells, each a list of names') from error

    def save(self, path: str | Path, **more: object) -> None:
        """Write the architecture as JSON; `more` stands beside it, for readers of the file."""
        values = {"format": FORMAT, **self.to_dict(), **more}
        write_atomically(user_path(path), f"{json.dumps(values, indent=2)}\n".encode())

    @classmethod
    def load(cls, path: str | Path) -> "Architecture":
        """Read what `save` wrote, in this version or the one before.

        Raises:
            SettingsError: the file cannot be read, is of a later version, or holds no architecture.
        """
        try:
            values = json.loads(user_path(path).read_text(encoding="utf-8"))
            later = values.get("format", 1) > FORMAT
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, AttributeError, TypeError) as error:
            fault = in_words(error) if isinstance(error, OSError) else f"it is {what_is(user_path(path))} ({error})"
            raise SettingsError(f"cannot read an architecture from {path}: {fault}; {WRITTEN_BY}") from error
        if later:
            raise SettingsError(f"{path} was written by a later version of msinet: install that version to read it")
        try:
            return cls.from_dict(values)
        except SettingsError as error:
            raise SettingsError(f"cannot read an architecture from {path}: {error}; {WRITTEN_BY}") from error

    def to_svg(self) -> str:
        """Return a picture of the two branches and their interactions, as SVG."""
        return draw(self.stages)


_ABBREVIATIONS = {"ex": "exchange", "cg": "channel_gate", "ca": "cross_attention", "none": "none"}

NAMED = {
    "msmt17": "cg cg ex cg  ca cg cg none  cg ca ex ca",
    "veri776": "ex cg ex ca  ex none ex cg  ca ca ca ca",
}
"""The published architectures, abbreviated, four interactions a stage."""

KNOWN = f"choose from {', '.join(NAMED)}, random:SEED and all:INTERACTION, or give the architecture.json of a search"
WRITTEN_BY = "pass the architecture.json that msinet search or msinet run wrote"
