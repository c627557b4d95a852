"""The search: weights and alphas in turn, on different identities (report, section 3.1)."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from msinet.data.batches import Batch, embedding_batches
from msinet.data.identity_splits import hold_out_validation
from msinet.data.image_cache import ImageCache
from msinet.data.records import ImageRecord, ReidSplits
from msinet.engine.checkpoint import (
    RunFolder,
    module_tensors,
    optimizer_tensors,
    restore_module,
    restore_optimizer,
)
from msinet.engine.contrast import Memory, Sides, make_memories, sides_of
from msinet.engine.decision import decide, loss_on_fixed_images
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
from msinet.losses.softmax_classifier import SoftmaxClassifier
from msinet.losses.twins_memory import CentroidMemory
from msinet.model.architecture import Architecture
from msinet.model.interactions import start_balanced
from msinet.model.supernet import Supernet
from msinet.whole_files import write_whole


class TwinsSearch:
    """The twins contrastive mechanism: a supernet, two memories, and the steps that use them in turn.

    The settings put other things in the memories' place: one memory for both, or classifiers (`engine/contrast.py`).

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
        if settings.balanced:
            start_balanced(self.supernet)
        self.supernet.to(accelerator.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        if settings.sync_batch_norm:
            self.supernet = synchronise_batch_norm(self.supernet, accelerator)
        self.forward = torch.compile(self.supernet, dynamic=False) if settings.compile else self.supernet
        self.weights = self.supernet.weight_parameters()
        self.alphas = self.supernet.alphas
        counts = weight_identities, alpha_identities
        self.weight_memory, self.alpha_memory = make_memories(settings, counts, self.supernet.feature_dim)
        self.weight_memory.to(accelerator.device)
        self.alpha_memory.to(accelerator.device)
        learns_with_weights = nn.ModuleList([self.supernet, self.weight_memory])
        self.weight_optimizer = make_optimizer(settings, learns_with_weights, but=[self.alphas])
        self.alpha_optimizer = torch.optim.Adam(
            [self.alphas], settings.alpha_learning_rate, betas=(0.5, 0.999), weight_decay=settings.alpha_weight_decay
        )
        # The alphas' classifier learns as the weights do, in the alphas' steps.
        is_classifier = isinstance(self.alpha_memory, SoftmaxClassifier)
        self.classifier_optimizer = make_optimizer(settings, self.alpha_memory) if is_classifier else None
        self.mixture_temperature = 1.0
        self.alphas_rest = settings.alpha_start_epoch > 0

    def step(self, weight_batch: Batch, alpha_batch: Batch) -> tuple[Tensor, Tensor]:
        """Do one iteration and return both losses.

        (1) Update the weights by the loss of equation 2 against C_tr, (2) fold the features into C_tr by equation 3,
        (3) with the weights just updated, update the alphas against C_val and fold into C_val.
        """
        weight_loss = self._learn(weight_batch, self.weight_memory, [self.weight_optimizer])
        of_alphas = [None if self.alphas_rest else self.alpha_optimizer, self.classifier_optimizer]
        alpha_loss = self._learn(alpha_batch, self.alpha_memory, [optimizer for optimizer in of_alphas if optimizer])
        return weight_loss, alpha_loss

    def _learn(self, batch: Batch, memory: Memory, optimizers: Sequence[Optimizer]) -> Tensor:
        """Update what the optimizers hold by the loss against a memory, and the memory; nothing else gets a gradient.

        Each process has its share of the batch; all update by the same gradient, and their memories by all features.
        """
        learning = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
        for parameter in chain(*(module.parameters() for module in self._modules().values())):
            parameter.requires_grad_(False)
        for parameter in learning:
            parameter.requires_grad_(True)
        with autocast(self.settings, self.accelerator.device):
            features = self.forward(batch.images, self.supernet.mixture(self.mixture_temperature))
        loss = memory(features, batch.identities)
        if learning:
            loss.backward()
            average_gradients(self.accelerator, learning)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        memory.update(*(gather_rows(self.accelerator, rows) for rows in (features, batch.identities)))
        return mean_of_processes(self.accelerator, loss)

    def fill_memories(
        self, sides: Sides, progress: Progress, caches: Mapping[tuple[int, int], ImageCache] | None = None
    ) -> None:
        """Start the memories with the centroids of their identities; classifiers start as they are."""
        weights, alphas = sides.split.weights, sides.split.alphas
        if self.alpha_memory is self.weight_memory:
            memories = [(self.weight_memory, (*weights, *alphas))]
        else:
            memories = [(self.weight_memory, weights), (self.alpha_memory, alphas)]
        for memory, records in memories:
            if isinstance(memory, CentroidMemory):
                self.fill(memory, records, progress, caches)

    @torch.no_grad()
    def fill(
        self,
        memory: CentroidMemory,
        records: Sequence[ImageRecord],
        progress: Progress,
        caches: Mapping[tuple[int, int], ImageCache] | None = None,
    ) -> None:
        """Start a memory with the centroids of its identities, from the supernet as it stands.

        Processes whose share is an image smaller see one image too many, which does not count: synchronised batch norms
        wait for each other in every batch.
        """
        settings = self.settings
        order = np.random.default_rng(settings.seed).permutation(len(records))
        own = order[own_share(len(order), self.accelerator)].tolist()
        seen = own + [order[0].item()] * (math.ceil(len(order) / self.accelerator.num_processes) - len(own))
        image_size = settings.small_image_size if settings.small_epochs else settings.image_size
        batch_size = settings.identities_per_batch * settings.images_per_identity
        loader = embedding_batches(records, image_size, batch_size, self.accelerator.device, settings.workers, caches, seen)
        progress.start("first centroids", len(loader))
        features, labels = [], []
        for batch in loader:
            with autocast(settings, self.accelerator.device):
                features.append(self.supernet(batch.images))
            labels.append(batch.identities)
            progress.advance()
        memory.fill(*(gather_rows(self.accelerator, torch.cat(rows)[: len(own)]) for rows in (features, labels)))

    def follow_schedules(self, step: int, steps_per_epoch: int) -> None:
        """Set the optimizers' learning rates, the mixture's temperature and whether the alphas rest, for a step."""
        settings = self.settings
        rate = settings.learning_rate * learning_rate_factor(settings, step, steps_per_epoch)
        set_learning_rate(self.weight_optimizer, rate)
        if self.classifier_optimizer:
            set_learning_rate(self.classifier_optimizer, rate)
        factor = step_factor(settings.alpha_milestones, step / steps_per_epoch)
        set_learning_rate(self.alpha_optimizer, settings.alpha_learning_rate * factor)
        self.alphas_rest = step < settings.alpha_start_epoch * steps_per_epoch
        self.mixture_temperature = settings.mixture_temperature ** (step / max(settings.epochs * steps_per_epoch - 1, 1))

    def _modules(self) -> dict[str, nn.Module]:
        """Return whatever has parameters or memories, once each, by the names that a checkpoint gives it."""
        memories = {"weight_memory": self.weight_memory}
        if self.alpha_memory is not self.weight_memory:
            memories["alpha_memory"] = self.alpha_memory
        return {"supernet": self.supernet, **memories}

    def _optimizers(self) -> dict[str, Optimizer]:
        classifier = {"classifier_optimizer": self.classifier_optimizer} if self.classifier_optimizer else {}
        return {"weight_optimizer": self.weight_optimizer, "alpha_optimizer": self.alpha_optimizer, **classifier}

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that the search has learned, for a checkpoint."""
        tensors = {}
        for name, module in self._modules().items():
            tensors |= module_tensors(module, name)
        for name, optimizer in self._optimizers().items():
            tensors |= optimizer_tensors(optimizer, name)
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        for name, module in self._modules().items():
            restore_module(module, tensors, name)
        for name, optimizer in self._optimizers().items():
            restore_optimizer(optimizer, tensors, name)


def search(
    splits: ReidSplits,
    settings: SearchSettings | None = None,
    out: str | Path = "runs/search",
    progress: Progress | None = None,
) -> Architecture:
    """Search an architecture on the training split.

    Writes `architecture.json`, its picture `architecture.svg`, the log `search.jsonl` with all alphas after each epoch, and
    a checkpoint to `out`. Called again with the same arguments, it goes on where it stopped. How sure the choice is at each
    place, and in words what speaks against it, stands beside the architecture.

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
    sides = sides_of(settings, train)
    split = sides.split
    samplers = make_sampler(split.weights, settings), make_sampler(split.alphas, settings)
    twins = TwinsSearch(settings, len(sides.weights), len(sides.alphas), accelerator)
    steps_per_epoch = len(samplers[0])
    loop = Loop(folder, twins.tensors, settings.epochs * steps_per_epoch, steps_per_epoch, progress, accelerator)
    caches = open_caches(train, settings, accelerator, progress)
    if not loop.resume(twins.restore):
        if accelerator.is_main_process:
            (folder.out / "architecture.json").unlink(missing_ok=True)  # of a search that was deleted
        twins.fill_memories(sides, progress, caches)

    weight_batches = make_batches(split.weights, samplers[0], settings, accelerator, loop, caches)
    alpha_batches = make_batches(split.alphas, samplers[1], settings, accelerator, loop, caches, 1, sides.alphas)
    for weight_batch, alpha_batch in loop.over(zip(weight_batches, alpha_batches, strict=True), "search"):
        twins.follow_schedules(loop.step, steps_per_epoch)
        weight_loss, alpha_loss = twins.step(weight_batch, alpha_batch)
        shown = {
            "loss": Shown(weight_batch.positions, split.weights),
            "alpha_loss": Shown(alpha_batch.positions, split.alphas),
        }
        loop.record({"loss": weight_loss, "alpha_loss": alpha_loss}, shown)
        if loop.ends_epoch:
            loop.log_epoch(alphas=twins.alphas.tolist(), mixture_temperature=twins.mixture_temperature)

    twins.follow_schedules(loop.total - 1, steps_per_epoch)
    of_alphas = twins.supernet, twins.alpha_memory, sides, settings, accelerator, caches
    loss = loss_on_fixed_images(*of_alphas) if settings.choose_by == "removal" else None
    architecture, told = decide(twins.supernet, twins.mixture_temperature, loss, progress)
    if accelerator.is_main_process:
        architecture.save(folder.out / "architecture.json", **told, made_from=folder.made_from)
        write_whole(folder.out / "architecture.svg", architecture.to_svg().encode())
    finish_trackers(accelerator)
    return architecture
