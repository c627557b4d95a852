"""An architecture of MSINet: interaction and depths at each place, as a plain value."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from msinet.errors import SettingsError
from msinet.files.atomic import write_atomically
from msinet.files.contents import what_is
from msinet.files.os_errors import in_words
from msinet.files.paths import user_path
from msinet.model.msinet.architecture_picture import draw
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.search_space import PUBLISHED, SCALES, Cells, Place, SearchSpace

FORMAT = 3
"""Format number of architecture files with depths; those without one are of version 0.1."""

FORMAT_WITHOUT_DEPTHS = 2
"""Format number of files without depths: version 0.2, which would pass over depths, reads them."""

DEEPEST = 16
"""Most light 3x3 convolutions of a branch before one interaction."""


@dataclass(frozen=True)
class Architecture:
    """The interaction at each place of the network, and the depth of both branches before it.

    `stages[s][c][i]` is the name of interaction i of cell c of stage s. Equal choices make equal architectures.
    """

    stages: tuple[tuple[tuple[str, ...], ...], ...]
    depths: tuple[tuple[int, int], ...] = ()
    """(L, 2) light 3x3 convolutions of branches a and b before each interaction; by default the published ones."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.interactions) - set(INTERACTIONS))
        if unknown:
            raise SettingsError(f"unknown interaction {', '.join(unknown)}: choose from {', '.join(INTERACTIONS)}")
        interactions = {len(cell) for stage in self.stages for cell in stage}
        if len(self.stages) < 2 or not all(self.stages) or len(interactions) != 1 or 0 in interactions:
            raise SettingsError("an architecture has at least two stages of cells, with equally many interactions in each")
        depths = self.depths or tuple(Place(name).depths for name in self.interactions)
        whole = all(type(depth) is int and 0 <= depth <= DEEPEST for pair in depths for depth in pair)
        if not whole or len(depths) != len(self.interactions):
            raise SettingsError(
                f"an architecture has two depths, whole numbers from 0 to {DEEPEST}, for each of its "
                f"{len(self.interactions)} interactions"
            )
        object.__setattr__(self, "depths", depths)

    @property
    def interactions(self) -> tuple[str, ...]:
        """The names in the order in which an image meets them."""
        return tuple(name for stage in self.stages for cell in stage for name in cell)

    @property
    def places(self) -> tuple[Place, ...]:
        """Interactions and depths in the order in which an image meets them."""
        return tuple(Place(name, *depths) for name, depths in zip(self.interactions, self.depths, strict=True))

    @property
    def cells(self) -> Cells:
        """The places of each cell of each stage."""
        places = iter(self.places)
        return tuple(tuple(tuple(next(places) for _ in cell) for cell in stage) for stage in self.stages)

    @property
    def has_published_depths(self) -> bool:
        """Whether the branches are as deep as the report's: 1 and 3 everywhere."""
        return all(place == Place(place.interaction) for place in self.places)

    @classmethod
    def from_interactions(
        cls,
        names: Iterable[str],
        cells_per_stage: int = 2,
        interactions_per_cell: int = 2,
        depths: Iterable[tuple[int, int]] = (),
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
        return cls(tuple(stages), tuple(depths))

    @classmethod
    def from_cells(cls, cells: Cells) -> "Architecture":
        """Return the architecture with these places."""
        names = tuple(tuple(tuple(place.interaction for place in cell) for cell in stage) for stage in cells)
        return cls(names, tuple(place.depths for stage in cells for cell in stage for place in cell))

    @classmethod
    def from_alphas(cls, alphas: Sequence[Sequence[float]], space: SearchSpace = PUBLISHED) -> "Architecture":
        """Keep the options with the largest alphas; alphas: (L, columns)."""
        return cls.from_cells(space.largest(alphas))

    @classmethod
    def random(cls, seed: int, space: SearchSpace = PUBLISHED) -> "Architecture":
        """Draw all options of a space with equal chances: what a search has to beat."""
        return cls.from_cells(space.random(seed))

    @classmethod
    def uniform(
        cls, name: str, space: SearchSpace = PUBLISHED, depths: tuple[int, int] = Place("none").depths
    ) -> "Architecture":
        """Take the same interaction and depths at all places, and as many cells as the space has."""
        return cls.from_cells(space.cut([Place(name, *depths)] * space.places))

    @classmethod
    def named(cls, name: str) -> "Architecture":
        """Return a published architecture: `msmt17` (people) or `veri776` (the report's, vehicles)."""
        if name not in NAMED:
            raise SettingsError(f"architecture is {name!r}: {KNOWN}", "architecture")
        return cls.from_interactions(_ABBREVIATIONS[short] for short in NAMED[name].split())

    @classmethod
    def find(cls, name_or_file: str | Path) -> "Architecture":
        """Return a named architecture, one of `random:SEED`, `scales:SEED` or `all:INTERACTION`, or the one in a JSON file.

        `scales:SEED` is random in depths and cells, too. `all:none:1,1` has depths 1 and 1 everywhere in place of the
        published ones, and `all:none:1,1x3` also three cells a stage.
        """
        name = str(name_or_file)
        kind, _, value = name.partition(":")
        if kind in ("random", SCALES.name) and value.isdecimal():
            return cls.random(int(value), PUBLISHED if kind == "random" else SCALES)
        if kind == "all" and (written := _ALL.fullmatch(value)):
            depths = (int(written[2]), int(written[3])) if written[2] else Place("none").depths
            return cls.uniform(written[1], replace(PUBLISHED, cells_per_stage=int(written[4] or 2)), depths)
        path = user_path(name_or_file)
        if name.endswith(".json"):
            return cls.load(path)
        if name in NAMED or not name or not path.exists():
            return cls.named(name)
        inside = path / "architecture.json"
        advice = f"pass {inside}" if inside.is_file() else KNOWN
        raise SettingsError(f"architecture is {name!r}, which is {what_is(path)}: {advice}", "architecture")

    def to_dict(self) -> dict:
        """Return plain lists for JSON; depths only where they are not the published ones."""
        depths = {} if self.has_published_depths else {"depths": [list(pair) for pair in self.depths]}
        return {"stages": [[list(cell) for cell in stage] for stage in self.stages], **depths}

    @classmethod
    def from_dict(cls, values: Mapping) -> "Architecture":
        """Make an architecture from `to_dict`'s form; keys besides `stages` and `depths` are ignored."""
        try:
            stages = tuple(tuple(tuple(map(str, cell)) for cell in stage) for stage in values["stages"])
            depths = tuple((a, b) for a, b in values.get("depths", ()))
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(
                'an architecture needs "stages": lists of cells, each a list of names; and "depths", if it has any: '
                "a pair of whole numbers for each name"
            ) from error
        return cls(stages, depths)

    def save(self, path: str | Path, **more: object) -> None:
        """Write the architecture as JSON; `more` stands beside it, for readers of the file."""
        number = FORMAT_WITHOUT_DEPTHS if self.has_published_depths else FORMAT
        values = {"format": number, **self.to_dict(), **more}
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
        except (OSError, ValueError, AttributeError, TypeError) as error:
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
        return draw(self.cells)


_ABBREVIATIONS = {"ex": "exchange", "cg": "channel_gate", "ca": "cross_attention", "none": "none"}

NAMED = {
    "msmt17": "cg cg ex cg  ca cg cg none  cg ca ex ca",
    "veri776": "ex cg ex ca  ex none ex cg  ca ca ca ca",
}
"""The published architectures, abbreviated, four interactions a stage."""

_ALL = re.compile(r"([^:]+)(?::(\d{1,2}),(\d{1,2})(?:x([1-9]))?)?")
"""What stands behind `all:`: an interaction, depths, and cells a stage."""

KNOWN = (
    f"choose from {', '.join(NAMED)}, random:SEED, scales:SEED and all:INTERACTION, "
    "or give the architecture.json of a search"
)
WRITTEN_BY = "pass the architecture.json that msinet search or msinet run wrote"
