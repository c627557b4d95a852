"""Settings of the architecture search. Imports no torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from msinet.engine.settings import LoopSettings, require, require_one_of, settings_dict
from msinet.errors import SettingsError
from msinet.panels import NETWORK, OPTIMIZER, SCHEDULE, SEARCH

SpaceName = Literal["published", "scales"]
Runtime = Literal["torch", "onnx", "openvino"]
TrialWeights = Literal["shared", "own"]

TRIALS = "trials.jsonl"
"""Name of the file of trials in a search's folder."""

DECISION = frozenset({"trials", "finals", "repeats", "budgets", "fit_width"})
"""Settings that only the decision depends on."""

BUDGET = {"budget_macs": None, "budget_ms": None, "on": "torch"}
"""Settings that the alphas of a supernet depend on as well, and their values without a budget."""

FEWEST_TRIALS = 8
"""Fewest trials from which effects are estimated."""

UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9}


def amount(_: object, tokens: Sequence[Token]) -> float:
    """Return a number as a command line writes it: 200M, 1.5G or 200000000.

    Raises:
        ValueError: it is no number.
    """
    written = tokens[0].value.strip()
    unit = written[-1:].upper() if written[-1:].upper() in UNITS else ""
    try:
        return float(written[: len(written) - len(unit)]) * UNITS[unit]
    except ValueError:
        raise ValueError(f"could not convert {written!r} to a number: write 200M, 1.5G or 200000000") from None


def in_short(number: float, digits: int = 3) -> str:
    """Return a number with some digits and its unit: 200M, 1.5G."""
    for unit, factor in reversed(UNITS.items()):
        short = f"{number / factor:.{digits}g}"
        if float(short) >= 1:
            return f"{short}{unit}"
    return f"{number:.{digits}g}"


def file_of_budget(budget: float) -> str:
    """Return the name of the file of one of several budgets' architectures."""
    return f"architecture-{in_short(budget, 9)}.json"


def amounts(_: object, tokens: Sequence[Token]) -> tuple[float, ...]:
    """Return several numbers as a command line writes them; an empty list of a recipe comes as an empty word."""
    return tuple(amount(float, [token]) for token in tokens if token.value)


