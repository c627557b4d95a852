"""Facts for the page: the scores and their uncertainty, the rules, and what made the scores."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.record import DataFacts, EvaluateCommand, Record
from msinet.evaluation.result import RetrievalResult


@dataclass(frozen=True)
class Tile:
    """One score."""

    name: str
    percent: float
    uncertainty: str
    """95 % interval or standard deviation, in %."""


@dataclass(frozen=True)
class Fact:
    """One line of the table of what made the scores."""

    name: str
    value: str


@dataclass(frozen=True)
class Head:
    """The top of the page, and the table at its end."""

    title: str
    summary: str
    tiles: list[Tile]
    rules: str
    facts: list[Fact]


def head_of(result: RetrievalResult, data: DataFacts) -> Head:
    """Return title, scores, rules and facts of a result."""
    sizes = [f"{size} {name}" for name, size in asdict(data).items() if isinstance(size, int) and size and name != "skipped"]
    return Head(
        title=f"Re-identification: {data.name}",
        summary=f"{', '.join(sizes)} images. The test identities never appear in training.",
        tiles=[Tile(name, value, _uncertainty(result, name)) for name, value in result.table()],
        rules=_rules(result),
        facts=_facts(result.record, data),
    )


def _uncertainty(result: RetrievalResult, name: str) -> str:
    if name in result.intervals:
        low, high = result.intervals[name]
        return f"{100 * low:.1f} to {100 * high:.1f}"
    return f"± {100 * result.deviations[name]:.1f}" if name in result.deviations else ""


def _rules(result: RetrievalResult) -> str:
    """Return in words what was scored, and how."""
    draws = result.evidence.draws
    uncertainty = (
        f"its standard deviation over {draws.count} draws of the gallery"
        if draws and result.deviations
        else "its 95 % interval by bootstrap over identities"
    )
    sentences = [
        f"{result.queries} queries, {result.gallery} in the gallery, protocol {result.protocol}.",
        PROTOCOLS[result.protocol].description,
        "A non-match as similar as a match is ranked before it.",
        f"Below each score: {uncertainty}.",
    ]
    if count := len(result.without_right_answer):
        sentences.append(f"{count} queries without a match are not scored.")
    return " ".join(sentences)


def _facts(record: Record, data: DataFacts) -> list[Fact]:
    command, model = record.command, record.model
    values = {
        "data": f"{data.name}, fingerprint {data.fingerprint}",
        "data folder": str(command.data) if command else "",
        "model folder": str(command.model) if isinstance(command, EvaluateCommand) else "",
        "weights": model.weights if model else "",
        "embeddings": _words(asdict(record.embeddings)) if record.embeddings else "",
        "before ranking": record.scoring.in_words() if record.scoring else "",
        "settings of the search": _words(record.search or {}),
        "settings of the training": _words(record.training or {}),
        "machine": _words(asdict(record.machine)) if record.machine else "",
        "versions": _words(record.versions),
    }
    return [Fact(name, value) for name, value in values.items() if value]


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
