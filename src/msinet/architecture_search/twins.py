"""The twins contrastive mechanism: a supernet, two memories of identity centroids, and the steps that use them in turn."""

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from msinet.architecture_search.budget import Budget
from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.sides import Sides, twin_sides
from msinet.batches.loading import Batch, RecordImages, embedding_batches
from msinet.data.records import ImageRecord
from msinet.deploy.timing import timing_on
from msinet.engine.checkpoint import module_tensors, optimizer_tensors, restore_module, restore_optimizer
from msinet.engine.feed import Caches
from msinet.engine.machine import Machine
from msinet.engine.optimizers import make_optimizer, set_learning_rate
from msinet.engine.schedule import learning_rate_at, step_factor
from msinet.losses.twins_memory import CentroidMemory
from msinet.model.initial_weights import start_supernet
from msinet.model.msinet.costs import CostTable, latency_table, multiply_adds_table
from msinet.model.msinet.search_space import SPACES, Cells, SearchSpace
from msinet.model.msinet.supernet import Supernet
from msinet.model.msinet.widths import channels_at
from msinet.progress import track

logger = logging.getLogger(__name__)


def space_of(settings: SearchSettings) -> SearchSpace:
    """Return the search space of settings."""
    shape = {"cells_per_stage": settings.cells_per_stage, "interactions_per_cell": settings.interactions_per_cell}
    return replace(SPACES[settings.space], **shape)


def costs_of(settings: SearchSettings, space: SearchSpace, machine: Machine) -> CostTable:
    """Return what the options of a space cost: for a budget of milliseconds, those on the first process's machine.

    Raises:
        MissingExtraError: a package is missing for the runtime that a budget of milliseconds counts on.
    """
    if settings.budget_ms:
        timing = timing_on(settings.on)
        own = latency_table(space, settings.width, settings.image_size, timing=timing) if machine.is_first else None
        return machine.gather_objects([own])[0]
    return multiply_adds_table(space, settings.width, settings.image_size)


