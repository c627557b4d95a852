"""Settings of the experiments. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from msinet.architecture_search.settings import SpaceName, amount
from msinet.engine.settings import DEVICE_HELP, WORKERS_HELP, require, require_one_of
from msinet.panels import ALIGNMENT, DATA, MACHINE, NETWORK, OUTPUT, SCHEDULE, SEARCH, WORLD
from msinet.recipes import RECIPES
from msinet.sharing import Share
from msinet.world.settings import City

RECIPE_OF_TRAININGS = f"Recipe of the trainings: {', '.join(RECIPES)} or a TOML file."

AlignmentName = Literal["none", "positive", "negative", "both", "light", "unit"]

SEVERAL = Parameter(consume_multiple=1, negative=(), show_default=lambda values: " ".join(map(str, values)))
"""Several words after one option: `--seeds 0 1 2`."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ExperimentSettings:
    """What all experiments have in common."""

    seeds: Annotated[tuple[int, ...], SCHEDULE, SEVERAL] = (0, 1, 2)
    """Seeds of the repetitions."""
    recipe: Annotated[str, SCHEDULE, Parameter(help=RECIPE_OF_TRAININGS)] = "small-data"
    device: Annotated[str, MACHINE, Parameter(help=DEVICE_HELP)] = "auto"
    workers: Annotated[int, MACHINE, Parameter(help=WORKERS_HELP)] = 0
    share: Annotated[str, MACHINE] = "1/1"
    """Part of the work that this process does: 1/2 is the first of two, 2/2 the second. The table shows all that is done."""

    def __post_init__(self) -> None:
        require(self, "seeds", bool(self.seeds), "give at least one")
        Share.parse(self.share, "share")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SearchWorthSettings(ExperimentSettings):
    """Settings of the experiment on the gain of the search."""

    variant: Annotated[tuple[str, ...], SEARCH, SEVERAL] = ("recipe",)
    """Variant of the search, and settings of the search that it changes: cool, or mine overlap=0 epochs=70. May be given
    several times. Known by name: recipe, the recipe's search as it is; random-search, which takes the best of its trials;
    those whose alphas decide, published, shared, classifiers, balanced, late, cool and removal, unless trials=150 is added.
    Several may be joined by a plus: shared+removal."""
    space: Annotated[SpaceName | None, NETWORK] = None
    """Search space of the searches and of the random architectures: published or scales; by default the recipe's."""
    random: Annotated[int, NETWORK] = 8
    """Number of random architectures."""
    cost: Annotated[float | None, NETWORK, Parameter(converter=amount)] = None
    """Multiply-adds, such as 8.7M: as many random architectures again have these, within 5 %."""
    fit_width: Annotated[bool, NETWORK] = False
    """Train every architecture at the largest width at which it has no more multiply-adds than cost says, in place of
    drawing random ones that have them."""
    others: Annotated[tuple[str, ...], NETWORK, SEVERAL] = (
        "msmt17",
        "veri776",
        "all:none",
        "all:exchange",
        "all:channel_gate",
        "all:cross_attention",
        "all:none:1,0x1",
        "all:none:1,1x1",
    )
    """Other architectures without a search: names, random:SEED, scales:SEED, all:INTERACTION or files."""
    validation_share: Annotated[float, SEARCH] = 0.2
    """Share of the training identities that the searches do not see. The supernets score architectures on them; the
    trainings use all. 0 where the data has a validation split."""
    out: Annotated[Path, OUTPUT] = Path("runs/worth")
    """Folder of all searches and trainings."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "random", self.random >= 0, "it cannot be negative")
        if self.space:
            require_one_of(self, "space", SpaceName)
        require(self, "cost", self.cost is None or self.cost > 0, "it must be positive")
        require(self, "fit_width", not self.fit_width or self.cost is not None, "it needs a cost, such as 8.7M")
        require(self, "validation_share", 0 <= self.validation_share < 1, "a share lies from 0 up to, not including, 1")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class OtherDomainsSettings(ExperimentSettings):
    """Settings of the experiment on other domains and spatial alignment."""

    recipe: Annotated[
        str, SCHEDULE, Parameter(help=f"{RECIPE_OF_TRAININGS} Colour jitter of 0.4 replaces its random erasing.")
    ] = "demo"
    alignments: Annotated[tuple[AlignmentName, ...], ALIGNMENT, SEVERAL] = (
        "none",
        "positive",
        "negative",
        "both",
        "light",
        "unit",
    )
    """Kinds of spatial alignment to train with. light: both at a tenth of the weight. unit: both on features of unit
    length."""
    architecture: Annotated[str, NETWORK] = "veri776"
    """Architecture of the networks: a name, random:SEED, all:INTERACTION or a file."""
    width: Annotated[float, NETWORK] = 0.25
    """Width of the networks: a multiple of the published channels, in steps of 1/32 from 0.125 to 1."""
    identities: Annotated[int, WORLD] = 240
    """Number of vehicles, the same by day and by night."""
    difficulty: Annotated[float, WORLD] = 0.3
    """Difficulty of the synthetic worlds, from 0 to 1."""
    real: Annotated[Path | None, DATA] = None
    """Real vehicles on which the networks are scored as well."""
    out: Annotated[Path, OUTPUT] = Path("runs/domains")
    """Folder of all worlds and trainings."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SyntheticVehiclesSettings(ExperimentSettings):
    """Settings of the experiment on the difficulty of the synthetic world."""

    epochs: Annotated[int, SCHEDULE] = 40
    """Epochs of a training, the first half of them at the small image size."""
    architecture: Annotated[str, NETWORK] = "veri776"
    """Architecture of the networks: a name, random:SEED, all:INTERACTION or a file."""
    city: Annotated[City, WORLD] = "day"
    """Weather and time of day of the synthetic worlds."""
    difficulties: Annotated[tuple[float, ...], WORLD, SEVERAL] = (0.0, 0.5, 1.0)
    """Difficulties of the synthetic worlds, from 0 to 1."""
    identities: Annotated[int, WORLD] = 400
    """Number of vehicles in a world."""
    real: Annotated[Path | None, DATA] = None
    """Real vehicles on which the trained networks are scored as well."""
    out: Annotated[Path, OUTPUT] = Path("runs/world")
    """Folder of all worlds and trainings."""
