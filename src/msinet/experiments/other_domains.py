"""Experiment: scores in other domains, and what spatial alignment gives there. Day, night and real vehicles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

from msinet.data.readers.detect import load_splits
from msinet.data.records import ReidSplits
from msinet.engine.evaluate import evaluate
from msinet.engine.machine import Machine
from msinet.engine.settings import settings_dict
from msinet.experiments.grid import Job, do_jobs, once, own_share, read_values
from msinet.experiments.settings import AlignmentName, OtherDomainsSettings
from msinet.experiments.tables import RankAndMAP, markdown_table, scores_cell
from msinet.model.msinet.architecture import Architecture
from msinet.training.settings import TrainSettings
from msinet.training.train import train
from msinet.world.dataset import make_world
from msinet.world.settings import City, WorldSettings

CITIES: tuple[City, ...] = ("day", "night")

ALIGNMENTS: dict[AlignmentName, dict[str, Any]] = {
    "none": {"alignment": "none"},
    "positive": {"alignment": "positive"},
    "negative": {"alignment": "negative"},
    "both": {"alignment": "both"},
    "light": {"alignment": "both", "alignment_weight": 0.2},
    "unit": {"alignment": "both", "alignment_unit_features": True},
}
"""Settings of the training for each kind of alignment."""


def other_domains(settings: OtherDomainsSettings, train_settings: TrainSettings) -> str:
    """Train networks by day or by night, with kinds of spatial alignment, and score each in all domains.

    For each seed the same vehicles are seen by day and by night. The networks know none of the identities that they are
    scored on. Called again, the experiment goes on where it stopped.

    Args:
        settings: what is trained.
        train_settings: of the trainings, but for what the experiment sets.

    Returns:
        A Markdown table of all that is done: a row for each kind of training, a column for each domain.

    Raises:
        SettingsError: `out` holds trainings with other settings.
        What `make_world`, `train` and `evaluate` raise.
    """
    experiment = OtherDomains(settings, train_settings)
    do_jobs(experiment.jobs())
    return experiment.table()


@dataclass(frozen=True)
class OtherDomains:
    """The trainings of the experiment, and their files."""

    settings: OtherDomainsSettings
    train_settings: TrainSettings

    def jobs(self) -> list[Job]:
        """Return the trainings of this share. A seed's worlds are made by one process, so that seeds are shared out."""
        return [
            Job(f"train by {city}, alignment {alignment}, seed {seed}", partial(self.run, seed, city, alignment))
            for seed in own_share(self.settings.seeds, self.settings.share)
            for city, alignment in product(CITIES, self.settings.alignments)
        ]

    def run(self, seed: int, city: City, alignment: AlignmentName) -> None:
        """Train one network and write its scores in every domain, if they are not there."""
        work = partial(self.train_and_score, seed, city, alignment)
        once(self.folder(seed, city, alignment) / "scores.json", self.made_from(seed, alignment), work)

    def train_and_score(self, seed: int, city: City, alignment: AlignmentName) -> dict[str, Any]:
        """Train one network and return its scores by domain, as plain values."""
        worlds: dict[str, ReidSplits] = {name: self.world(seed, name) for name in CITIES}
        settings, architecture = self.training(seed, alignment), Architecture.find(self.settings.architecture)
        network = train(worlds[city], architecture, settings, self.folder(seed, city, alignment)).network
        domains, machine = {**worlds, **self.real}, Machine(settings.machine)
        results = {name: evaluate(network, splits, machine=machine) for name, splits in domains.items()}
        return {name: {"rank_1": result.rank(1), "mAP": result.mAP} for name, result in results.items()}

    def folder(self, seed: int, city: City, alignment: AlignmentName) -> Path:
        """Return the folder of a training."""
        return self.settings.out / f"{city}-{alignment}-{seed}"

    def training(self, seed: int, alignment: AlignmentName) -> TrainSettings:
        """Return the settings of a training: colour jitter in place of erasing."""
        own = {"device": self.settings.device, "workers": self.settings.workers, "width": self.settings.width, "seed": seed}
        return replace(self.train_settings, erasing=0.0, color_jitter=0.4, **ALIGNMENTS[alignment], **own)

    def made_from(self, seed: int, alignment: AlignmentName) -> dict[str, Any]:
        """Return what fixes the scores of a training, as plain values."""
        names = ("identities", "difficulty", "architecture", "real")
        asked = {name: str(getattr(self.settings, name)) for name in names}
        return asked | {"training": settings_dict(self.training(seed, alignment))}

    def world(self, seed: int, city: City) -> ReidSplits:
        """Return a seed's vehicles by day or by night, made if they are not there."""
        asked, folder = self.settings, self.settings.out / f"{city}-{seed}"
        world = WorldSettings(
            identities=asked.identities, cameras=8, size=96, city=city, difficulty=asked.difficulty, seed=seed
        )
        make_world(folder, world, processes=1)
        return load_splits(folder, verify=False)

    @cached_property
    def real(self) -> Mapping[str, ReidSplits]:
        """The real vehicles by their name in the table; empty without any."""
        return {"real": load_splits(self.settings.real)} if self.settings.real else {}

    def table(self) -> str:
        """Return rank-1 / mAP in % of each kind of training in each domain, mean and range over the seeds that are done."""
        domains = [*CITIES, *(["real"] if self.settings.real else [])]
        rows = []
        for city, alignment in product(CITIES, self.settings.alignments):
            if runs := self.done(city, alignment):
                cells = [scores_cell([RankAndMAP(**run[domain]) for run in runs]) for domain in domains]
                rows.append([city, alignment, str(len(runs)), *cells])
        return markdown_table(["trained by", "alignment", "seeds", *(f"to {domain}" for domain in domains)], rows)

    def done(self, city: City, alignment: AlignmentName) -> Sequence[Mapping[str, Any]]:
        """Return the scores of the seeds that are done."""
        files = {seed: self.folder(seed, city, alignment) / "scores.json" for seed in self.settings.seeds}
        return [read_values(file, self.made_from(seed, alignment)) for seed, file in files.items() if file.is_file()]
