"""Training a chosen architecture: identity loss and triplet loss on both heads (report, equations 5 and 6).

And, where it is asked for, the spatial alignment of the last map (equations 7 and 8).
"""

import copy
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from msinet.data.batches import Batch
from msinet.data.identity_splits import hold_out_validation
from msinet.data.records import ReidSplits, identities
from msinet.engine.checkpoint import (
    RunFolder,
    module_tensors,
    optimizer_tensors,
    restore_module,
    restore_optimizer,
)
from msinet.engine.embed import embed
from msinet.engine.evaluate import score_together
from msinet.engine.loop import Loop, Shown, make_batches, make_sampler, open_caches
from msinet.engine.runtime import (
    Progress,
    Silence,
    autocast,
    average_gradients,
    finish_trackers,
    gather_rows,
    join_batch,
    learning_rate_factor,
    make_accelerator,
    make_optimizer,
    mean_of_processes,
    set_learning_rate,
    share_statistics,
    synchronise_batch_norm,
)
from msinet.engine.settings import TrainSettings
from msinet.evaluation.judgement import judge
from msinet.evaluation.metrics import RetrievalResult
from msinet.evaluation.protocols import choose_protocol
from msinet.losses.alignment import alignment_loss
from msinet.losses.identity import identity_loss
from msinet.losses.triplet import triplet_loss
from msinet.model.architecture import Architecture
from msinet.model.model_files import save_model
from msinet.model.msinet import Features, MSINet
from msinet.model.spatial_alignment import PositionActivation


