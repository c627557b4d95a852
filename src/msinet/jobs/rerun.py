"""Repeating the command that a result records, and comparing both results. Imports no torch by itself."""

from dataclasses import asdict, fields
from pathlib import Path

from msinet.architecture_search.settings import SearchSettings
from msinet.data.picture_list import PictureList
from msinet.data.records import ReidSplits
from msinet.engine.evaluate import evaluate
from msinet.engine.opening import open_machine
from msinet.engine.run_data import pictures_of
from msinet.engine.settings import MachineSettings
from msinet.errors import DatasetError, ResultError, listed
from msinet.evaluation.record import DataFacts, EvaluateCommand, Record, RunCommand
from msinet.evaluation.result import RetrievalResult
from msinet.extras import extras_named
from msinet.files.lock import sole_writer
from msinet.jobs.open_model import open_model
from msinet.jobs.score import Source
from msinet.training.settings import TrainSettings


def source_of(result: RetrievalResult, moved_to: Path | None = None) -> Source:
    """Read the data of a result's command again, or where it has been moved to.

    Raises:
        ResultError: no command made the result.
        DatasetError: the data is not what it was.
    """
    command, data = command_of(result), result.record.data
    if not moved_to and not command.data.exists():
        raise DatasetError(f"the result's data was in {command.data}, which is gone: set data to where it is now", "data")
    source = Source.read(moved_to or command.data, command.reading)
    now, before = source.splits.fingerprint(), data.fingerprint if data else "unknown"
    if now != before:
        raise DatasetError(
            f"the data has changed: images, labels or splits of {source.path} are not those of the result "
            f"({before}, now {now}): repeat it on the data that made it, or score this data by msinet evaluate"
        )
    # A result of version 0.1, or of embeddings, does not know its images.
    if data and data.pictures and PictureList.of(source.splits).digest != data.pictures:
        raise DatasetError(
            f"the images have changed: under the same names and labels {source.path} holds other ones than those that made "
            "the result: repeat it on the images that made it, or score these by msinet evaluate"
        )
    return source


def rerun(result: RetrievalResult, splits: ReidSplits, out: Path) -> RetrievalResult:
    """Repeat what a result's command did and return the new result, which is also written to `out`.

    Args:
        result: one that `msinet run` or `msinet evaluate` wrote.
        splits: its data, from `source_of`.
        out: folder for all files of the repetition; stopped and called again, it resumes.

    Raises:
        ResultError: no command made the result, or its settings are unknown to this version.
        DatasetError: the file of drawn galleries is gone.
        MissingExtraError: what made the result needs PyTorch, which is not installed.
        What `run` or `evaluate` raises.
    """
    command = command_of(result)
    if isinstance(command, EvaluateCommand):
        return _evaluate_again(result, command, splits, out)
    with extras_named():
        from msinet.jobs.fine_tune import fine_tune
        from msinet.jobs.run import run
    search, training = _settings_of(result.record)
    if training.init is not None:
        return fine_tune(splits, training, out, command.protocol, command).result
    return run(splits, search, training, out, command.protocol, command).result


def command_of(result: RetrievalResult) -> RunCommand | EvaluateCommand:
    """Return the command that made a result. Raises ResultError where none is recorded."""
    if result.record.command is None:
        raise ResultError(
            "this result records no command, so score again by hand: only results of msinet run, and of msinet evaluate of "
            "a model, can be repeated"
        )
    return result.record.command


def _evaluate_again(result: RetrievalResult, command: EvaluateCommand, splits: ReidSplits, out: Path) -> RetrievalResult:
    if command.draws and not command.draws.is_file():
        raise DatasetError(f"the drawn galleries are gone: put back {command.draws}, or score anew by msinet evaluate")
    model = open_model(command.model)
    machine = open_machine(MachineSettings(**command.machine), [model])
    options = {"task": result.task, "camera_pairs": command.camera_pairs, "draws": command.draws}
    with sole_writer(out, machine.is_first):
        again = evaluate(model, splits, result.protocol, result.record.scoring, machine, **options)
        again = again.with_record(command=command, data=DataFacts.of(splits, pictures_of(splits, machine)))
        if machine.is_first:
            again.save(out / "result.json")
    return again


def _settings_of(record: Record) -> tuple[SearchSettings, TrainSettings]:
    from msinet.engine.checkpoint import LEFT_SEARCH

    device = "cpu" if record.machine and record.machine.device == "cpu" else "auto"
    training = dict(record.training or {})
    # A switch of version 0.1 that is gone is left out where it was set to what every search does today.
    search = {name: value for name, value in (record.search or {}).items() if (name, value) not in LEFT_SEARCH.items()}
    unknown = [name for name in search if name not in {field.name for field in fields(SearchSettings)}]
    unknown += [name for name in training if name not in {field.name for field in fields(TrainSettings)}]
    if unknown:
        made_by = record.versions.get("msinet", "another version")
        raise ResultError(
            f"this result was made with settings that this version does not have: install the one that made it, {made_by}"
            f"{listed(unknown)}"
        )
    return SearchSettings(**search, device=device), TrainSettings(**training, device=device)


def differences(before: RetrievalResult, after: RetrievalResult) -> list[tuple[str, str, str]]:
    """Return what differs between two results: (what, before, after), scores and weights first, then possible reasons."""
    facts = []
    for result in (before, after):
        record = result.record
        weights = {"weights": record.model.weights if record.model else ""}
        scores = {name: f"{value:.4f}" for name, value in result.table()}
        facts.append(weights | scores | (asdict(record.machine) if record.machine else {}) | dict(record.versions))
    names = list(facts[0] | facts[1])
    values = [(name, str(facts[0].get(name)), str(facts[1].get(name))) for name in names]
    return [(name, one, other) for name, one, other in values if one != other]
