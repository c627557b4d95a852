"""Conclusion of a search: the architecture that trials or alphas decide on, and what is known about the choice."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor

from msinet.architecture_search.certainty import Choice, choices_of, doubts_about, shares_of
from msinet.architecture_search.decision import Comparison, Decisions, Network
from msinet.architecture_search.effects import Effects, Trial
from msinet.architecture_search.finals import Final, Finals
from msinet.architecture_search.settings import SearchSettings, file_of_budget, in_short
from msinet.architecture_search.trained_trials import OwnTraining
from msinet.architecture_search.twins import TwinsSearch
from msinet.deploy.timing import timing_on
from msinet.files.atomic import write_atomically
from msinet.model.cost import count_multiply_adds
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import Cells, SearchSpace
from msinet.model.msinet.widths import channels_at, largest_width

ARCHITECTURE = "architecture.json"

SECONDS = 1.0
"""Time for measuring the network that was found."""

NO_TRIALS = (
    "There were no trials: identities that train no weights need two images each, of two cameras where cameras are known. "
    "{} decided."
)

NO_FINALS = "There were no finals: these train networks with weights of their own (--trial-weights own), not a supernet's."

NOTHING_DEEPER = "There were no finals: the space and the budget have no network that is a step deeper."

LEARNED = 1.5
"""How many times the mAP of untrained networks the median of trained ones has at least."""

NOTHING_FOUND = "The trials tell no option from another: the cheapest network is taken. More trials or repeats may tell."


@dataclass(frozen=True)
class Searched:
    """The result of a search."""

    architecture: Architecture
    alphas: tuple[tuple[float, ...], ...]
    """(L, columns), as they are at the end; of several repeats, their means. Without a supernet they are untrained."""
    choices: tuple[Choice, ...]
    """How sure the search is of each decision: first the interactions, place by place."""
    doubts: tuple[str, ...]
    """In sentences, what speaks against the result; empty where nothing does."""
    width: float = 1.0
    """Width of the network: that of the search or, fitted to a budget, the largest that meets it."""
    findings: tuple[str, ...] = ()
    """In sentences, what the trials found and what the network costs."""
    front: Mapping[float, "OfBudget"] = field(default_factory=dict)
    """Architectures by their budget of multiply-adds, where several were asked for."""
    finished_before: bool = field(default=False, compare=False)
    """Whether an earlier call with the same settings and data had finished the search."""


@dataclass(frozen=True)
class OfBudget:
    """The architecture of one of several budgets."""

    architecture: Architecture
    width: float
    multiply_adds: int
    """At this width, of one image."""


@dataclass(frozen=True)
class Repeat:
    """What a search has trained with one seed, and what that says about the options."""

    twins: TwinsSearch
    """The supernet at the end of its training; where each trial has its own weights, at the beginning."""
    values: Tensor
    """(L, columns), of which the largest decide where a supernet has no trials."""
    trials: Sequence[Trial]
    made_from: Mapping[str, Any]
    finished_before: bool
    untrained: Sequence[float] = ()
    """mAP (0 to 1) of networks before they learned, where each trial has its own weights."""
    training: OwnTraining | None = None
    """How the networks of trials with their own weights were trained."""


class Taken(NamedTuple):
    """The network of a budget, or of a search without one."""

    network: Network
    final: Final | None
    """What finals said, where there were any."""


def conclude(repeats: Sequence[Repeat], settings: SearchSettings, out: Path) -> Searched:
    """Decide by the trials or, without any, by the largest alphas; write the architecture with what is known about it."""
    first = repeats[0].twins
    space = first.supernet.space
    alphas = torch.stack([repeat.twins.alphas.detach() for repeat in repeats]).mean(0)
    values = torch.stack([repeat.values for repeat in repeats]).mean(0)
    finished_before = all(repeat.finished_before for repeat in repeats)
    kept = {"alphas": {"columns": list(space.columns), "rows": alphas.tolist()}} if settings.has_supernet else {}
    trials = [replace(trial, supernet=i) for i, repeat in enumerate(repeats) for trial in repeat.trials]
    if trials or not settings.has_supernet:
        effects = Effects.of(space, trials) if trials else Effects.unknown(space)
        decisions = Decisions(effects, first.costs)
        trainings = [repeat.training for repeat in repeats if repeat.training]
        finals = Finals(trainings[0], settings.finals) if trainings and settings.finals else None
        taken = {limit: taken_within(limit, decisions, finals) for limit in limits_of(settings)}
        finished_before &= not (finals and finals.has_trained)
        # Each process has timed its own machine: the first decides for all.
        decides = first.machine.is_first
        own = decided_by_trials(decisions, taken, settings, alphas.tolist(), first.mixture_temperature) if decides else None
        found: Searched = first.machine.gather_objects([own])[0]
        if untrained := [score for repeat in repeats for score in repeat.untrained]:
            found = replace(found, doubts=(*found.doubts, *hardly_learned([trial.score for trial in trials], untrained)))
        if not trials:
            found = replace(found, doubts=(NO_TRIALS.format("The lowest cost"),))
        elif finals and not any(one.final for one in taken.values()):
            found = replace(found, doubts=(*found.doubts, NOTHING_DEEPER))
        kept["effects"] = {"columns": list(space.columns), "rows": decisions.effects.values.tolist()}
        if final := taken[largest_limit(settings)].final:
            kept["finals"] = final.to_dict()
    else:
        architecture = first.supernet.architecture_of(values)
        choices = choices_in(space, alphas.tolist(), first.mixture_temperature, architecture)
        doubts = [NO_TRIALS.format("The largest alphas")] * bool(settings.trials) + doubts_about(choices)
        found = Searched(architecture, tuple(map(tuple, alphas.tolist())), tuple(choices), tuple(doubts), settings.width)
        if not values.equal(alphas):
            kept["decided_by"] = {"columns": list(space.columns), "rows": values.tolist()}
    if settings.finals and settings.has_supernet:
        found = replace(found, doubts=(*found.doubts, NO_FINALS))
    if first.machine.is_first:
        certainty = {"choices": [asdict(choice) for choice in found.choices], "doubts": found.doubts}
        certainty |= {"findings": found.findings} if found.findings else {}
        made_from = {**repeats[0].made_from, **settings.of_decision}
        about = {"space": space.to_dict(), "width": found.width, **kept, **certainty, "made_from": made_from}
        found.architecture.save(out / ARCHITECTURE, **about)
        for budget, one in found.front.items():
            sizes = {"width": one.width, "image_height": settings.image_height, "image_width": settings.image_width}
            one.architecture.save(out / file_of_budget(budget), space=space.to_dict(), budget_macs=budget, **sizes)
        write_atomically(out / "architecture.svg", found.architecture.to_svg().encode())
    return replace(found, finished_before=finished_before)


def sizes_in_budget(file: Path) -> dict[str, float]:
    """Return width, image_height and image_width at which the architecture in a file has what its budget counted.

    Args:
        file: one that `conclude` wrote. Of another, and of a search without a budget, there are none.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        made_from = {**values, **values.get("made_from", {}), "width": values["width"]}
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return {}
    if not any(made_from.get(name) for name in ("budget_macs", "budget_ms", "budgets")):
        return {}
    return {name: made_from[name] for name in ("width", "image_height", "image_width") if name in made_from}


