"""Scoring of several datasets, test sizes and protocols, by several models or by embeddings of others."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from msinet.data.embedder import Embedder
from msinet.data.embedding_files import of_dataset
from msinet.data.embeddings import Embeddings
from msinet.data.readers.detect import load
from msinet.data.records import ReidSplits
from msinet.data.settings import DataSettings
from msinet.engine.embed import embed
from msinet.engine.evaluate import (
    PreparedSplits,
    facts_of,
    facts_of_embeddings,
    images_of,
    prepare_splits,
    score_prepared,
)
from msinet.engine.opening import open_machine
from msinet.engine.run_data import pictures_of
from msinet.engine.settings import MachineSettings
from msinet.evaluation.draws import DrawnGalleries
from msinet.evaluation.record import DataFacts, EvaluateCommand
from msinet.evaluation.result import RetrievalResult
from msinet.evaluation.scoring import refuse_flip
from msinet.evaluation.settings import ScoringSettings
from msinet.model.zoo import absolute

if TYPE_CHECKING:
    from msinet.model.network import Network


@dataclass(frozen=True)
class Source:
    """A dataset, and how it was read: what a command needs to read it again."""

    path: Path
    splits: ReidSplits
    reading: DataSettings = field(default_factory=DataSettings)

    @classmethod
    def read(cls, path: Path, reading: DataSettings | None = None) -> "Source":
        """Read a dataset. Raises what `load_splits` raises."""
        reading = reading or DataSettings()
        return cls(path, load(path, reading), reading)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is scored of each dataset: every test size that it has, under each of these protocols."""

    protocols: tuple[str | None, ...] = (None,)
    """Names; None is the usual protocol of the dataset."""
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    camera_pairs: bool = False
    """Score the queries of each camera among the gallery images of each other camera as well."""
    draws: Path | None = None
    """File of the galleries that the protocol vehicleid draws: read if it is there, else written."""

    def prepare(self, splits: ReidSplits, galleries: DrawnGalleries) -> list[PreparedSplits]:
        """Make sure, from labels and options alone, that all of it can be scored. Raises what `evaluate` raises."""
        return [
            prepare_splits(splits, task, protocol, self.scoring, self.camera_pairs, galleries)
            for task in splits.scored()
            for protocol in self.protocols
        ]


def score_models(
    models: "Mapping[Path, Network | Embedder]",
    sources: Sequence[Source],
    plan: Plan | None = None,
    settings: MachineSettings | None = None,
) -> list[RetrievalResult]:
    """Score models on datasets; each model embeds the images of a dataset once. Results carry their commands.

    What cannot be scored is an error before anything is embedded.

    Args:
        models: networks or predictors by the folders, names or files that they were read from.
        sources: the datasets.
        plan: what is scored of each; by default, every test size under the usual protocol.
        settings: device, precision and workers.

    Raises:
        SettingsError: there is no such protocol, or an option cannot be combined with it.
        DatasetError: labels are missing, or no query has a match.
        FileError: the file of draws cannot be read or written.
    """
    plan, settings = plan or Plan(), settings or MachineSettings()
    galleries = DrawnGalleries(plan.draws)
    prepared = [plan.prepare(source.splits, galleries) for source in sources]
    machine, results = open_machine(settings, models.values()), []
    for source, own in zip(sources, prepared, strict=True):
        data = DataFacts.of(source.splits, pictures_of(source.splits, machine))
        for folder, network in models.items():
            embeddings = embed(network, images_of(own), machine, plan.scoring.flip)
            model, command = facts_of(network), _command(source, folder, plan, settings)
            scored = [score_prepared(one, embeddings, machine, model) for one in own]
            results += [result.with_record(data=data, command=command) for result in scored]
    if machine.is_first:
        galleries.save()
    return results


def score_embeddings(
    embeddings: Embeddings,
    datasets: Sequence[ReidSplits],
    plan: Plan | None = None,
    settings: MachineSettings | None = None,
) -> list[RetrievalResult]:
    """Score embeddings that no network here made on datasets, whose images are found by their paths.

    Args:
        embeddings: of all images that the datasets score.
        datasets: the datasets, or the one that the embeddings' own labels make.
        plan: what is scored of each; by default, every test size under the usual protocol.
        settings: the device that ranks.

    Raises:
        SettingsError: there is no such protocol, or an option cannot be combined with it or with embeddings.
        DatasetError: an image has no embedding, labels are missing, or no query has a match.
        FileError: the file of draws cannot be read or written.
    """
    plan = plan or Plan()
    refuse_flip(plan.scoring)
    galleries = DrawnGalleries(plan.draws)
    found = [(of_dataset(embeddings, splits), plan.prepare(splits, galleries)) for splits in datasets]
    machine, results = open_machine(settings), []
    for own, prepared in found:
        facts = facts_of_embeddings(own)
        results += [score_prepared(one, own, machine).with_record(embeddings=facts) for one in prepared]
    if machine.is_first:
        galleries.save()
    return results


def _command(source: Source, model: Path, plan: Plan, settings: MachineSettings) -> EvaluateCommand:
    """Return the command that repeats a result, together with its record."""
    draws = plan.draws.resolve() if plan.draws else None
    machine = asdict(settings.machine)
    return EvaluateCommand(source.path.resolve(), source.reading, absolute(model), machine, plan.camera_pairs, draws)
