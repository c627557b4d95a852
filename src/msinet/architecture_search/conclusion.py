"""Conclusion of a search: the architecture that trials or alphas decide on, and what is known about the choice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from msinet.architecture_search.certainty import Choice, choices_of, doubts_about, shares_of
from msinet.architecture_search.decision import Decisions, Network
from msinet.architecture_search.effects import Effects, Trial
from msinet.architecture_search.settings import SearchSettings, in_short
from msinet.architecture_search.twins import TwinsSearch
from msinet.files.atomic import write_atomically
from msinet.model.cost import count_multiply_adds
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.costs import fastest_times
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SearchSpace
from msinet.model.msinet.widths import channels_at

ARCHITECTURE = "architecture.json"

NOTHING_FOUND = "The trials tell no option from another: the cheapest network is taken. More trials or repeats may tell."


@dataclass(frozen=True)
class Searched:
    """The result of a search."""

    architecture: Architecture
    alphas: tuple[tuple[float, ...], ...]
    """(L, columns), as they are at the end; of several repeats, their means."""
    choices: tuple[Choice, ...]
    """How sure the search is of each decision: first the interactions, place by place."""
    doubts: tuple[str, ...]
    """In sentences, what speaks against the result; empty where nothing does."""
    findings: tuple[str, ...] = ()
    """In sentences, what the trials found and what the network costs."""
    front: Mapping[float, Architecture] = field(default_factory=dict)
    """Architectures by their budget of multiply-adds, where several were asked for."""
    finished_before: bool = field(default=False, compare=False)
    """Whether an earlier call with the same settings and data had finished the search."""


@dataclass(frozen=True)
class TrainedSupernet:
    """A supernet at the end of its training, and what it says about the options."""

    twins: TwinsSearch
    values: Tensor
    """(L, columns), of which the largest decide where there are no trials."""
    trials: Sequence[Trial]
    made_from: Mapping[str, Any]
    finished_before: bool


def conclude(supernets: Sequence[TrainedSupernet], settings: SearchSettings, out: Path) -> Searched:
    """Decide by the trials or, without any, by the largest alphas; write the architecture with what is known about it."""
    first = supernets[0].twins
    space = first.supernet.space
    alphas = torch.stack([supernet.twins.alphas.detach() for supernet in supernets]).mean(0)
    values = torch.stack([supernet.values for supernet in supernets]).mean(0)
    finished_before = all(supernet.finished_before for supernet in supernets)
    kept = {"alphas": {"columns": list(space.columns), "rows": alphas.tolist()}}
    if settings.trials:
        trials = [replace(trial, supernet=i) for i, supernet in enumerate(supernets) for trial in supernet.trials]
        decisions = Decisions(Effects.of(space, trials), first.costs)
        found = decided_by_trials(decisions, settings, alphas.tolist(), first.mixture_temperature)
        kept["effects"] = {"columns": list(space.columns), "rows": decisions.effects.values.tolist()}
    else:
        architecture = first.supernet.architecture_of(values)
        choices = choices_in(space, alphas.tolist(), first.mixture_temperature, architecture)
        found = Searched(architecture, tuple(map(tuple, alphas.tolist())), tuple(choices), tuple(doubts_about(choices)))
        if not values.equal(alphas):
            kept["decided_by"] = {"columns": list(space.columns), "rows": values.tolist()}
    if first.machine.is_first:
        certainty = {"choices": [asdict(choice) for choice in found.choices], "doubts": found.doubts}
        certainty |= {"findings": found.findings} if found.findings else {}
        about = {"space": space.to_dict(), **kept, **certainty, "made_from": supernets[0].made_from}
        found.architecture.save(out / ARCHITECTURE, **about)
        for budget, architecture in found.front.items():
            architecture.save(out / f"architecture-{in_short(budget)}.json", space=space.to_dict(), budget_macs=budget)
        write_atomically(out / "architecture.svg", found.architecture.to_svg().encode())
    return replace(found, finished_before=finished_before)


def decided_by_trials(
    decisions: Decisions, settings: SearchSettings, alphas: Sequence[Sequence[float]], temperature: float
) -> Searched:
    """Return the network that the trials decide on, within the budget."""
    space = decisions.effects.space
    front = {budget: decisions.take(budget) for budget in settings.budgets}
    budget = max(front) if front else settings.budget_ms or settings.budget_macs
    network = front[max(front)] if front else decisions.take(budget)
    architecture = Architecture.from_cells(decisions.cells(network))
    compared = {(one.decision, one.row): one for one in decisions.comparisons(network)}
    choices = []
    for choice in choices_in(space, alphas, temperature, architecture):
        if one := compared.get((choice.decision, choice.row)):
            choice = replace(choice, rival=str(one.rival), gain=one.gain, error=one.error)
        choices.append(choice)
    findings = findings_of(decisions, network, settings)
    architectures = {limit: Architecture.from_cells(decisions.cells(one)) for limit, one in front.items()}
    doubts = () if decisions.effects.mean.any() else (NOTHING_FOUND,)
    return Searched(architecture, tuple(map(tuple, alphas)), tuple(choices), doubts, tuple(findings), architectures)


def findings_of(decisions: Decisions, network: Network, settings: SearchSettings) -> list[str]:
    """Return in sentences what a network of the trials has, and what it costs, measured on the network itself."""
    architecture = Architecture.from_cells(decisions.cells(network))
    interactions = Counter(architecture.interactions)
    without, places = interactions["none"], len(architecture.interactions)
    found = []
    if without == places:
        found.append("No interaction is needed here: none loses no more than a standard error at every place.")
    elif without:
        found.append(f"No interaction is needed at {without} of {places} places.")
    whole = MSINet(architecture, 1, channels_at(settings.width), settings.image_size)
    height, width = settings.image_size
    multiply_adds = count_multiply_adds(whole)
    found.append(f"The network has {in_short(multiply_adds)} multiply-adds for an image of {height} x {width}.")
    limit, spent, unit = settings.budget_macs or max(settings.budgets, default=None), float(multiply_adds), "multiply-adds"
    if settings.budget_ms:
        limit, spent, unit = settings.budget_ms, fastest_times([whole], seconds=1)[0].item(), "ms"
    if limit:
        words = "meets" if spent <= limit else f"misses by {100 * (spent / limit - 1):.0f} %"
        found.append(f"With {in_short(spent)} {unit} it {words} the budget of {in_short(limit)} {unit}.")
    return found


def choices_in(
    space: SearchSpace, alphas: Sequence[Sequence[float]], temperature: float, architecture: Architecture
) -> list[Choice]:
    """Return the choice of each decision, with its share of the mixture; of cells that are left out, none."""
    choices: list[Choice] = []
    for decision in space.decisions:
        if len(decision.options) < 2:
            continue
        if decision.is_of_stage:
            rows = list(range(0, space.places, space.places_per_stage))
            taken = [str(len(stage)) for stage in architecture.cells]
        else:
            rows = place_rows(space, architecture)
            taken = [str(getattr(place, decision.name)) for place in architecture.places]
        shares = shares_of([list(alphas[row])[decision.columns] for row in rows], temperature)
        found = choices_of(shares, taken, list(map(str, decision.options)), decision.name)
        numbers = range(space.stages) if decision.is_of_stage else rows
        choices += [replace(choice, row=row) for choice, row in zip(found, numbers, strict=True)]
    return choices


def place_rows(space: SearchSpace, architecture: Architecture) -> list[int]:
    """Return the numbers of an architecture's places among those of its space."""
    counts = [len(stage) * space.interactions_per_cell for stage in architecture.cells]
    return [s * space.places_per_stage + i for s, count in enumerate(counts) for i in range(count)]