def limits_of(settings: SearchSettings) -> Sequence[float | None]:
    """Return the budgets, or that there is none."""
    return settings.budgets or (settings.budget_ms or settings.budget_macs,)


def largest_limit(settings: SearchSettings) -> float | None:
    """Return the budget of `architecture.json`."""
    return max(settings.budgets, default=settings.budget_ms or settings.budget_macs)


def taken_within(limit: float | None, decisions: Decisions, finals: Finals | None) -> Taken:
    """Return the network that the trials decide on within a budget or, where finals say so, a deeper one."""
    network = decisions.take(limit)
    final = finals.play(decisions, network, limit) if finals else None
    return Taken(final.winner.network if final else network, final)


def decided_by_trials(
    decisions: Decisions,
    taken: Mapping[float | None, Taken],
    settings: SearchSettings,
    alphas: Sequence[Sequence[float]],
    temperature: float,
) -> Searched:
    """Return what a search found, with the networks that were taken."""
    space = decisions.effects.space
    limit = largest_limit(settings)
    network, final = taken[limit]
    architecture = Architecture.from_cells(decisions.cells(network))
    width = fitted_width(architecture, settings, limit)
    choices = choices_in(space, alphas, temperature, architecture, decisions.comparisons(network))
    findings = [*([final.in_words()] if final else []), *findings_of(decisions, network, width, settings)]
    front = {budget: of_budget(decisions.cells(taken[budget].network), budget, settings) for budget in settings.budgets}
    is_cheapest = not decisions.effects.mean.any() and (final is None or final.has_confirmed)
    doubts = (NOTHING_FOUND,) if is_cheapest else ()
    return Searched(architecture, tuple(map(tuple, alphas)), tuple(choices), doubts, width, tuple(findings), front)


def hardly_learned(scores: Sequence[float], untrained: Sequence[float]) -> list[str]:
    """Return in a sentence that trials score little more than untrained networks; none where they score more."""
    now, before = median(scores), median(untrained)
    if now >= LEARNED * before:
        return []
    return [
        f"The networks of the trials have hardly learned: their median mAP is {now:.1%}, and {before:.1%} untrained. "
        "What learns first may not be what learns best: give the trials more epochs."
    ]