class Training:
    """A network, its optimizer, the average of its weights, and what only training needs: the position activation.

    Args:
        settings: of the training.
        architecture: which interaction where.
        count: number of training identities.
        accelerator: device, precision and processes.
    """

    def __init__(self, settings: TrainSettings, architecture: Architecture, count: int, accelerator: Accelerator) -> None:
        self.settings = settings
        self.accelerator = accelerator
        torch.manual_seed(settings.seed)
        self.network = MSINet(architecture, count, settings.channels, settings.image_size)
        self.network.to(accelerator.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        if settings.sync_batch_norm:
            self.network = synchronise_batch_norm(self.network, accelerator)
        self.forward = torch.compile(self.network, dynamic=False) if settings.compile else self.network
        self.activation: PositionActivation | None = None
        if settings.alignment in ("positive", "both"):
            self.activation = PositionActivation(settings.channels[-1]).to(accelerator.device)
        self.learning = nn.ModuleList(module for module in (self.network, self.activation) if module)
        self.optimizer = make_optimizer(settings, self.learning)
        self.average: MSINet | None = None
        self.best: dict[str, Tensor] = {}
        self.best_score = -1.0

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Update the weights by one batch, of which each process has its share, and return the named losses.

        `loss` is their weighted sum.
        """
        self.network.train()
        with autocast(self.settings, self.accelerator.device):
            features = self.forward(batch.images)
        losses = self.losses(features, batch.identities)
        self.optimizer.zero_grad()
        losses["loss"].backward()
        average_gradients(self.accelerator, self.learning.parameters())
        self.optimizer.step()
        if self.settings.ema_decay:
            self._average()
        return dict(zip(losses, mean_of_processes(self.accelerator, torch.stack(list(losses.values()))), strict=True))

    def _average(self) -> None:
        """Move the averaged weights and statistics towards the current ones. They start as those after the first step."""
        if self.average is None:
            self.average = copy.deepcopy(self.network)
            return
        averaged, current = self.average.state_dict(), self.network.state_dict()
        move = get_ema_multi_avg_fn(self.settings.ema_decay)
        for floats in (True, False):  # Statistics count their batches in integers.
            names = [name for name, tensor in averaged.items() if tensor.is_floating_point() == floats]
            move([averaged[name] for name in names], [current[name] for name in names], None)

    def losses(self, features: Features, labels: Tensor) -> dict[str, Tensor]:
        """Return the losses, the first two summed over the two heads, and their weighted sum.

        Triplets and pairs to align are found in the batch of all processes.
        """
        settings, everyone = self.settings, gather_rows(self.accelerator, labels)
        identity = sum_of(identity_loss(head.logits.float(), labels, settings.label_smoothing) for head in features.heads)
        triplet = sum_of(
            triplet_loss(join_batch(self.accelerator, head.feature), everyone, settings.triplet_margin)
            for head in features.heads
        )
        loss, losses = identity + settings.triplet_weight * triplet, {"identity": identity, "triplet": triplet}
        if settings.alignment != "none":
            losses["alignment"] = self._alignment(join_batch(self.accelerator, features.last), everyone)
            loss = loss + settings.alignment_weight * losses["alignment"]
        return {"loss": loss, **losses}

    def _alignment(self, maps: Tensor, labels: Tensor) -> Tensor:
        """Return the alignment loss of the last maps (B, C, h, w) of the whole batch."""
        settings = self.settings
        assert settings.alignment != "none"
        return alignment_loss(
            maps,
            labels,
            self.activation(maps) if self.activation else None,
            settings.alignment,
            unit_features=settings.alignment_unit_features,
            self_pairs=settings.alignment_as_published,
            transposed=settings.alignment_as_published,
        )

    @property
    def current(self) -> MSINet:
        """The network as it stands: with averaged weights, where they are averaged."""
        return self.average or self.network

    def keep_if_best(self, score: float) -> None:
        """Remember the current weights if they score higher than any before."""
        if score > self.best_score:
            self.best_score = score
            self.best = {name: tensor.clone() for name, tensor in self.current.state_dict().items()}

    def result(self) -> MSINet:
        """Return the network that is the result: the best on the validation split, or without one the last."""
        if self.best:
            self.current.load_state_dict(self.best)
        return self.current.eval()

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that the training has learned, for a checkpoint."""
        return {
            **module_tensors(self.network, "network"),
            **(module_tensors(self.activation, "activation") if self.activation else {}),
            **(module_tensors(self.average, "average") if self.average else {}),
            **optimizer_tensors(self.optimizer, "optimizer"),
            **{f"best.{name}": tensor for name, tensor in self.best.items()},
            "best_score": torch.tensor(self.best_score),
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        restore_module(self.network, tensors, "network")
        if self.activation:
            restore_module(self.activation, tensors, "activation")
        if any(name.startswith("average.") for name in tensors):
            self.average = copy.deepcopy(self.network)
            restore_module(self.average, tensors, "average")
        restore_optimizer(self.optimizer, tensors, "optimizer")
        self.best = {name.removeprefix("best."): t for name, t in tensors.items() if name.startswith("best.")}
        self.best_score = tensors["best_score"].item()


def train(
    splits: ReidSplits,
    architecture: Architecture,
    settings: TrainSettings | None = None,
    out: str | Path = "runs/train",
    progress: Progress | None = None,
) -> MSINet:
    """Train an architecture on the training split, from scratch.

    Writes `model.safetensors`, `model.json`, the log `train.jsonl` and a checkpoint to `out`. Called again with the same
    arguments, it goes on where it stopped. Query and gallery choose nothing.

    Raises:
        DatasetError: there is nothing to train on.
        SettingsError: there are too few identities for a batch.
        CheckpointError: `out` holds a training with other settings, architecture or data.
        TrainingError: the loss is not finite.
        KeyboardInterrupt: stopped by Ctrl-C, after a checkpoint.
    """
    settings, progress = settings or TrainSettings(), progress or Silence()
    accelerator = make_accelerator(settings, out, "train")
    more = {"architecture": architecture.to_dict()}
    folder = RunFolder(out, "train", settings, splits, accelerator.is_main_process, **more)
    splits = hold_out_validation(splits, settings.validation_share)
    sampler = make_sampler(splits.train, settings)
    training = Training(settings, architecture, len(identities(splits.train)), accelerator)
    loop = Loop(folder, training.tensors, settings.epochs * len(sampler), len(sampler), progress, accelerator)
    loop.resume(training.restore)
    if splits.validation:
        judge(splits.validation, splits.validation, choose_protocol(splits.validation, splits.validation))

    caches = open_caches(splits.train, settings, accelerator, progress)
    batches = make_batches(splits.train, sampler, settings, accelerator, loop, caches)
    for batch in loop.over(batches, "train"):
        rate = settings.learning_rate * learning_rate_factor(settings, loop.step, len(sampler))
        set_learning_rate(training.optimizer, rate)
        losses = training.step(batch)
        loop.record(losses, {"loss": Shown(batch.positions, splits.train)})
        if loop.ends_epoch:
            scores: dict[str, Any] = {}
            last = loop.step + 1 == loop.total
            if splits.validation and (last or (loop.epoch + 1) % settings.validate_every == 0):
                loop.read()  # so that a loss that is not finite is what the error speaks of
                result = validate(training.current, splits, settings, accelerator)
                training.keep_if_best(result.mAP)
                scores = {"validation_mAP": result.mAP, "validation_rank_1": result.rank(1)}
            loop.log_epoch(learning_rate=rate, **scores)

    network = training.result()
    share_statistics(accelerator, network)
    if accelerator.is_main_process:
        save_model(network, folder.out, {"made_from": folder.made_from, "seconds": loop.seconds})
    finish_trackers(accelerator)
    return network


def validate(network: MSINet, splits: ReidSplits, settings: TrainSettings, accelerator: Accelerator) -> RetrievalResult:
    """Score the validation split: every image is asked for, all are searched."""
    share_statistics(accelerator, network)
    embeddings = embed(network, splits.validation, settings, accelerator=accelerator)
    return score_together(embeddings, accelerator)


def sum_of(losses: Any) -> Tensor:
    """Add up losses."""
    return torch.stack(list(losses)).sum()
