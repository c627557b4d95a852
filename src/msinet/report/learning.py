"""Parts of the page on the network, its search and its training, from the files of a run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from msinet.architecture_search.certainty import UNSURE, Choice, choices_of, doubts_about, shares_of
from msinet.errors import FileError
from msinet.evaluation.record import ModelFacts
from msinet.files.os_errors import in_words
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.report import charts
from msinet.report.speed import Cost


@dataclass(frozen=True)
class NetworkPart:
    """The network: a picture, where it has an architecture, and its cost."""

    kind: str
    picture: Markup | None
    cost: str


@dataclass(frozen=True)
class PlacedChoice:
    """What the search chose at one place."""

    place: str
    choice: Choice


@dataclass(frozen=True)
class SearchPart:
    """The search: shares of the interactions over time, losses, and how certain the choices are."""

    colours: dict[str, str]
    """Colour of each interaction."""
    shares: Markup
    losses: Markup
    choices: list[PlacedChoice]
    doubts: str


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
            f"{cost.parameters / 1e6:.2f} million parameters; {cost.multiply_adds / 1e9:.3f} billion multiply-adds for an "
            f"image of {height} x {width}; {cost.images_per_second:.0f} images a second on the processor of this computer, "
            "when the report was made"
        )
    architecture = _architecture_of(model)
    return NetworkPart(model.kind, Markup(architecture.to_svg()) if architecture else None, words)


def search_part(run: Path, model: ModelFacts | None) -> SearchPart | None:
    """Return the part on the search that a run's folder has; None without a search.

    Raises:
        FileError: a log cannot be read.
    """
    log, architecture = read_log(run / "search.jsonl"), _architecture_of(model)
    if not log or architecture is None:
        return None
    columns = _columns_of(run / "architecture.json", len(log[0]["alphas"][0]))
    shares = [shares_of(epoch["alphas"], epoch.get("mixture_temperature", 1.0)) for epoch in log]
    places = _places_of(architecture)
    choices = choices_of(shares[-1], architecture.interactions, columns)
    unsure = sum(choice.margin < UNSURE for choice in choices)
    words = [f"At {unsure} of {len(choices)} places the first two shares differ by less than {UNSURE}."] if unsure else []
    losses = {name: _series(log, key) for name, key in (("weights", "loss"), ("alphas", "alpha_loss"))}
    return SearchPart(
        colours={name: INTERACTIONS[name].colour for name in columns},
        shares=Markup(charts.shares_over_time(np.array(shares), columns, architecture.interactions, places)),
        losses=Markup(charts.curves(losses, "epoch", "loss", "Losses of the search")),
        choices=[PlacedChoice(place, choice) for place, choice in zip(places, choices, strict=True)],
        doubts=" ".join(words + doubts_about(choices)),
    )


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


def _series(log: Sequence[Mapping[str, Any]], key: str, factor: float = 1) -> tuple[list[float], list[float]]:
    return [epoch["epoch"] for epoch in log], [factor * epoch[key] for epoch in log]


def _architecture_of(model: ModelFacts | None) -> Architecture | None:
    return Architecture.from_dict(model.arguments["architecture"]) if model and "architecture" in model.arguments else None


def _columns_of(file: Path, count: int) -> list[str]:
    """Return the interactions that a search chose from; without its file, the first of all."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))["alphas"]["columns"]
    except (OSError, ValueError, KeyError, TypeError):
        return list(INTERACTIONS)[:count]


def _places_of(architecture: Architecture) -> list[str]:
    return [
        f"stage {s}, cell {c}, {'middle' if i == 0 else 'end'}"
        for s, stage in enumerate(architecture.stages, 1)
        for c, cell in enumerate(stage, 1)
        for i in range(len(cell))
    ]
