"""Plan of the experiment on the gain of the search: which variants, seeds and architectures, and where their files are."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from msinet.architecture_search.settings import SearchSettings, in_short
from msinet.architecture_search.twins import TwinsSearch, space_of
from msinet.data.picture_list import PictureList
from msinet.data.records import ReidSplits
from msinet.engine.settings import settings_dict
from msinet.errors import SettingsError
from msinet.evaluation.record import DataFacts
from msinet.experiments.settings import SearchWorthSettings
from msinet.experiments.variants import METHODS, variant
from msinet.model.cost import count_multiply_adds
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.costs import CostTable, multiply_adds_table
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SCALES
from msinet.model.msinet.widths import channels_at, largest_width
from msinet.training.settings import TrainSettings

DRAWS = 20_000
"""Random architectures that are looked through for those of a cost."""

TOLERANCE = 0.05
"""Largest relative difference of two costs that count as the same."""


BY_ALPHAS = {"trials": 0, "trial_weights": "shared", "finals": 0}
"""Settings of a search whose alphas decide, as the report's do."""


@dataclass(frozen=True)
class Variant:
    """A search that the experiment compares."""

    method: type[TwinsSearch] = TwinsSearch
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the search that differ from the recipe."""
    as_recipe: bool = False
    """Whether it decides as the recipe's search does; alphas decide in the others, unless they have trials of their own."""
    takes_best_trial: bool = False
    """Whether the network of the best trial is taken, in place of what all trials say together: a random search."""


VARIANTS: dict[str, Variant] = {
    "recipe": Variant(as_recipe=True),
    "random-search": Variant(changes={"finals": 0}, as_recipe=True, takes_best_trial=True),
    "published": Variant(),
    **{name: Variant(method) for name, method in METHODS.items()},
    "late": Variant(changes={"alpha_start_epoch": 5}),
    "cool": Variant(changes={"mixture_temperature": 0.1}),
}
"""Variants by name; on the command line their settings can be replaced."""


@dataclass(frozen=True)
class Plan:
    """Searches and trainings of the experiment, and their files."""

    splits: ReidSplits
    search: SearchSettings
    """Settings of the searches, but for seed, held-out identities and what a variant changes."""
    training: TrainSettings
    """Settings of the trainings, but for the seed."""
    variants: Mapping[str, Variant]
    seeds: Sequence[int]
    randoms: Mapping[str, Sequence[str]]
    """Random architectures by the kind of their draw, as `Architecture.find` knows them."""
    given: Sequence[str]
    """Other architectures without a search, as `Architecture.find` knows them."""
    validation_share: float
    """Share of the training identities that is held out from the searches; trainings are scored on query and gallery."""
    out: Path
    fitted_cost: float | None = None
    """Multiply-adds that every architecture may have: it is trained at the largest width that meets them."""

    @classmethod
    def of(
        cls, splits: ReidSplits, settings: SearchWorthSettings, search: SearchSettings, training: TrainSettings
    ) -> "Plan":
        """Return the plan of the experiment's settings.

        Raises:
            SettingsError: a variant is unknown, or changes a setting that the search does not have.
        """
        search = replace(search, space=settings.space or search.space)
        variants = parse_variants(settings.variant)
        kind = "random" if search.space == "published" else search.space
        randoms = {f"random, all {settings.random}": [f"{kind}:{seed}" for seed in range(settings.random)]}
        if settings.cost and not settings.fit_width:
            table = multiply_adds_table(space_of(search), training.width, training.image_size)
            seeds = seeds_at_cost(table, settings.cost, settings.random)
            randoms[f"random at {in_short(settings.cost)}, all {len(seeds)}"] = [f"{kind}:{seed}" for seed in seeds]
        randoms = {label: names for label, names in randoms.items() if names}
        share, out, cost = settings.validation_share, settings.out, settings.cost if settings.fit_width else None
        return cls(splits, search, training, variants, settings.seeds, randoms, settings.others, share, out, cost)

    @property
    def others(self) -> list[str]:
        """All architectures without a search."""
        return list(dict.fromkeys([*self.given, *(name for names in self.randoms.values() for name in names)]))

    @cached_property
    def pictures(self) -> str:
        """Short hash of the content of all images."""
        return PictureList.of(self.splits).digest

    def search_of(self, name: str, seed: int) -> SearchSettings:
        """Return the settings of a variant's search with a seed."""
        variant = self.variants[name]
        decides = {} if variant.as_recipe else BY_ALPHAS
        return replace(
            self.search, **{"validation_share": self.validation_share, **decides, **variant.changes, "seed": seed}
        )

    def training_of(self, architecture: Architecture, seed: int) -> TrainSettings:
        """Return the settings of an architecture's training with a seed."""
        settings = replace(self.training, seed=seed)
        if self.fitted_cost is None:
            return settings

        def cost(width: float) -> int:
            return count_multiply_adds(MSINet(architecture, 1, channels_at(width), settings.image_size))

        return replace(settings, width=largest_width(cost, self.fitted_cost))

    def is_same_data(self, data: DataFacts | None) -> bool:
        """Return whether a result is of this data; the images of results of version 0.1 are not known."""
        if data is None or data.fingerprint != self.splits.fingerprint():
            return False
        return data.pictures is None or data.pictures == self.pictures

    def searched(self, name: str) -> list[str]:
        """Return the labels of the architectures that a variant finds, one a seed."""
        return [f"{name}-{seed}" for seed in self.seeds]

    def search_folder(self, label: str) -> Path:
        """Return the folder of the search that finds an architecture."""
        return self.out / "searches" / label

    def supernet_file(self, label: str) -> Path:
        """Return the file of the mAP that a search's supernet gives to other architectures, by their names."""
        return self.search_folder(label) / "supernet.json"

    def result_file(self, label: str, seed: int) -> Path:
        """Return the file of the scores of an architecture that was trained with a seed."""
        return self.out / "trainings" / re.sub(r"\W+", "-", f"{label}-{seed}") / "result.json"