class TwinsSearch:
    """The supernet and all that learns with it.

    A variant of the search is a subclass that replaces one of the methods (`experiments/variants.py`).

    Args:
        settings: of the search.
        space: places and choices.
        sides: images and identities of both sides.
        machine: device, precision and processes.
    """

    name = ""
    """Name of the variant, which belongs to what a run is made from; empty for the report's search."""

    def __init__(self, settings: SearchSettings, space: SearchSpace, sides: Sides, machine: Machine) -> None:
        self.settings, self.sides, self.machine = settings, sides, machine
        torch.manual_seed(settings.seed)
        self.supernet = Supernet(channels_at(settings.width), space)
        self.start(self.supernet)
        machine.place(self.supernet)
        if settings.sync_batch_norm:
            self.supernet = machine.synchronise_batch_norm(self.supernet)
        self.forward = torch.compile(self.supernet, dynamic=False) if settings.compile else self.supernet
        self.weights, self.alphas = self.supernet.weight_parameters(), self.supernet.alphas
        self.weight_memory, self.alpha_memory = self.make_memories()
        self.weight_optimizer = make_optimizer(settings, self.weights)
        self.alpha_optimizer = torch.optim.Adam(
            [self.alphas], settings.alpha_learning_rate, betas=(0.5, 0.999), weight_decay=settings.alpha_weight_decay
        )
        limit = settings.budget_ms or settings.budget_macs
        self.budget = Budget(self.costs, limit).to(machine.device) if limit and settings.has_supernet else None
        self.mixture_temperature = 1.0
        self.alphas_rest = settings.alpha_start_epoch > 0

    @cached_property
    def costs(self) -> CostTable:
        """What the options of the space cost; all processes have to ask for it together."""
        return costs_of(self.settings, self.supernet.space, self.machine)

    @staticmethod
    def sides_of(settings: SearchSettings, records: Sequence[ImageRecord]) -> Sides:
        """Return the training records on two sides."""
        return twin_sides(settings, records)

    def start(self, supernet: Supernet) -> None:
        """Change the initial weights of the supernet; the report's search leaves them as they are."""

    def begin_from_model(self, says: bool = True) -> None:
        """Give the supernet the weights of a model to begin with, where settings name one."""
        if self.settings.init is not None:
            for words in start_supernet(self.supernet, self.settings.init):
                logger.log(logging.WARNING if says else logging.DEBUG, "%s", words)

    def make_memories(self) -> tuple[CentroidMemory, CentroidMemory]:
        """Return C_tr and C_val, the memories of the weights' and of the alphas' identities."""
        settings, dim, device = self.settings, self.supernet.feature_dim, self.machine.device
        counts = len(self.sides.weight_identities), len(self.sides.alpha_identities)
        weights, alphas = (CentroidMemory(n, dim, settings.temperature, settings.memory_keep).to(device) for n in counts)
        return weights, alphas

    def step(self, weight_batch: Batch, alpha_batch: Batch) -> tuple[Tensor, Tensor]:
        """Do one iteration of the search (report, section 3.1) and return both losses.

        Each process has its share of the batches; all update by the same gradients, and their memories by all features.
        """
        self.only_learning(self.weights)
        weight_loss = self.learn(weight_batch)
        # (3) With the weights just updated, the alphas learn from the validation batch: equation 2 against C_val, then
        # equation 3.
        self.only_learning([] if self.alphas_rest else [self.alphas])
        features, alpha_loss = self.contrast(alpha_batch, self.alpha_memory)
        if not self.alphas_rest:
            charged = self.budget(self.supernet.mixture(self.mixture_temperature)) if self.budget else 0
            self.descend(alpha_loss + charged, self.alpha_optimizer, [self.alphas])
        self.remember(self.alpha_memory, features, alpha_batch)
        return weight_loss, self.machine.mean(alpha_loss)

    def learn(self, batch: Batch, cells: Cells | None = None) -> Tensor:
        """Do the weights' part of an iteration and return its loss: of the mixture or, given its cells, of one network.

        The weights have to be learning: see `only_learning`.
        """
        # (1) The weights omega learn from the training batch: equation 2 against C_tr.
        features, loss = self.contrast(batch, self.weight_memory, cells)
        self.descend(loss, self.weight_optimizer, self.weights)
        # (2) The features are folded into C_tr: equation 3.
        self.remember(self.weight_memory, features, batch)
        return self.machine.mean(loss)

    def only_learning(self, learning: Sequence[nn.Parameter]) -> None:
        """Let some parameters have gradients, and no others: nothing is computed for those that do not learn."""
        for module in self.modules().values():
            module.requires_grad_(False)
        for parameter in learning:
            parameter.requires_grad_(True)

    def contrast(self, batch: Batch, memory: CentroidMemory, cells: Cells | None = None) -> tuple[Tensor, Tensor]:
        """Return the features (B, D) of a batch and their contrastive loss against a memory (equation 2)."""
        with self.machine.autocast():
            if cells is None:
                features = self.forward(batch.images, self.supernet.mixture(self.mixture_temperature))
            else:
                features = self.supernet(batch.images, cells)
        return features, memory(features, batch.identities)

    def descend(self, loss: Tensor, optimizer: Optimizer, learning: Sequence[nn.Parameter]) -> None:
        """Update some parameters by the gradient of a loss, averaged over the processes."""
        loss.backward()
        self.machine.average_gradients(learning)
        optimizer.step()
        optimizer.zero_grad()

    def remember(self, memory: CentroidMemory, features: Tensor, batch: Batch) -> None:
        """Fold the features of all processes into a memory (equation 3)."""
        memory.update(self.machine.gather(features), self.machine.gather(batch.identities))

    def fill_memories(self, caches: Caches) -> None:
        """Start both memories with the centroids of their identities."""
        self.fill(self.weight_memory, self.sides.split.weight_images, caches)
        self.fill(self.alpha_memory, self.sides.split.alpha_images, caches)

    @torch.no_grad()
    def fill(
        self, memory: CentroidMemory, records: Sequence[ImageRecord], caches: Caches, cells: Cells | None = None
    ) -> None:
        """Start a memory with the centroids of its identities, from the supernet as it is or one network of it.

        Processes whose share is an image smaller see one image more, which does not count: synchronised batch norms wait
        for each other in every batch.
        """
        settings, machine = self.settings, self.machine
        order = np.random.default_rng(settings.seed).permutation(len(records))
        own = order[machine.share(len(order))].tolist()
        seen = own + [order[0].item()] * (math.ceil(len(order) / machine.processes) - len(own))
        size = settings.small_image_size if settings.small_epochs else settings.image_size
        images = RecordImages(records, size, caches=caches)
        loader = embedding_batches(images, settings.batch_size, machine.device, machine.workers, seen)
        features, labels = [], []
        for batch in track(loader, "first centroids"):
            with machine.autocast():
                features.append(self.supernet(batch.images, cells))
            labels.append(batch.identities)
        memory.fill(*(machine.gather(torch.cat(rows)[: len(own)]) for rows in (features, labels)))

    def follow_schedules(self, step: int, steps_per_epoch: int) -> None:
        """Set learning rates, mixture temperature and whether the alphas rest, for a step."""
        settings = self.settings
        set_learning_rate(self.weight_optimizer, learning_rate_at(settings, step, steps_per_epoch))
        factor = step_factor(settings.alpha_milestones, step / steps_per_epoch)
        set_learning_rate(self.alpha_optimizer, settings.alpha_learning_rate * factor)
        self.alphas_rest = step < settings.alpha_start_epoch * steps_per_epoch
        self.mixture_temperature = settings.mixture_temperature ** (step / max(settings.epochs * steps_per_epoch - 1, 1))

    def decide(self, caches: Caches) -> Tensor:
        """Return values (L, choices) of which each place keeps the largest: the alphas."""
        return self.alphas.detach()

    def modules(self) -> dict[str, nn.Module]:
        """Return whatever has parameters or memories, by the names that a checkpoint gives it."""
        modules: dict[str, nn.Module] = {"supernet": self.supernet}
        modules |= {"weight_memory": self.weight_memory, "alpha_memory": self.alpha_memory}
        return modules | ({"budget": self.budget} if self.budget else {})

    def optimizers(self) -> dict[str, Optimizer]:
        """Return the optimizers, by the names that a checkpoint gives them."""
        return {"weight_optimizer": self.weight_optimizer, "alpha_optimizer": self.alpha_optimizer}

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that the search has learned, for a checkpoint."""
        tensors = {}
        for name, module in self.modules().items():
            tensors |= module_tensors(module, name)
        for name, optimizer in self.optimizers().items():
            tensors |= optimizer_tensors(optimizer, name)
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        for name, module in self.modules().items():
            restore_module(module, tensors, name)
        for name, optimizer in self.optimizers().items():
            restore_optimizer(optimizer, tensors, name)
