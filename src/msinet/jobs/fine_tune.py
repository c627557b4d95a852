"""The whole job from a model that exists: score it, adapt it, train it on, adapt it again, and score each step."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msinet.data.records import ReidSplits
from msinet.engine.evaluate import evaluate, prepare_splits
from msinet.engine.machine import Machine
from msinet.engine.run_data import pictures_of
from msinet.engine.settings import settings_dict
from msinet.errors import DatasetError, SettingsError, TrainingError
from msinet.evaluation.record import DataFacts, RunCommand
from msinet.evaluation.result import RetrievalResult, save_results
from msinet.files.lock import sole_writer
from msinet.files.paths import user_path
from msinet.jobs.run import has_few_cameras
from msinet.model.cards import Card
from msinet.model.initial_weights import architecture_of
from msinet.model.model_files import load_model, save_model
from msinet.model.network import Network
from msinet.training.adaptation import adapt
from msinet.training.settings import TrainSettings
from msinet.training.train import train

STEPS = "steps.json"


@dataclass(frozen=True)
class FineTuned:
    """A network that was fine-tuned, and what each step gave."""

    network: Network
    results: Mapping[str, RetrievalResult]
    """The scores of each step, by its name; the last one is of the network."""
    refused: Mapping[str, str]
    """Why a step did not adapt, by its name."""
    finished_before: bool
    """Whether an earlier call with the same settings and data had finished the training."""

    @property
    def result(self) -> RetrievalResult:
        """The scores of the network."""
        return list(self.results.values())[-1]


def fine_tune(
    splits: ReidSplits,
    settings: TrainSettings,
    out: str | Path,
    protocol: str | None = None,
    command: RunCommand | None = None,
) -> FineTuned:
    """Score the model that `settings.init` names, adapt it, fine-tune it, adapt that, and score after each step.

    Leaves `model.safetensors`, `model.json`, `result.json`, `steps.json` with the results of all steps, the log
    `train.jsonl` and the checkpoint in `out`. Called again with the same arguments, it resumes. Query and gallery choose
    nothing: the model is that of the last step.

    Args:
        splits: the data.
        settings: settings of the training; `init` names the model.
        out: folder of the files.
        protocol: by default the one that fits the data.
        command: the command that `rerun` repeats, recorded in the result.

    Raises:
        SettingsError: no model is named, or it does not fit the settings.
        ModelError: the model cannot be read.
        What `train` and `evaluate` raise; what can be known beforehand is raised before the training.
    """
    if settings.init is None:
        raise SettingsError("give the model to start from: its folder, or a name that msinet models lists", "init")
    initial, architecture = load_model(settings.init), architecture_of(settings.init)
    prepared, out, machine = prepare_splits(splits, None, protocol), user_path(out), Machine(settings.machine)
    camera_pairs = not prepared.protocol.by_draws and has_few_cameras(splits)
    refused: dict[str, str] = {}

    def score(network: Network) -> RetrievalResult:
        return evaluate(network, splits, protocol, machine=machine, camera_pairs=camera_pairs).with_record(
            data=DataFacts.of(splits, pictures_of(splits, machine)), command=command, training=settings_dict(settings)
        )

    def adapted(step: str, network: Network) -> Network | None:
        try:
            return adapt(network, splits.train, machine).network
        except (DatasetError, TrainingError) as error:
            refused[step] = str(error)
            return None

    with sole_writer(out, machine.is_first):
        results = {"as it is": score(initial)}
        if mapped := adapted("adapted", initial):
            results["adapted"] = score(mapped)
        trained = train(splits, architecture, settings, out, machine)
        network, results["fine-tuned"] = trained.network, score(trained.network)
        if mapped := adapted("fine-tuned, adapted", network):
            network, results["fine-tuned, adapted"] = mapped, score(mapped)
        if machine.is_first:
            save_model(network, out, Card.load(out).info)
            save_results(list(results.values()), out / STEPS)
            results[list(results)[-1]].save(out / "result.json")
    return FineTuned(network, results, refused, trained.finished_before)