def seeds_at_cost(costs: CostTable, cost: float, count: int) -> list[int]:
    """Return the first seeds whose random architectures have a cost, within 5 %.

    Raises:
        SettingsError: they are too rare.
    """
    space, seeds = costs.space, []
    for seed in range(DRAWS):
        if abs(costs.of(Architecture.random(seed, space)) / cost - 1) <= TOLERANCE:
            seeds.append(seed)
        if len(seeds) == count:
            return seeds
    raise SettingsError(
        f"cost is {in_short(cost)}: of {DRAWS} random architectures {len(seeds)} have it within 5 %; set another cost",
        "cost",
    )


def parse_variants(words: Sequence[str]) -> dict[str, Variant]:
    """Return variants by name: each word without = names one, the words key=value behind it change its settings.

    `late alpha_start_epoch=20 mine overlap=0` are two. A name may be one in `VARIANTS`, or several of them joined by +.

    Raises:
        SettingsError: a name stands for nothing, or a word is no setting of the search.
    """
    if words and "=" in words[0]:
        raise SettingsError(f"variant is {words[0]}: give the name of a variant first", "variant")
    starts = [i for i, word in enumerate(words) if "=" not in word]
    grouped = [words[start:end] for start, end in pairwise([*starts, len(words)])]
    return {name: _variant(name, dict(map(_setting, changes))) for name, *changes in grouped}


def _variant(name: str, changes: Mapping[str, Any]) -> Variant:
    parts = name.split("+")
    if name in ("random", "all", SCALES.name):
        raise SettingsError(f"variant is {name}: architectures without a search have this name, choose another", "variant")
    if not all(part in VARIANTS for part in parts):
        if not changes:
            known = ", ".join(VARIANTS)
            raise SettingsError(f"variant is {name}: give key=value as well, or choose from {known}", "variant")
        return Variant(changes=changes)
    joined = [VARIANTS[part] for part in parts]
    own = {key: value for one in joined for key, value in one.changes.items()}
    method = variant(*(one.method.name for one in joined if one.method.name))
    as_recipe, takes_best = any(one.as_recipe for one in joined), any(one.takes_best_trial for one in joined)
    return Variant(method, {**own, **changes}, as_recipe, takes_best)


def _setting(word: str) -> tuple[str, Any]:
    """Return a setting of the search and its value, written as in TOML; text needs no quotation marks."""
    name, _, text = word.partition("=")
    settings = settings_dict(SearchSettings())
    if name not in settings:
        known = ", ".join(get_close_matches(name, settings, 3) or sorted(settings))
        raise SettingsError(f"variant changes {word}: the search has no such setting; choose from {known}", "variant")
    before = settings[name]
    if isinstance(before, str):
        return name, text
    if name.startswith("budget_"):
        before = 0.0
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = None
    if type(value) is not type(before) and not (isinstance(before, float) and type(value) is int):
        raise SettingsError(f"variant changes {word}: write a value as in {name}={json.dumps(before)}", "variant")
    return name, value
