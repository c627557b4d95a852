"""Doing again what a result file says, to see whether the same comes out."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from msinet.data.records import ReidSplits
from msinet.engine.evaluate import evaluate_all
from msinet.engine.run import run
from msinet.engine.runtime import Progress, make_accelerator
from msinet.engine.settings import MachineSettings, SearchSettings, TrainSettings
from msinet.errors import DatasetError
from msinet.evaluation.metrics import RetrievalResult
from msinet.evaluation.settings import ScoringSettings
from msinet.model.model_files import load_model


def run_command(data: Path, options: Any, protocol: str | None) -> dict[str, Any]:
    """Return what `msinet run` was asked to do besides its settings, as JSON values for its result."""
    return {"data": str(data.resolve()), "options": asdict(options), "protocol": protocol}


def evaluate_command(
    data: Path,
    options: Any,
    model: Path,
    settings: MachineSettings,
    scoring: ScoringSettings | None = None,
    camera_pairs: bool = False,
    draws: Path | None = None,
) -> dict[str, Any]:
    """Return what `msinet evaluate` was asked to do besides protocol and task, as JSON values for its results."""
    asked = {"camera_pairs": camera_pairs, "scoring": asdict(scoring or ScoringSettings()), "settings": asdict(settings)}
    if draws:
        asked["draws"] = str(draws.resolve())
    return {"data": str(data.resolve()), "options": asdict(options), "model": str(model.resolve()), **asked}


def rerun(
    result: RetrievalResult, read: Callable[[dict[str, Any]], ReidSplits], out: Path, progress: Progress | None = None
) -> RetrievalResult:
    """Do again what a result's command did and return the new result, which also stands in `out`.

    Args:
        result: one that `msinet run` or `msinet evaluate` wrote.
        read: reads the data that a command names.
        out: folder for all files of the repetition; stopped and called again, it goes on.
        progress: is told how far it is.

    Raises:
        DatasetError: no command made the result, so nobody knows from which folder; or the data is no longer what it was.
        What `run` or `evaluate` raises.
    """
    if not (command := result.info.get("command")):
        raise DatasetError("this result names no command: only msinet run, and msinet evaluate of a model, can be repeated")
    splits, before = read(command), result.info["data"]["fingerprint"]
    if splits.fingerprint() != before:
        raise DatasetError(f"the data has changed: {command['data']} was {before} and is {splits.fingerprint()}")
    if "model" in command:
        again = _evaluate_again(result, splits, progress)
        again.info["command"] = command
        if make_accelerator(MachineSettings(**command["settings"])).is_main_process:
            again.save(out / "result.json")
        return again
    settings, on = result.info["settings"], "cpu" if result.info["machine"]["device"] == "cpu" else "auto"
    search, train = SearchSettings(**settings["search"], device=on), TrainSettings(**settings["train"], device=on)
    return run(splits, search, train, out, command["protocol"], progress, command)


def _evaluate_again(result: RetrievalResult, splits: ReidSplits, progress: Progress | None) -> RetrievalResult:
    command = result.info["command"]
    settings, scoring = MachineSettings(**command["settings"]), ScoringSettings(**command["scoring"])
    draws = Path(command["draws"]) if "draws" in command else None
    if draws and not draws.is_file():
        raise DatasetError(f"the drawn galleries are gone: there is no {draws}")
    if result.task not in splits.scored():
        raise DatasetError(f"the data has changed: {command['data']} has no test size {result.task!r} any more")
    model, pairs = load_model(command["model"]), command["camera_pairs"]
    return evaluate_all(model, splits, [result.task], [result.protocol], scoring, settings, progress, pairs, draws)[0]


def differences(before: RetrievalResult, after: RetrievalResult) -> list[tuple[str, str, str]]:
    """Return what differs between two results: (what, before, after), scores and weights first, then possible reasons."""
    facts = []
    for result in (before, after):
        weights = {"weights": result.info["model"].get("weights", "")}
        scores = {name: f"{value:.4f}" for name, value in result.table()}
        facts.append(weights | scores | result.info["machine"] | result.info["versions"])
    names = list(facts[0] | facts[1])
    values = [(name, str(facts[0].get(name)), str(facts[1].get(name))) for name in names]
    return [(name, one, other) for name, one, other in values if one != other]