def of_budget(cells: Cells, budget: float, settings: SearchSettings) -> OfBudget:
    """Return the architecture of a budget of multiply-adds, with what it costs."""
    architecture = Architecture.from_cells(cells)
    width = fitted_width(architecture, settings, budget)
    return OfBudget(architecture, width, count_multiply_adds(whole_network(architecture, width, settings)))


def fitted_width(architecture: Architecture, settings: SearchSettings, limit: float | None) -> float:
    """Return the width that a network takes: that of the search or, where a budget sets it, the largest that meets it."""
    if not settings.fit_width or limit is None:
        return settings.width
    spent = milliseconds if settings.budget_ms else lambda network, _: count_multiply_adds(network)
    return largest_width(lambda width: spent(whole_network(architecture, width, settings), settings), limit)


def whole_network(architecture: Architecture, width: float, settings: SearchSettings) -> MSINet:
    """Return a network as it costs, without the classifiers of identities."""
    return MSINet(architecture, 1, channels_at(width), settings.image_size)


def milliseconds(network: MSINet, settings: SearchSettings) -> float:
    """Return the time of one image on this machine, in the form in which the budget counts."""
    return timing_on(settings.on).times([network], torch.get_num_threads(), SECONDS).item()


def findings_of(decisions: Decisions, network: Network, width: float, settings: SearchSettings) -> list[str]:
    """Return in sentences what a network of the trials has, and what it costs, measured on the network itself."""
    architecture = Architecture.from_cells(decisions.cells(network))
    compared = decisions.comparisons(network) if decisions.effects.mean.any() else []  # else nothing is known
    without = [one for one in compared if (one.decision, one.taken) == ("interaction", "none")]
    needless, places = sum(one.gain >= -one.error for one in without), len(architecture.interactions)
    found = []
    if needless == places:
        found.append("No interaction is needed here: none loses no more than a standard error at every place.")
    elif needless:
        found.append(f"No interaction is needed at {needless} of {places} places.")
    if spared := len(without) - needless:
        reason = "To meet the budget" if settings.has_budget else "Within a standard error of the whole network"
        found.append(f"{reason}, {spared} of {places} places do without an interaction that would gain.")
    whole = whole_network(architecture, width, settings)
    multiply_adds = count_multiply_adds(whole)
    spent_on = f"{in_short(multiply_adds)} multiply-adds for an image of {settings.image_height} x {settings.image_width}"
    fitted = f" (--width {width:g}), fitted to the budget" if settings.fit_width else ""
    found.append(f"At {width:g} of the width{fitted}, the network has {spent_on}.")
    return found + compared_with_budget(whole, multiply_adds, settings)


def compared_with_budget(whole: MSINet, multiply_adds: int, settings: SearchSettings) -> list[str]:
    """Return in a sentence whether a network meets the budget, in the form in which the budget counts; none without one."""
    limit = settings.budget_macs or max(settings.budgets, default=None)
    spent, unit, form = multiply_adds, "multiply-adds", ""
    if settings.budget_ms:
        limit, spent, unit = settings.budget_ms, milliseconds(whole, settings), "ms"
        form = "" if settings.on == "torch" else f" by {timing_on(settings.on).runtime}"
    if not limit:
        return []
    words, over = ("meets", "") if spent <= limit else ("misses", f" by {100 * (spent / limit - 1):.2g} %")
    return [f"With {in_short(spent)} {unit}{form} it {words} the budget of {in_short(limit)} {unit}{over}."]


def choices_in(
    space: SearchSpace,
    alphas: Sequence[Sequence[float]],
    temperature: float,
    architecture: Architecture,
    comparisons: Sequence[Comparison] = (),
) -> list[Choice]:
    """Return the choice of each decision, with its share of the mixture; of cells that are left out, none.

    Where trials decided, their comparisons name the rivals.
    """
    compared = {(one.decision, one.row): one for one in comparisons}
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
        for choice, own, number in zip(found, shares, numbers, strict=True):
            if one := compared.get((decision.name, number)):
                share = own[[*decision.options].index(one.rival)]
                choice = replace(choice, rival=str(one.rival), rival_share=share, gain=one.gain, error=one.error)
            choices.append(replace(choice, row=number))
    return choices


def place_rows(space: SearchSpace, architecture: Architecture) -> list[int]:
    """Return the numbers of an architecture's places among those of its space."""
    counts = [len(stage) * space.interactions_per_cell for stage in architecture.cells]
    return [s * space.places_per_stage + i for s, count in enumerate(counts) for i in range(count)]
