"""Experiment: the difficulty of the synthetic world. Colour histogram, untrained network, trained network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from msinet.data.readers.detect import load_splits
from msinet.data.records import ReidSplits
from msinet.engine.evaluate import evaluate
from msinet.engine.machine import Machine
from msinet.engine.settings import settings_dict
from msinet.evaluation.colour_histogram import BINS, colour_histograms
from msinet.evaluation.result import RetrievalResult
from msinet.evaluation.scoring import evaluate_embeddings
from msinet.experiments.grid import Job, do_jobs, once, own_share, read_values
from msinet.experiments.settings import SyntheticVehiclesSettings
from msinet.experiments.tables import RankAndMAP, markdown_table, scores_cell
from msinet.model.msinet.architecture import Architecture
from msinet.model.networks import build_network
from msinet.training.settings import TrainSettings
from msinet.training.train import train
from msinet.world.dataset import make_world
from msinet.world.settings import WorldSettings

SYSTEMS = {"histogram": "best colour histogram", "untrained": "untrained network", "trained": "trained network"}
"""Columns of the table."""

SIDE = 80
"""Height and width of the images in pixels."""


def synthetic_vehicles(settings: SyntheticVehiclesSettings, train_settings: TrainSettings) -> str:
    """Train on synthetic worlds of several difficulties, and score on vehicles never seen in training.

    Each seed makes a world, and trains a network, of its own. Called again, the experiment goes on where it stopped.

    Args:
        settings: what is trained.
        train_settings: of the trainings, but for what the experiment sets.

    Returns:
        A Markdown table of all that is done: a row for each difficulty, a column for each system.

    Raises:
        SettingsError: `out` holds trainings with other settings.
        What `make_world`, `train` and `evaluate` raise.
    """
    experiment = SyntheticVehicles(settings, train_settings)
    do_jobs(own_share(experiment.jobs(), settings.share))
    return experiment.table()


@dataclass(frozen=True)
class SyntheticVehicles:
    """The worlds and trainings of the experiment, and their files."""

    settings: SyntheticVehiclesSettings
    train_settings: TrainSettings

    def jobs(self) -> list[Job]:
        """Return the trainings, one for each world."""
        return [
            Job(f"difficulty {difficulty:g}, seed {seed}", partial(self.run, difficulty, seed))
            for seed in self.settings.seeds
            for difficulty in self.settings.difficulties
        ]

    def run(self, difficulty: float, seed: int) -> None:
        """Make one world, train on it and write all scores, if they are not there."""
        once(self.folder(difficulty, seed) / "scores.json", self.made_from(seed), partial(self.score, difficulty, seed))

    def score(self, difficulty: float, seed: int) -> dict[str, Any]:
        """Return the scores of one world by system, as plain values, and which histogram was best."""
        folder, settings = self.folder(difficulty, seed), self.training(seed)
        splits, machine = self.world(difficulty, seed), Machine(settings.machine)
        architecture = Architecture.find(self.settings.architecture)
        torch.manual_seed(seed)
        untrained = build_network(architecture, 2, settings.image_size, settings.width).eval()
        trained = train(splits, architecture, settings, folder).network
        best, histogram = best_histogram(splits)
        results = {
            "histogram": histogram,
            "untrained": evaluate(untrained, splits, machine=machine),
            "trained": evaluate(trained, splits, machine=machine),
        }
        if self.settings.real:
            results["real"] = evaluate(trained, load_splits(self.settings.real), machine=machine)
        scores = {name: {"rank_1": result.rank(1), "mAP": result.mAP} for name, result in results.items()}
        return {"scores": scores, "best_histogram": best}

    def folder(self, difficulty: float, seed: int) -> Path:
        """Return the folder of a world and its training."""
        return self.settings.out / f"{self.settings.city}-{difficulty:g}-{seed}"

    def world(self, difficulty: float, seed: int) -> ReidSplits:
        """Return a world, made if it is not there."""
        asked, folder = self.settings, self.folder(difficulty, seed) / "data"
        world = WorldSettings(identities=asked.identities, seed=seed, city=asked.city, difficulty=difficulty)
        make_world(folder, world, processes=1)
        return load_splits(folder)

    def training(self, seed: int) -> TrainSettings:
        """Return the settings of a training."""
        asked = self.settings
        epochs = {"epochs": asked.epochs, "small_epochs": asked.epochs // 2}
        own = {"device": asked.device, "workers": asked.workers, "seed": seed}
        return replace(self.train_settings, image_height=SIDE, image_width=SIDE, **epochs, **own)

    def made_from(self, seed: int) -> dict[str, Any]:
        """Return what fixes the scores of a world besides its difficulty, as plain values."""
        asked = {name: str(getattr(self.settings, name)) for name in ("identities", "architecture", "real")}
        return asked | {"training": settings_dict(self.training(seed))}

    def table(self) -> str:
        """Return rank-1 / mAP in % of each system at each difficulty, mean and range over the seeds that are done."""
        systems = SYSTEMS | ({"real": "trained network, on the real vehicles"} if self.settings.real else {})
        rows = []
        for difficulty in self.settings.difficulties:
            if runs := self.done(difficulty):
                cells = [scores_cell([RankAndMAP(**run["scores"][system]) for run in runs]) for system in systems]
                rows.append([f"{difficulty:g}", str(len(runs)), *cells])
        return markdown_table(["difficulty", "seeds", *systems.values()], rows)

    def done(self, difficulty: float) -> Sequence[Mapping[str, Any]]:
        """Return the values of the seeds that are done."""
        files = {seed: self.folder(difficulty, seed) / "scores.json" for seed in self.settings.seeds}
        return [read_values(file, self.made_from(seed)) for seed, file in files.items() if file.is_file()]


def best_histogram(splits: ReidSplits) -> tuple[str, RetrievalResult]:
    """Return the colour histogram with the highest mAP on query and gallery: its name and its result."""
    results = {
        name: evaluate_embeddings(colour_histograms(splits.query, bins), colour_histograms(splits.gallery, bins))
        for name, bins in BINS.items()
    }
    return max(results.items(), key=lambda item: item[1].mAP)
