"""Experiment: the gain of the search, and what each part of it contributes."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from msinet.architecture_search.effects import Effects
from msinet.architecture_search.search import search
from msinet.architecture_search.settings import TRIALS, SearchSettings
from msinet.architecture_search.trained_trials import draw_apart
from msinet.architecture_search.trials import known_trials
from msinet.architecture_search.twins import space_of
from msinet.data.records import ReidSplits
from msinet.engine.checkpoint import ADDED
from msinet.engine.evaluate import evaluate
from msinet.engine.machine import Machine
from msinet.engine.settings import settings_dict
from msinet.errors import SettingsError
from msinet.evaluation.record import DataFacts
from msinet.evaluation.result import RetrievalResult
from msinet.experiments.grid import Job, do_jobs, own_share, read_json
from msinet.experiments.search_worth_plan import Plan
from msinet.experiments.search_worth_report import report
from msinet.experiments.settings import SearchWorthSettings
from msinet.experiments.supernet_score import supernet_scores
from msinet.files.atomic import write_atomically
from msinet.files.lock import sole_writer
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import SearchSpace
from msinet.training.settings import TrainSettings
from msinet.training.train import train


def search_worth(
    splits: ReidSplits, settings: SearchWorthSettings, search_settings: SearchSettings, train_settings: TrainSettings
) -> str:
    """Compare variants of the search with each other and with architectures that come from no search.

    Each variant searches once a seed, and what it finds is trained with the same seed. The other architectures are trained
    with every seed. Called again, it goes on where it stopped; searches and trainings that are done are not done again.

    Args:
        splits: the data.
        settings: what is compared.
        search_settings: of the searches, such as a recipe's.
        train_settings: of the trainings.

    Returns:
        Markdown, of all that is done: a table of the scores, and sentences. They say how many random architectures the
        searched ones beat, how likely draws among these do as well, and whether what a search knows of an architecture
        predicts that of its training.

    Raises:
        SettingsError: a variant or an architecture is unknown, or `out` holds trainings with other settings or data.
        What `search`, `train` and `evaluate` raise.
    """
    on = {"device": settings.device, "workers": settings.workers}
    plan = Plan.of(splits, settings, replace(search_settings, **on), replace(train_settings, **on))
    do_jobs(own_share(jobs_of(plan), settings.share))
    return report(plan)


def jobs_of(plan: Plan) -> Sequence[Job]:
    """Return all jobs, the long ones first: a search with its training each, then the other trainings."""
    others = {name: Architecture.find(name) for name in plan.others}
    searches = [
        Job(f"search {name}, seed {seed}, and train it", partial(search_and_train, plan, name, seed))
        for seed in plan.seeds
        for name in plan.variants
    ]
    trainings = [
        Job(f"train {name}, seed {seed}", partial(train_and_score, plan, name, architecture, seed))
        for seed in plan.seeds
        for name, architecture in others.items()
    ]
    return [*searches, *trainings]


def search_and_train(plan: Plan, name: str, seed: int) -> None:
    """Search with one seed, score the other architectures by the search, and train what was found with that seed."""
    label, variant, settings = f"{name}-{seed}", plan.variants[name], plan.search_of(name, seed)
    folder = plan.search_folder(label)
    with sole_writer(folder):
        found = search(plan.splits, settings, folder, method=variant.method)
        architecture = best_trial(folder / TRIALS) if variant.takes_best_trial else found.architecture
        score_others(plan, folder, plan.supernet_file(label), settings)
    train_and_score(plan, label, architecture, seed)


def best_trial(file: Path) -> Architecture:
    """Return the architecture of the trial with the best score.

    Raises:
        SettingsError: the search has no trials.
    """
    if not file.is_file():
        raise SettingsError(f"variant takes the best trial, and there are none in {file}: give trials=8 as well", "variant")
    trials = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return Architecture.from_dict(max(trials, key=lambda trial: trial["mAP"]))


def score_others(plan: Plan, folder: Path, file: Path, settings: SearchSettings) -> None:
    """Score the other architectures of the space by what a search knows, as far as they are not yet in the file.

    A supernet scores them itself, where identities are held out for that; of trials with weights of their own, the effects
    say what they expect. Of several repeats, and where there were no trials, nothing is written.
    """
    known, space = read_json(file) if file.is_file() else {}, space_of(settings)
    missing = {name: Architecture.find(name) for name in plan.others if name not in known}
    missing = {name: architecture for name, architecture in missing.items() if is_in(space, architecture)}
    if not missing or settings.repeats > 1:
        return
    if settings.has_supernet:
        if not (settings.validation_share or plan.splits.validation):
            return
        scores = supernet_scores(folder, plan.splits, [*missing.values()], Machine(settings.machine))
    else:
        trials = known_trials(folder / TRIALS, draw_apart(space, settings.trials, settings.seed))
        if not trials:
            return
        effects = Effects.of(space, trials)
        scores = [effects.expected(architecture.cells) for architecture in missing.values()]
    write_atomically(file, json.dumps(known | dict(zip(missing, scores, strict=True))).encode())


def is_in(space: SearchSpace, architecture: Architecture) -> bool:
    """Return whether a space has an architecture."""
    try:
        space.indicators(architecture.cells)
    except SettingsError:
        return False
    return True


def train_and_score(plan: Plan, label: str, architecture: Architecture, seed: int) -> None:
    """Train an architecture with one seed and write its result, if it is not there.

    Raises:
        SettingsError: there is a result with other settings or data.
    """
    splits, settings, file = plan.splits, plan.training_of(architecture, seed), plan.result_file(label, seed)
    made_with = settings_dict(settings)
    if file.is_file():
        record = RetrievalResult.load(file).record
        if {**ADDED, **(record.training or {})} != made_with or not plan.is_same_data(record.data):
            raise SettingsError(
                f"{file.absolute()} was made with other settings or data: choose another folder for out", "out"
            )
        return
    with sole_writer(file.parent):
        network = train(splits, architecture, settings, file.parent).network
        cameras = {record.camera for record in (*splits.query, *splits.gallery)}
        pairs = len(cameras) == 2 and None not in cameras
        result = evaluate(network, splits, machine=Machine(settings.machine), camera_pairs=pairs)
        result.with_record(training=made_with, data=DataFacts.of(splits, plan.pictures)).save(file)
