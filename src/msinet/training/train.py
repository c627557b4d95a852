"""Training of a network from initial weights: identity loss, triplet loss, spatial alignment (report, section 3.3)."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from msinet.batches.loading import Batch
from msinet.data.identity_splits import hold_out_validation
from msinet.data.records import ReidSplits, identities
from msinet.engine.checkpoint import RunFolder, module_tensors, optimizer_tensors, restore_module, restore_optimizer
from msinet.engine.evaluate import evaluate_among
from msinet.engine.feed import Feed, open_caches
from msinet.engine.interrupts import stop_on_interrupt
from msinet.engine.loop import Loop, Shown
from msinet.engine.machine import Machine
from msinet.engine.optimizers import make_optimizer, set_learning_rate
from msinet.engine.run_data import RunData
from msinet.engine.schedule import learning_rate_at
from msinet.engine.settings import settings_dict
from msinet.errors import ModelError
from msinet.evaluation.ranking_task import prepare_among
from msinet.files.lock import sole_writer
from msinet.files.paths import user_path
from msinet.files.sketch import Sketch
from msinet.model.cards import Card
from msinet.model.initial_weights import start_from
from msinet.model.model_files import save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.spatial_alignment import PositionActivation
from msinet.model.network import Network
from msinet.model.networks import build_network, describe_architecture
from msinet.model.zoo import find_model
from msinet.progress import silence
from msinet.training.averaging import AveragedNetwork
from msinet.training.objective import Objective
from msinet.training.settings import TrainSettings
from msinet.training.teachers import Teachers, load_teachers, mark_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """The result of a training."""

    network: Network
    """The best on the validation split or, without one, the last; ready to embed."""
    best: float | None
    """mAP of the best on the validation split, from 0 to 1; None without one."""
    seconds: float
    """Time spent in the training loop."""
    finished_before: bool = field(default=False, compare=False)
    """Whether an earlier call with the same settings and data had finished the training."""


class Training:
    """A network and all that learns with it: its optimizer, the average of its weights, the position activation.

    Args:
        settings: of the training.
        architecture: MSINet's, or the name of another kind of network.
        identities: number of training identities.
        machine: device, precision and processes.
        vectors: (N, T), the teachers' vectors of all training images; None without them.
    """

    def __init__(
        self,
        settings: TrainSettings,
        architecture: Architecture | str,
        identities: int,
        machine: Machine,
        vectors: np.ndarray | None = None,
    ) -> None:
        self.settings, self.machine = settings, machine
        torch.manual_seed(settings.seed)
        self.network = machine.place(build_network(architecture, identities, settings.image_size, settings.width))
        if settings.sync_batch_norm:
            self.network = machine.synchronise_batch_norm(self.network)
        self.forward = torch.compile(self.network, dynamic=False) if settings.compile else self.network
        self.activation: PositionActivation | None = None
        if settings.alignment in ("positive", "both"):
            self.activation = PositionActivation(self.network.last_channels).to(machine.device)
        self.teachers: Teachers | None = None
        if vectors is not None:
            self.teachers = Teachers(vectors, self.network.embedding_dim).to(machine.device)
        self.objective = Objective(settings, machine, self.activation, self.teachers)
        self.parts = {"network": self.network, "activation": self.activation, "teachers": self.teachers}
        self.parts = {name: module for name, module in self.parts.items() if module}
        self.learning = list(nn.ModuleList(self.parts.values()).parameters())
        self.optimizer = make_optimizer(settings, self.learning)
        self.average = AveragedNetwork(settings.ema_decay)
        self.best: dict[str, Tensor] = {}
        self.best_score = -1.0

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Update the weights by one batch, of which each process has its share, and return the losses by name."""
        self.network.train()
        with self.machine.autocast():
            features = self.forward(batch.images)
        losses = self.objective(features, batch)
        self.optimizer.zero_grad()
        losses["loss"].backward()
        self.machine.average_gradients(self.learning)
        self.optimizer.step()
        self.average.follow(self.network)
        return dict(zip(losses, self.machine.mean(torch.stack(list(losses.values()))), strict=True))

    @property
    def current(self) -> Network:
        """The network as it is: with averaged weights, where they are averaged."""
        return self.average.network or self.network

    def validate(self, splits: ReidSplits) -> dict[str, float]:
        """Score the current network on the validation split, and keep its weights if it is the best so far."""
        self.machine.share_statistics(self.current)
        with silence():
            result = evaluate_among(self.current, splits.validation, self.machine)
        if result.mAP > self.best_score:
            self.best_score = result.mAP
            self.best = {name: tensor.clone() for name, tensor in self.current.state_dict().items()}
        return {"validation_mAP": result.mAP, "validation_rank_1": result.rank(1)}

    def result(self) -> Network:
        """Return the network that is the result: the best on the validation split or, without one, the last."""
        if self.best:
            self.current.load_state_dict(self.best)
        self.machine.share_statistics(self.current)
        return self.current.eval()

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that the training has learned, for a checkpoint."""
        return {
            **{key: value for name, module in self.parts.items() for key, value in module_tensors(module, name).items()},
            **(module_tensors(self.average.network, "average") if self.average.network else {}),
            **optimizer_tensors(self.optimizer, "optimizer"),
            **{f"best.{name}": tensor for name, tensor in self.best.items()},
            "best_score": torch.tensor(self.best_score),
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        for name, module in self.parts.items():
            restore_module(module, tensors, name)
        if any(name.startswith("average.") for name in tensors):
            self.average.follow(self.network)
            restore_module(self.current, tensors, "average")
        restore_optimizer(self.optimizer, tensors, "optimizer")
        self.best = {name.removeprefix("best."): t for name, t in tensors.items() if name.startswith("best.")}
        self.best_score = tensors["best_score"].item()


def train(
    splits: ReidSplits,
    architecture: Architecture | str,
    settings: TrainSettings | None = None,
    out: str | Path = "runs/train",
    machine: Machine | None = None,
) -> Trained:
    """Train a network on the training split.

    Writes `model.safetensors`, `model.json`, the log `train.jsonl` and a checkpoint to `out`. Called again with the same
    arguments, it resumes. Query and gallery choose nothing.

    Args:
        splits: the data.
        architecture: MSINet's, or the name of another kind of network.
        settings: by default the published ones.
        out: folder of the files.
        machine: by default the one that the settings ask for.

    Raises:
        DatasetError: there is nothing to train on, or the validation split cannot be scored.
        SettingsError: there are too few identities for a batch.
        ModelError: `init` cannot be read, or does not fit.
        CheckpointError: `out` holds a training with other settings, architecture or data.
        BusyError: another process writes to `out`.
        FileError: `out` cannot be written, or an image cannot be read.
        TrainingError: the loss is not finite.
        KeyboardInterrupt: stopped by Ctrl-C, after a checkpoint.
    """
    settings, out = settings or TrainSettings(), user_path(out)
    machine = machine or Machine(settings.machine)
    with sole_writer(out, machine.is_first):
        return _train(splits, architecture, settings, out, machine)


def _train(
    splits: ReidSplits, architecture: Architecture | str, settings: TrainSettings, out: Path, machine: Machine
) -> Trained:
    whole, splits = splits, hold_out_validation(splits, settings.validation_share)
    if splits.validation:
        prepare_among(splits.validation)  # What cannot be scored is an error before the training.
    feed = Feed(splits.train, settings)
    made_from = settings_dict(settings) | {"architecture": describe_architecture(architecture)}
    vectors = load_teachers(settings.teachers, splits.train) if settings.teachers else None
    if vectors is None:
        del made_from["teachers"], made_from["teacher_weight"]
    else:
        made_from["teachers"] = mark_of(vectors)
    if settings.init is None:
        del made_from["init"]
    data = RunData.of(whole, out, "train", machine)
    folder = RunFolder(out, "train", made_from, data, settings.checkpoint_minutes, machine.is_first)
    training = Training(settings, architecture, len(identities(splits.train)), machine, vectors)
    if settings.init is not None and not folder.has_checkpoint:
        for words in start_from(training.network, settings.init):
            logger.warning("%s", words)
    loop = Loop(folder, settings.epochs * len(feed), len(feed), machine)
    if tensors := loop.resume():
        training.restore(tensors)
    finished_before = loop.step == loop.total
    learn(training, feed, loop, splits)
    network = training.result()
    if machine.is_first:
        network.learned = _learned(data.hashes_of(splits.train, whole), settings.init)
        save_model(network, out, {"made_from": folder.made_from, "seconds": loop.seconds})
    return Trained(network, training.best_score if training.best else None, loop.seconds, finished_before)


def _learned(hashes: Iterable[bytes], init: str | None) -> Sketch:
    """Return the sketch of the training images, and of what the initial weights had learned."""
    learned = Sketch.of(hashes)
    if init is None:
        return learned
    try:
        return learned.union(Card.load(find_model(init)).learned)
    except ModelError as error:  # The training went on from a checkpoint, for which they are not needed.
        logger.warning("the model's card does not say which images %s had learned: %s", init, error)
        return learned


def learn(training: Training, feed: Feed, loop: Loop, splits: ReidSplits) -> None:
    """Train until the run's end: step, validate, log, save."""
    settings, machine = training.settings, training.machine
    caches = open_caches(splits.train, settings, machine)
    batches = feed.batches(range(loop.step, loop.total), machine, caches)
    loop.begin("train", feed.work)
    with machine.tracker(settings.tracker, "train", loop.folder.out) as log, stop_on_interrupt(machine.processes) as stop:
        for batch in batches:
            rate = learning_rate_at(settings, loop.step, len(feed))
            set_learning_rate(training.optimizer, rate)
            losses = training.step(batch)
            loop.record(losses, {"loss": Shown(batch.positions, splits.train)})
            if loop.ends_epoch:
                loop.read()  # A loss that is not finite is named before a score made with it.
                validates = splits.validation and (loop.ends_run or loop.epoch % settings.validate_every == 0)
                scores = training.validate(splits) if validates else {}
                loop.log_epoch(log, learning_rate=rate, **scores)
            stops = loop.end_step(stop)
            if stops or loop.save_is_due:
                loop.save(training.tensors())
            if stops:
                raise KeyboardInterrupt