SEVERAL_AMOUNTS = Parameter(converter=amounts, consume_multiple=1, negative=(), show_default=False)
"""An option with several numbers after it."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SearchSettings(LoopSettings):
    """Settings of the search. Defaults: the published ones; the command line takes the recipe that fits the data."""

    space: Annotated[SpaceName, NETWORK] = "published"
    """Search space. published: the interaction at each place, one of four. scales: also the depths of both branches there,
    and the number of cells of each stage."""
    init: Annotated[str | None, NETWORK] = None
    """Model whose weights the supernet starts from, in place of random ones: its folder, or a name that msinet models lists.
    What the model lacks begins anew, and so do the alphas."""
    cells_per_stage: Annotated[int, NETWORK] = 2
    """Cells in each of the three stages; in the space scales, the most."""
    interactions_per_cell: Annotated[int, NETWORK] = 2
    """Places in each cell where an interaction is chosen."""
    learning_rate: Annotated[float, OPTIMIZER] = 0.025
    """Peak learning rate of the weights."""
    alpha_learning_rate: Annotated[float, OPTIMIZER] = 0.002
    """Learning rate of the alphas, trained by Adam with betas 0.5 and 0.999."""
    alpha_weight_decay: Annotated[float, OPTIMIZER] = 1e-3
    """Weight decay of the alphas."""
    alpha_milestones: Annotated[tuple[int, ...], SCHEDULE] = (150, 225, 350)
    """Epochs at which the learning rate of the alphas is divided by ten."""
    overlap: Annotated[float, SEARCH] = 0.4
    """Share of the identities that train both weights and alphas, with different images. Of the other
    identities, a third trains only the weights, two thirds only the alphas."""
    temperature: Annotated[float, SEARCH] = 0.05
    """Temperature of the contrastive loss (tau of equation 2)."""
    memory_keep: Annotated[float, SEARCH] = 0.2
    """Share of a centroid that an update keeps (beta of equation 3)."""
    alpha_start_epoch: Annotated[int, SEARCH] = 0
    """Initial epochs in which the weights learn alone; the memory of the alphas follows them."""
    mixture_temperature: Annotated[float, SEARCH] = 1.0
    """Final temperature T of softmax(alpha / T). It falls geometrically from 1, so that the mixture becomes a choice."""
    trials: Annotated[int, SEARCH] = 0
    """Networks of the space that are scored on identities that train no weights, at least 8. The effect of each option
    on their mAP decides or, where it is too small to tell, the lower cost. 0: the largest alphas decide, as published."""
    trial_weights: Annotated[TrialWeights, SEARCH] = "shared"
    """Weights of the networks of the trials. shared: those of one supernet, trained for the epochs; take 150 trials and,
    from few images, at least 20 epochs. own: each network is trained by itself for the epochs, without a supernet or alphas;
    take 8 trials."""
    finals: Annotated[int, SEARCH] = 0
    """Number of finalists, at most, such as 3: networks that are trained five times as long as a trial, at the width of the
    search. The first is the one that the trials decide on, the next a step deeper; while that gains two standard errors, one
    deeper yet is tried. Each budget has its own. Needs trial_weights own; several repeats take the first seed."""
    repeats: Annotated[int, SEARCH] = 1
    """How often everything is trained, with consecutive seeds. All decide together."""
    budget_macs: Annotated[float | None, SEARCH, Parameter(converter=amount)] = None
    """Most multiply-adds of the network for one image, such as 200M. Needs trials."""
    budget_ms: Annotated[float | None, SEARCH] = None
    """Most milliseconds of the network for one image on this machine. Needs trials."""
    on: Annotated[Runtime, SEARCH] = "torch"
    """What runs the network where the milliseconds count: torch as it is, onnx or openvino as msinet export writes it in
    fp32. The first time, random networks are exported and timed, which takes minutes; the table of times is kept."""
    budgets: Annotated[tuple[float, ...], SEARCH, SEVERAL_AMOUNTS] = ()
    """Several budgets of multiply-adds, such as 50M 100M: each gives an architecture, all by the same trials."""
    fit_width: Annotated[bool, SEARCH] = False
    """Fit the width to the budget: what was found at the width of the search takes the largest one that meets the budget."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of(self, "space", SpaceName)
        for name in ("cells_per_stage", "interactions_per_cell"):
            require(self, name, getattr(self, name) >= 1, "it must be at least 1")
        require(self, "alpha_learning_rate", 0 < self.alpha_learning_rate < math.inf, "it must be positive")
        require(self, "alpha_weight_decay", 0 <= self.alpha_weight_decay < math.inf, "it cannot be negative")
        require(self, "overlap", 0 <= self.overlap <= 1, "a share lies from 0 to 1")
        require(self, "temperature", 0 < self.temperature < math.inf, "it must be positive")
        require(self, "memory_keep", 0 <= self.memory_keep < 1, "a share lies from 0 up to, not including, 1")
        late = f"it lies from 0 up to, not including, the epochs, which are {self.epochs}"
        require(self, "alpha_start_epoch", 0 <= self.alpha_start_epoch < self.epochs, late)
        require(self, "mixture_temperature", 0 < self.mixture_temperature <= 1, "it lies above 0 and at most at 1")
        require_one_of(self, "trial_weights", TrialWeights)
        require(self, "trials", self.trials == 0 or self.trials >= FEWEST_TRIALS, f"give 0, or {FEWEST_TRIALS} at least")
        require(self, "finals", self.finals == 0 or self.finals >= 2, "give 0, or 2 at least")
        require(self, "repeats", self.repeats >= 1, "it must be at least 1")
        for name in ("budget_macs", "budget_ms"):
            limit = getattr(self, name)
            require(self, name, limit is None or 0 < limit < math.inf, "it must be positive")
        require_one_of(self, "on", Runtime)
        needless = "it says where milliseconds count: give budget_ms with it"
        require(self, "on", self.on == "torch" or self.budget_ms is not None, needless)
        require(self, "budgets", all(0 < limit < math.inf for limit in self.budgets), "they must be positive")
        files = set(map(file_of_budget, self.budgets))
        require(self, "budgets", len(files) == len(self.budgets), "they must differ")
        given = [name for name in ("budget_macs", "budget_ms", "budgets") if getattr(self, name)]
        for name in given[1:]:
            require(self, name, False, "give one of budget_macs, budget_ms and budgets")
        require(self, "fit_width", not self.fit_width or self.has_budget, "it needs budget_macs, budget_ms or budgets")

    def require_trials_for_a_budget(self) -> None:
        """Raise a SettingsError where a budget has no trials: asked when a search begins, since a recipe may bring them."""
        for name in ("budget_macs", "budget_ms", "budgets"):
            if (budget := getattr(self, name)) and not self.trials:
                raise SettingsError(
                    f"{name} is {budget}: it needs trials, 8 with trial_weights own, or 150", name, "trials", "trial_weights"
                )

    @property
    def has_supernet(self) -> bool:
        """Whether a supernet is trained, with its alphas: without trials always."""
        return self.trials == 0 or self.trial_weights == "shared"

    @property
    def of_decision(self) -> dict[str, Any]:
        """Settings of the decision alone, as plain values: what is trained does not depend on them."""
        names = DECISION if self.has_supernet else DECISION | BUDGET.keys()
        return {name: value for name, value in settings_dict(self).items() if name in names}

    @property
    def of_weights(self) -> dict[str, Any]:
        """Settings that what is trained depends on, as plain values. Of weights of their own, a budget is not among them."""
        values = {name: value for name, value in settings_dict(self).items() if name not in DECISION}
        return values | ({"trial_weights": "shared"} if self.has_supernet else BUDGET)

    @property
    def has_budget(self) -> bool:
        """Whether the network's cost is limited."""
        return bool(self.budget_macs or self.budget_ms or self.budgets)
