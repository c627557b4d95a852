"""The verb `run`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from msinet.architecture_search.settings import SearchSettings
from msinet.cli.app import NeedsRecipe
from msinet.cli.bars import bars
from msinet.cli.options import Data, Out, Recipe, SharedOptions
from msinet.cli.reading import read, require_recipe
from msinet.cli.tables import show_result, show_searched, show_steps
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings
from msinet.files.lock import sole_writer
from msinet.panels import NETWORK, SCORING
from msinet.recipes import SMALL_DATA, fine_tuning
from msinet.training.settings import TrainSettings

NOISE = "none"
"""In place of a model to start from: noise."""


def run(
    data: Data,
    *,
    out: Out,
    init: Annotated[str | None, NETWORK] = None,
    recipe: Recipe = None,
    protocol: Annotated[str | None, SCORING] = None,
    reading: DataSettings = DataSettings(),
    shared: SharedOptions = SharedOptions(),
    search: Annotated[SearchSettings, Parameter(name="--search")] = SearchSettings(),
    train: Annotated[TrainSettings, Parameter(name="--train")] = TrainSettings(),
) -> None:
    """Search an architecture, train it, score it and write a report. Stopped and started again, it resumes.

    With --init, a model that exists takes the place of the search: it is scored, adapted, fine-tuned and adapted again. With
    the recipe small-data and no budget, run first trains one that ships and one from noise for a while, and goes on from
    what does better on training identities that are held out.

    Args:
        init: Model to start from: its folder, a name that msinet models lists, or none for noise, which searches.
        out: Folder for the architecture, the model, the result, the report and the logs.
        protocol: Protocol of scoring, as `msinet evaluate --help` lists them; by default the one that fits the data.
    """
    from msinet.evaluation.record import RunCommand
    from msinet.jobs.fine_tune import fine_tune
    from msinet.jobs.run import run as run_all
    from msinet.report.page import write_report

    init, searches = init or train.init, init == NOISE or search.init or search.has_budget
    init = None if init == NOISE else init
    require_recipe(recipe, data, reading, init)
    search, train = replace(search, **shared.given), replace(train, **shared.given)
    if recipe == SMALL_DATA and not (init or searches):
        _require_start(data, reading, train, out)
    with bars() as first, sole_writer(out, first):
        source = read(data, reading)
        command = RunCommand(data.resolve(), reading, protocol)
        if init:
            tuned = fine_tune(source.splits, replace(train, init=init), out, protocol, command)
            if first:
                write_report(out, source.splits.gallery)
            show_steps(tuned)
            say(f"Written to {out}: report.html, model.safetensors, model.json, result.json, steps.json")
            return
        finished = run_all(source.splits, search, train, out, protocol, command)
        if first:
            write_report(out, source.splits.gallery)
    show_searched(finished.searched)
    show_result(finished.result)
    if finished.finished_before:
        say("Searched and trained before with these settings and this data: only scored anew")
    say(f"Written to {out}: report.html, architecture.json, model.safetensors, model.json, result.json")


def _require_start(data: Path, reading: DataSettings, settings: TrainSettings, out: Path) -> None:
    """Say what a training had better start from. Raises NeedsRecipe if that is a model: `main` calls the verb with it."""
    from msinet.engine.machine import Machine
    from msinet.jobs.choose_start import choose_start
    from msinet.jobs.score import Source
    from msinet.model.initial_weights import learned_images

    with bars() as first, sole_writer(out, first):
        start = choose_start(Source.read(data, reading).splits, settings, out, Machine(settings.machine))
    say(f"Starting {start.in_words()}")
    if start.init:
        raise NeedsRecipe(fine_tuning(learned_images(start.init)), start.init)
