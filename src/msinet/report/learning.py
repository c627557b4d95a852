"""Parts of the page on the network, its search and its training, from the files of a run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from msinet.architecture_search.certainty import UNSURE, Choice, choices_of, doubts_about, shares_of
from msinet.architecture_search.settings import TRIALS
from msinet.errors import FileError, SettingsError
from msinet.evaluation.record import ModelFacts
from msinet.files.os_errors import in_words
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.report import charts
from msinet.report.decisions import (
    IN_WORDS,
    DecidedPlace,
    SearchFile,
    decided_places,
    kinds_of,
    names_of_places,
    rows_of,
)
from msinet.report.speed import Cost

MEANS = ("alphas", "loss", "alpha_loss")
"""What several repeats of a search log of an epoch, each its own."""


@dataclass(frozen=True)
class NetworkPart:
    """The network: a picture, where it has an architecture, and its cost."""

    kind: str
    picture: Markup | None
    cost: str


@dataclass(frozen=True)
class SearchPart:
    """The search: shares of the interactions over time, trials, losses, and how certain the choices are."""

    colours: dict[str, str]
    """Colour of each interaction."""
    shares: Markup | None
    """None where no alphas learned."""
    losses: Markup | None
    """None where no alphas learned."""
    trials: Markup | None
    findings: str
    """What the trials found, in sentences."""
    kinds: list[str]
    """Kinds of decisions, in words: a place has a choice for each."""
    places: list[DecidedPlace]
    by_trials: bool
    """Whether trials decided, not the shares."""
    has_finals: bool
    """Whether networks were trained longer after the trials."""
    doubts: str
    chose_network: bool
    """Whether the network on the page is the one that the search chose."""


@dataclass(frozen=True)
class TrainingPart:
    """The training: losses, and scores on the validation identities, where there are any."""

    losses: Markup
    validation: Markup | None


def network_part(model: ModelFacts | None, cost: Cost | None) -> NetworkPart | None:
    """Return the part on a network; None without a network."""
    if model is None:
        return None
    words = ""
    if cost:
        height, width = model.image_size
        words = (
            f"{cost.parameters / 1e6:.2f} million parameters; {_amount(cost.multiply_adds)} multiply-adds for an image of "
            f"{height} x {width}; {cost.images_per_second:.0f} images a second on the processor of this computer, "
            "when the report was made"
        )
    architecture = _architecture_of(model)
    return NetworkPart(model.kind, Markup(architecture.to_svg()) if architecture else None, words)


def search_part(run: Path, model: ModelFacts | None) -> SearchPart | None:
    """Return the part on the search that a run's folder has; None without a search.

    Raises:
        FileError: a log cannot be read.
    """
    log, said, network = _search_log(run), SearchFile.read(run / "architecture.json"), _architecture_of(model)
    architecture = said.architecture or network
    if not log or architecture is None:
        return None
    weighed = [epoch for epoch in log if "alphas" in epoch]
    count, wide = (len(weighed[0]["alphas"]), len(weighed[0]["alphas"][0])) if weighed else said.shape
    rows, columns = rows_of(architecture, count), said.interactions(wide)
    if not rows or not set(architecture.interactions) <= set(columns):  # The log is that of another search.
        return None
    alphas = [[epoch["alphas"][row][: len(columns)] for row in rows] for epoch in weighed]
    shares = [shares_of(own, epoch.get("mixture_temperature", 1.0)) for own, epoch in zip(alphas, weighed, strict=True)]
    choices, doubts = said.choices(architecture, rows), said.sentences("doubts")
    if not choices and len(columns) > 1 and shares:
        found = choices_of(shares[-1], architecture.interactions, columns)
        choices = [replace(choice, row=row) for choice, row in zip(found, rows, strict=True)]
        doubts = doubts_about(choices)
    by_trials = any(choice.gain is not None for choice in choices)
    drawn = losses = None
    if shares:
        series = {name: _series(log, key) for name, key in (("weights", "loss"), ("alphas", "alpha_loss"))}
        losses = Markup(charts.curves(series, "epoch", "loss", "Losses of the search"))
        places = names_of_places(architecture)
        drawn = Markup(charts.shares_over_time(np.array(shares), columns, architecture.interactions, places))
    return SearchPart(
        colours={name: INTERACTIONS[name].colour for name in columns},
        shares=drawn,
        losses=losses,
        trials=_trials(run, architecture, said.finals),
        findings=" ".join(said.sentences("findings")),
        kinds=[IN_WORDS[kind] for kind in kinds_of(choices)],
        places=decided_places(choices, architecture, rows),
        has_finals=bool(said.finals),
        by_trials=by_trials,
        doubts=" ".join([*([] if by_trials else _undecided(choices)), *doubts]),
        chose_network=architecture == network,
    )


def _trials(run: Path, architecture: Architecture, finals: Sequence[tuple[int, float]]) -> Markup | None:
    """Return a chart of a search's trials and finals, of all repeats; None where there are no trials.

    Raises:
        FileError: a line is damaged.
    """
    lines = [line for file in (run / TRIALS, *sorted(run.glob(f"repeat-*/{TRIALS}"))) for line in read_log(file)]
    try:
        tried = [(_convolutions(Architecture.from_dict(line)), float(line["mAP"])) for line in lines]
    except (SettingsError, KeyError, TypeError, ValueError, AttributeError):
        return None
    return Markup(charts.scores_by_depth(tried, finals, _convolutions(architecture))) if tried else None


def _convolutions(architecture: Architecture) -> int:
    """Return the number of light 3x3 convolutions in an architecture's branches."""
    return sum(sum(place.depths) for place in architecture.places)


