"""The search of an architecture: weights and alphas in turn, on different identities (report, section 3.1)."""

from dataclasses import replace
from pathlib import Path

from msinet.architecture_search.conclusion import ARCHITECTURE, Repeat, Searched, conclude
from msinet.architecture_search.finals import in_prospect
from msinet.architecture_search.settings import TRIALS, SearchSettings
from msinet.architecture_search.trained_trials import OwnTraining, TrainedTrials, draw_apart, with_whole_identities
from msinet.architecture_search.trials import can_be_scored, number_of_trials, run_trials
from msinet.architecture_search.twins import TwinsSearch, space_of
from msinet.data.identity_splits import hold_out_validation
from msinet.data.records import ReidSplits
from msinet.engine.checkpoint import RunFolder
from msinet.engine.feed import Caches, Feed, open_caches
from msinet.engine.interrupts import stop_on_interrupt
from msinet.engine.loop import Loop, Shown
from msinet.engine.machine import Machine
from msinet.engine.run_data import RunData
from msinet.files.lock import sole_writer
from msinet.files.paths import user_path


def search(
    splits: ReidSplits,
    settings: SearchSettings | None = None,
    out: str | Path = "runs/search",
    machine: Machine | None = None,
    method: type[TwinsSearch] = TwinsSearch,
) -> Searched:
    """Search an architecture on the training split.

    Writes `architecture.json`, its picture `architecture.svg`, the log `search.jsonl` with all alphas after each epoch, the
    trials, a folder of each finalist and a checkpoint to `out`; several repeats have a folder each for what is theirs. Of
    several budgets, `architecture.json` has the largest, and each has an `architecture-BUDGET.json`. Called again with the
    same arguments, it resumes.

    Args:
        splits: the data; only `train` is used.
        settings: by default the published ones.
        out: folder of the files.
        machine: by default the one that the settings ask for.
        method: a variant of the search.

    Raises:
        DatasetError: there is nothing to train on.
        SettingsError: there are too few identities for a batch, or no trials for a budget.
        CheckpointError: `out` holds a search with other settings or data.
        BusyError: another process writes to `out`.
        FileError: `out` cannot be written, or an image cannot be read.
        TrainingError: the loss is not finite.
        KeyboardInterrupt: stopped by Ctrl-C, after a checkpoint.
    """
    settings, out = settings or SearchSettings(), user_path(out)
    settings.require_trials_for_a_budget()
    machine = machine or Machine(settings.machine)
    with sole_writer(out, machine.is_first):
        return _search(splits, settings, out, machine, method)


def _search(
    splits: ReidSplits, settings: SearchSettings, out: Path, machine: Machine, method: type[TwinsSearch]
) -> Searched:
    if settings.repeats == 1:
        return conclude([_repeat(splits, settings, out, machine, method)], settings, out)
    repeats = []
    for repeat in range(settings.repeats):
        folder, own = out / f"repeat-{repeat}", replace(settings, seed=settings.seed + repeat)
        with sole_writer(folder, machine.is_first):
            repeats.append(_repeat(splits, own, folder, machine, method))
    return conclude(repeats, settings, out)


def _repeat(splits: ReidSplits, settings: SearchSettings, out: Path, machine: Machine, method: type[TwinsSearch]) -> Repeat:
    """Train what a folder's search trains, as far as it is not done, and run its trials."""
    train = hold_out_validation(splits, settings.validation_share).train
    sides = method.sides_of(settings, train)
    has_trials = settings.trials > 0 and can_be_scored(sides, settings)
    variant = {"variant": method.name} if method.name else {}
    data = RunData.of(splits, out, "search", machine)
    folder = RunFolder(out, "search", settings.of_weights | variant, data, settings.checkpoint_minutes, machine.is_first)
    if machine.is_first and not folder.has_checkpoint:
        (out / ARCHITECTURE).unlink(missing_ok=True)  # of a search whose checkpoint was deleted
    caches = open_caches(train, settings, machine)
    if settings.has_supernet:
        return _by_supernet(method(settings, space_of(settings), sides, machine), folder, caches, has_trials)
    training = OwnTraining(method, settings, with_whole_identities(sides, train), machine, caches, data, out)
    return _by_own_weights(training, folder, has_trials)


def _by_supernet(twins: TwinsSearch, folder: RunFolder, caches: Caches, has_trials: bool) -> Repeat:
    """Train a supernet, or take the trained one in a folder, and run its trials."""
    settings, sides, machine, out = twins.settings, twins.sides, twins.machine, folder.out
    feeds = (
        Feed(sides.split.weight_images, settings, sides.weight_identities),
        Feed(sides.split.alpha_images, settings, sides.alpha_identities, stream=1),
    )
    if not folder.has_checkpoint:
        twins.begin_from_model()
    loop = Loop(folder, settings.epochs * len(feeds[0]), len(feeds[0]), machine)
    if tensors := loop.resume():
        twins.restore(tensors)
    else:
        twins.fill_memories(caches)
    finished_before = loop.step == loop.total and number_of_trials(out) >= settings.trials * has_trials
    if loop.step < loop.total and machine.is_first:
        (out / TRIALS).unlink(missing_ok=True)  # of such a search
    alternate(twins, feeds, loop, caches)
    twins.follow_schedules(loop.total - 1, loop.steps_per_epoch)
    values = twins.decide(caches)
    trials = run_trials(twins, caches, out) if has_trials else []
    return Repeat(twins, values, trials, folder.made_from, finished_before)


def _by_own_weights(training: OwnTraining, folder: RunFolder, has_trials: bool) -> Repeat:
    """Train the networks of the trials by themselves, as far as a folder does not have their scores."""
    if not has_trials:
        twins = training.begin()
        return Repeat(twins, twins.alphas.detach(), [], folder.made_from, True)
    settings = training.settings
    drawn = draw_apart(space_of(settings), settings.trials, settings.seed)
    run = TrainedTrials(training, drawn, folder, then=in_prospect(settings))
    finished_before = run.resume()
    trials = run.trials if finished_before else run.run()
    return Repeat(run.twins, run.twins.alphas.detach(), trials, folder.made_from, finished_before, run.untrained, training)


def alternate(twins: TwinsSearch, feeds: tuple[Feed, Feed], loop: Loop, caches: Caches) -> None:
    """Train weights and alphas in turn until the run's end."""
    settings, machine = twins.settings, twins.machine
    steps = range(loop.step, loop.total)
    weight_batches, alpha_batches = (feed.batches(steps, machine, caches) for feed in feeds)
    loop.begin("search", feeds[0].work)
    with machine.tracker(settings.tracker, "search", loop.folder.out) as log, stop_on_interrupt(machine.processes) as stop:
        for weight_batch, alpha_batch in zip(weight_batches, alpha_batches, strict=True):
            twins.follow_schedules(loop.step, loop.steps_per_epoch)
            loss, alpha_loss = twins.step(weight_batch, alpha_batch)
            shown = {
                "loss": Shown(weight_batch.positions, feeds[0].records),
                "alpha_loss": Shown(alpha_batch.positions, feeds[1].records),
            }
            loop.record({"loss": loss, "alpha_loss": alpha_loss}, shown)
            if loop.ends_epoch:
                loop.log_epoch(log, alphas=twins.alphas.tolist(), mixture_temperature=twins.mixture_temperature)
            stops = loop.end_step(stop)
            if stops or loop.save_is_due:
                loop.save(twins.tensors())
            if stops:
                raise KeyboardInterrupt
