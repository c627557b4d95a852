"""Trials of a search: networks of the space, drawn by its mixture, and their one-shot scores."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from msinet.architecture_search.effects import Trial
from msinet.architecture_search.one_shot import OneShotScores
from msinet.architecture_search.settings import TRIALS, SearchSettings
from msinet.architecture_search.sides import Sides
from msinet.architecture_search.twins import TwinsSearch
from msinet.batches.loading import RecordImages, embedding_batches
from msinet.data.records import ImageRecord, images_by_identity
from msinet.engine.feed import Caches
from msinet.errors import DatasetError
from msinet.evaluation.ranking_task import prepare_among
from msinet.files.atomic import write_atomically
from msinet.model.batch_statistics import kept_statistics
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import Cells, SearchSpace
from msinet.progress import begin

STATISTICS_IMAGES = 128
"""Images of the weights' side that batch norms take each network's statistics from."""

SCORED_IMAGES = {"shared": 512, "own": 2048}
"""Images that a network is scored on, about, at most. shared: there are many networks; own: few, so that each has more."""


def run_trials(twins: TwinsSearch, caches: Caches, out: Path) -> list[Trial]:
    """Draw networks by the mixture of a trained supernet and score them; what stands in the file is not done again.

    Writes `trials.jsonl`: a line for each network, with its architecture and mAP.
    """
    settings, machine, file = twins.settings, twins.machine, out / TRIALS
    drawn = draw(
        twins.supernet.space, twins.supernet.mixture(twins.mixture_temperature).tolist(), settings.trials, settings.seed
    )
    trials = known_trials(file, drawn)
    bar = begin("trials", len(drawn), len(trials))
    if len(trials) == len(drawn):
        return trials
    with kept_statistics(twins.supernet):
        scores = scores_of(twins, caches)
        for cells in drawn[len(trials) :]:
            trials.append(Trial(cells, scores.score(cells)))
            if machine.is_first:
                write_trials(file, trials)
            bar.advance(1, mAP=trials[-1].score)
    return trials


def draw(space: SearchSpace, shares: Sequence[Sequence[float]], count: int, seed: int) -> list[Cells]:
    """Draw networks: each option with the mean of its share and of an equal one, so that none goes untried."""
    random, drawn = np.random.default_rng((seed, 3)), []
    for _ in range(count):
        values = np.zeros((space.places, len(space.columns)))
        for row, of_row in zip(values, shares, strict=True):
            for decision in space.decisions:
                own = np.array(of_row[decision.columns])
                chances = own / own.sum() / 2 + 0.5 / len(own)
                row[decision.columns.start + random.choice(len(own), p=chances)] = 1
        drawn.append(space.largest(values.tolist()))
    return drawn


def write_trials(file: Path, trials: Sequence[Trial]) -> None:
    """Write a line for each trial."""
    write_atomically(file, "".join(map(line_of, trials)).encode())


def line_of(trial: Trial) -> str:
    """Return the line of a trial in the file."""
    return json.dumps({**Architecture.from_cells(trial.cells).to_dict(), "mAP": trial.score}) + "\n"


def known_trials(file: Path, drawn: Sequence[Cells]) -> list[Trial]:
    """Return the trials that a file holds, as far as they are those that were drawn."""
    trials: list[Trial] = []
    lines = file.read_bytes().splitlines() if file.is_file() else []
    for cells, line in zip(drawn, lines, strict=False):
        try:
            values = json.loads(line)
            if Architecture.from_dict(values) != Architecture.from_cells(cells):
                break
            trials.append(Trial(cells, float(values["mAP"])))
        except (ValueError, KeyError, TypeError):
            break  # a damaged line
    return trials


def scores_of(twins: TwinsSearch, caches: Caches) -> OneShotScores:
    """Return what scores networks of a supernet, on images without augmentation."""
    settings, machine, sides = twins.settings, twins.machine, twins.sides
    random, size = np.random.default_rng((settings.seed, 4)), settings.batch_size
    scored, learnt = scored_images(sides, settings, random), sides.split.weight_images
    whole = random.permutation(len(learnt))[: max(STATISTICS_IMAGES, size)].tolist()
    whole = whole[: max(1, len(whole) // size) * size]
    own = machine.share(len(scored))
    for_statistics, batches = (
        embedding_batches(
            RecordImages(records, settings.image_size, caches=caches), size, machine.device, machine.workers, order
        )
        for records, order in ((learnt, whole), (scored, range(own.start, own.stop)))
    )
    if settings.has_supernet:  # Its networks are scored one after the other.
        for_statistics, batches = [*for_statistics], [*batches]
    return OneShotScores(twins.supernet, for_statistics, batches, scored, machine)


def scored_images(sides: Sides, settings: SearchSettings, random: np.random.Generator) -> list[ImageRecord]:
    """Return images of identities that the weights do not learn, whole identities up to about `SCORED_IMAGES`."""
    learnt = set(sides.weight_identities)
    records = [record for record in sides.split.alpha_images if record.identity not in learnt] or [*sides.split.alpha_images]
    images, chosen = images_by_identity(records), []
    for number in random.permutation(len(images)):
        if len(chosen) < SCORED_IMAGES[settings.trial_weights]:
            chosen += [records[i] for i in list(images.values())[number]]
    return chosen


def can_be_scored(sides: Sides, settings: SearchSettings) -> bool:
    """Return whether the identities of the alphas' side can be scored.

    Raises:
        DatasetError: they cannot, and a budget needs trials.
    """
    try:
        prepare_among(scored_images(sides, settings, np.random.default_rng((settings.seed, 4))))
    except DatasetError as error:
        if settings.has_budget:
            raise DatasetError(
                f"a budget needs trials, and networks cannot be scored on the identities of the alphas: {error}"
            ) from error
        return False
    return True


def number_of_trials(out: Path) -> int:
    """Return how many trials the file in a folder holds."""
    file = out / TRIALS
    return len(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else 0