def _undecided(choices: Sequence[Choice]) -> list[str]:
    """Return in a sentence how many choices the shares do not tell from another; none where they tell all."""
    count = sum(choice.margin < UNSURE for choice in choices)
    what = "places" if len(kinds_of(choices)) == 1 else "decisions"
    return [f"At {count} of {len(choices)} {what} the first two shares differ by less than {UNSURE}."] if count else []


def training_part(run: Path) -> TrainingPart | None:
    """Return the part on the training that a run's folder has; None without a training.

    Raises:
        FileError: the log cannot be read.
    """
    log = read_log(run / "train.jsonl")
    if not log:
        return None
    losses = {name: _series(log, name) for name in ("loss", "identity", "triplet", "alignment") if name in log[0]}
    scored = [epoch for epoch in log if "validation_mAP" in epoch]
    scores = {name: _series(scored, key, 100) for name, key in (("mAP", "validation_mAP"), ("rank-1", "validation_rank_1"))}
    words = "Scores on the validation identities"
    return TrainingPart(
        losses=Markup(charts.curves(losses, "epoch", "loss", "Losses of the training")),
        validation=Markup(charts.curves(scores, "epoch", "%", words)) if scored else None,
    )


def read_log(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; none where there is no log.

    Raises:
        FileError: a line is damaged.
    """
    if not file.is_file():
        return []
    try:
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {file}: {in_words(error)}; move it away to leave it out of the report") from error


def _search_log(run: Path) -> list[dict[str, Any]]:
    """Return the log of a search; of several repeats, the means of their logs."""
    logs = [read_log(file) for file in (run / "search.jsonl", *sorted(run.glob("repeat-*/search.jsonl"))) if file.is_file()]
    if len(logs) < 2 or (run / "search.jsonl").is_file():
        return logs[0] if logs else []
    return [
        {**epochs[0], **{name: np.mean([epoch[name] for epoch in epochs], 0).tolist() for name in MEANS}}
        for epochs in zip(*logs, strict=False)
    ]


def _series(log: Sequence[Mapping[str, Any]], key: str, factor: float = 1) -> tuple[list[float], list[float]]:
    return [epoch["epoch"] for epoch in log], [factor * epoch[key] for epoch in log]


def _amount(count: int) -> str:
    return f"{count / 1e9:.3f} billion" if count >= 1e8 else f"{count / 1e6:.2f} million"


def _architecture_of(model: ModelFacts | None) -> Architecture | None:
    return Architecture.from_dict(model.arguments["architecture"]) if model and "architecture" in model.arguments else None
