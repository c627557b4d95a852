"""The search: weights and alphas in turn, on different identities (report, section 3.1)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from msinet.data.batches import Batch, embedding_batches, labels_of
from msinet.data.identity_splits import hold_out_validation, split_for_search
from msinet.data.image_cache import ImageCache
from msinet.data.records import ImageRecord, ReidSplits, identities
from msinet.engine.checkpoint import (
    RunFolder,
    module_tensors,
    optimizer_tensors,
    restore_module,
    restore_optimizer,
)
from msinet.engine.loop import Loop, Shown, make_batches, make_sampler, open_caches
from msinet.engine.runtime import (
    Progress,
    Silence,
    autocast,
    average_gradients,
    finish_trackers,
    gather_rows,
    learning_rate_factor,
    make_accelerator,
    make_optimizer,
    mean_of_processes,
    own_share,
    set_learning_rate,
    step_factor,
    synchronise_batch_norm,
)
from msinet.engine.settings import SearchSettings
from msinet.losses.twins_memory import CentroidMemory
from msinet.model.architecture import INTERACTION_NAMES, Architecture
from msinet.model.supernet import Supernet
from msinet.whole_files import write_whole


class TwinsSearch:
    """The twins contrastive mechanism: a supernet, two memories, and the steps that use them in turn.

    Args:
        settings: of the search.
        weight_identities: number of identities in C_tr.
        alpha_identities: number of identities in C_val.
        accelerator: device, precision and processes.
    """

    def __init__(
        self, settings: SearchSettings, weight_identities: int, alpha_identities: int, accelerator: Accelerator
    ) -> None:
        self.settings = settings
        self.accelerator = accelerator
        torch.manual_seed(settings.seed)
        self.supernet = Supernet(settings.channels, settings.cells_per_stage, settings.interactions_per_cell)
        self.supernet.to(accelerator.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        if settings.sync_batch_norm:
            self.supernet = synchronise_batch_norm(self.supernet, accelerator)
        self.forward = torch.compile(self.supernet, dynamic=False) if settings.compile else self.supernet
        self.weights = self.supernet.weight_parameters()
        self.alphas = self.supernet.alphas
        self.weight_optimizer = make_optimizer(settings, self.supernet, but=[self.alphas])
        self.alpha_optimizer = torch.optim.Adam(
            [self.alphas], settings.alpha_learning_rate, betas=(0.5, 0.999), weight_decay=settings.alpha_weight_decay
        )
        self.weight_memory, self.alpha_memory = (
            CentroidMemory(count, self.supernet.feature_dim, settings.temperature, settings.memory_keep).to(
                accelerator.device
            )
            for count in (weight_identities, alpha_identities)
        )

    def step(self, weight_batch: Batch, alpha_batch: Batch) -> tuple[Tensor, Tensor]:
        """Do one iteration and return both losses.

        (1) Update the weights by the loss of equation 2 against C_tr, (2) fold the features into C_tr by equation 3,
        (3) with the weights just updated, update the alphas against C_val and fold into C_val.
        """
        weight_loss = self._learn(weight_batch, self.weight_memory, self.weight_optimizer, self.weights, [self.alphas])
        alpha_loss = self._learn(alpha_batch, self.alpha_memory, self.alpha_optimizer, [self.alphas], self.weights)
        return weight_loss, alpha_loss

    def _learn(
        self,
        batch: Batch,
        memory: CentroidMemory,
        optimizer: torch.optim.Optimizer,
        learning: Sequence[Tensor],
        resting: Sequence[Tensor],
    ) -> Tensor:
        """Update what is learning by the loss against a memory, and the memory; what is resting gets no gradient.

        Each process has its share of the batch; all update by the same gradient, and their memories by all features.
        """
        for parameter in learning:
            parameter.requires_grad_(True)
        for parameter in resting:
            parameter.requires_grad_(False)
        with autocast(self.settings, self.accelerator.device):
            features = self.forward(batch.images)
        loss = memory(features, batch.identities)
        loss.backward()
        average_gradients(self.accelerator, learning)  # pyright: ignore[reportArgumentType]
        optimizer.step()
        optimizer.zero_grad()
        memory.update(*(gather_rows(self.accelerator, rows) for rows in (features, batch.identities)))
        return mean_of_processes(self.accelerator, loss)

    @torch.no_grad()
    def fill(
        self,
        memory: CentroidMemory,
        records: Sequence[ImageRecord],
        progress: Progress,
        caches: Mapping[tuple[int, int], ImageCache] | None = None,
    ) -> None:
        """Start a memory with the centroids of its identities, from the supernet as it stands."""
        order = np.random.default_rng(self.settings.seed).permutation(len(records))
        labels = torch.tensor(labels_of(records), device=self.accelerator.device)[order]
        own = [records[i] for i in order[own_share(len(order), self.accelerator)]]
        settings = self.settings
        image_size = settings.small_image_size if settings.small_epochs else settings.image_size
        batch_size = settings.identities_per_batch * settings.images_per_identity
        loader = embedding_batches(own, image_size, batch_size, self.accelerator.device, settings.workers, caches)
        progress.start("first centroids", len(loader))
        features = []
        for batch in loader:
            with autocast(self.settings, self.accelerator.device):
                features.append(self.supernet(batch.images))
            progress.advance()
        memory.fill(gather_rows(self.accelerator, torch.cat(features)), labels)

    def set_learning_rates(self, step: int, steps_per_epoch: int) -> None:
        """Set both optimizers' learning rates as the schedules say."""
        settings = self.settings
        factor = learning_rate_factor(settings, step, steps_per_epoch)
        set_learning_rate(self.weight_optimizer, settings.learning_rate * factor)
        factor = step_factor(settings.alpha_milestones, step / steps_per_epoch)
        set_learning_rate(self.alpha_optimizer, settings.alpha_learning_rate * factor)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that the search has learned, for a checkpoint."""
        return (
            module_tensors(self.supernet, "supernet")
            | module_tensors(self.weight_memory, "weight_memory")
            | module_tensors(self.alpha_memory, "alpha_memory")
            | optimizer_tensors(self.weight_optimizer, "weight_optimizer")
            | optimizer_tensors(self.alpha_optimizer, "alpha_optimizer")
        )

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        restore_module(self.supernet, tensors, "supernet")
        restore_module(self.weight_memory, tensors, "weight_memory")
        restore_module(self.alpha_memory, tensors, "alpha_memory")
        restore_optimizer(self.weight_optimizer, tensors, "weight_optimizer")
        restore_optimizer(self.alpha_optimizer, tensors, "alpha_optimizer")


def search(
    splits: ReidSplits,
    settings: SearchSettings | None = None,
    out: str | Path = "runs/search",
    progress: Progress | None = None,
) -> Architecture:
    """Search an architecture on the training split.

    Writes `architecture.json`, its picture `architecture.svg`, the log `search.jsonl` with all alphas after each epoch, and
    a checkpoint to `out`. Called again with the same arguments, it goes on where it stopped.

    Raises:
        DatasetError: there is nothing to train on.
        SettingsError: there are too few identities for a batch.
        CheckpointError: `out` holds a search with other settings or data.
        TrainingError: the loss is not finite.
        KeyboardInterrupt: stopped by Ctrl-C, after a checkpoint.
    """
    settings, progress = settings or SearchSettings(), progress or Silence()
    accelerator = make_accelerator(settings, out, "search")
    folder = RunFolder(out, "search", settings, splits, accelerator.is_main_process)
    train = hold_out_validation(splits, settings.validation_share).train
    split = split_for_search(train, settings.overlap, settings.seed)
    samplers = make_sampler(split.weights, settings), make_sampler(split.alphas, settings)
    twins = TwinsSearch(settings, len(identities(split.weights)), len(identities(split.alphas)), accelerator)
    steps_per_epoch = len(samplers[0])
    loop = Loop(folder, twins.tensors, settings.epochs * steps_per_epoch, steps_per_epoch, progress, accelerator)
    caches = open_caches(train, settings, accelerator, progress)
    if not loop.resume(twins.restore):
        twins.fill(twins.weight_memory, split.weights, progress, caches)
        twins.fill(twins.alpha_memory, split.alphas, progress, caches)

    weight_batches = make_batches(split.weights, samplers[0], settings, accelerator, loop, caches)
    alpha_batches = make_batches(split.alphas, samplers[1], settings, accelerator, loop, caches, stream=1)
    for weight_batch, alpha_batch in loop.over(zip(weight_batches, alpha_batches, strict=True), "search"):
        twins.set_learning_rates(loop.step, steps_per_epoch)
        weight_loss, alpha_loss = twins.step(weight_batch, alpha_batch)
        shown = {
            "loss": Shown(weight_batch.positions, split.weights),
            "alpha_loss": Shown(alpha_batch.positions, split.alphas),
        }
        loop.record({"loss": weight_loss, "alpha_loss": alpha_loss}, shown)
        if loop.ends_epoch:
            loop.log_epoch(alphas=twins.alphas.tolist())

    architecture = twins.supernet.architecture()
    if accelerator.is_main_process:
        alphas = {"columns": INTERACTION_NAMES, "rows": twins.alphas.tolist()}
        architecture.save(folder.out / "architecture.json", alphas=alphas, made_from=folder.made_from)
        write_whole(folder.out / "architecture.svg", architecture.to_svg().encode())
    finish_trackers(accelerator)
    return architecture
