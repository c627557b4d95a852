"""Variants of the search that the experiments compare with the report's: `search(splits, method=variant("shared"))`.

None of them helps measurably (docs/experiments.md, "Gain of the search").
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.sides import Sides
from msinet.architecture_search.twins import TwinsSearch
from msinet.batches.loading import Batch
from msinet.data.identity_splits import halve_for_search
from msinet.data.records import ImageRecord, identities
from msinet.engine.feed import Caches
from msinet.engine.machine import Machine
from msinet.engine.optimizers import make_optimizer, set_learning_rate
from msinet.engine.schedule import learning_rate_at
from msinet.errors import DatasetError, SettingsError
from msinet.experiments.removal import Removal
from msinet.experiments.softmax_classifier import SoftmaxClassifier
from msinet.losses.twins_memory import CentroidMemory
from msinet.model.msinet.interactions.channel_gate import ChannelGate
from msinet.model.msinet.interactions.cross_attention import CrossAttention
from msinet.model.msinet.search_space import SearchSpace
from msinet.model.msinet.supernet import Supernet

OPEN_GATE, HALF_ATTENTION = 0.95, 0.5
"""Initial gate and initial gamma of the attention in a balanced start."""


class SharedMemory(TwinsSearch):
    """One memory for both sides. Every identity is on both sides, which halve its images."""

    name = "shared"

    @staticmethod
    def sides_of(settings: SearchSettings, records: Sequence[ImageRecord]) -> Sides:
        """Return the halves of every identity; labels of both sides count all identities.

        Raises:
            DatasetError: every identity has a single image, which cannot be halved.
        """
        split = halve_for_search(records, settings.seed)
        if split.weight_images and not split.alpha_images:
            raise DatasetError("every identity has one image, and a shared memory halves them: choose another variant")
        return Sides(split, identities(split.weight_images), identities(split.weight_images))

    def make_memories(self) -> tuple[CentroidMemory, CentroidMemory]:
        """Return the same memory twice."""
        memory, _ = super().make_memories()
        return memory, memory

    def fill_memories(self, caches: Caches) -> None:
        """Start the memory with the images of both sides."""
        self.fill(self.weight_memory, (*self.sides.split.weight_images, *self.sides.split.alpha_images), caches)

    def modules(self) -> dict[str, nn.Module]:
        """Return the supernet and the memory, once."""
        return {name: module for name, module in super().modules().items() if name != "alpha_memory"}


class Classifiers(TwinsSearch):
    """Softmax classifiers in place of the memories. They learn as the weights do, and while the alphas rest."""

    name = "classifiers"

    def __init__(self, settings: SearchSettings, space: SearchSpace, sides: Sides, machine: Machine) -> None:
        super().__init__(settings, space, sides, machine)
        classifiers = self.weight_memory, self.alpha_memory
        self.classifier_optimizers: dict[nn.Module, Optimizer] = {
            classifier: make_optimizer(settings, classifier.parameters()) for classifier in classifiers
        }

    def make_memories(self) -> tuple[SoftmaxClassifier, SoftmaxClassifier]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return a classifier of each side's identities; they are called as memories are."""
        dim, device = self.supernet.feature_dim, self.machine.device
        counts = len(self.sides.weight_identities), len(self.sides.alpha_identities)
        weights, alphas = (SoftmaxClassifier(count, dim).to(device) for count in counts)
        return weights, alphas

    def fill_memories(self, caches: Caches) -> None:
        """Leave the classifiers as they start."""

    def remember(self, memory: nn.Module, features: Tensor, batch: Batch) -> None:
        """Update a classifier by the gradient of its loss, in place of equation 3."""
        learning = list(memory.parameters())
        self.only_learning(learning)
        self.descend(memory(features.detach(), batch.identities), self.classifier_optimizers[memory], learning)

    def follow_schedules(self, step: int, steps_per_epoch: int) -> None:
        """Set the classifiers' learning rates to that of the weights as well."""
        super().follow_schedules(step, steps_per_epoch)
        for optimizer in self.classifier_optimizers.values():
            set_learning_rate(optimizer, learning_rate_at(self.settings, step, steps_per_epoch))

    def optimizers(self) -> dict[str, Optimizer]:
        """Return those of the classifiers as well."""
        names = "weight_classifier_optimizer", "alpha_classifier_optimizer"
        return super().optimizers() | dict(zip(names, self.classifier_optimizers.values(), strict=True))


class Balanced(TwinsSearch):
    """Gates that start nearly open and attention that starts at half its strength.

    In the report's search a gate starts half shut and attention at nothing: of four interactions one is half of `none`, and
    one equals it. Only the start differs; the chosen network is trained from its usual one.
    """

    name = "balanced"

    @torch.no_grad()
    def start(self, supernet: Supernet) -> None:
        """Set the gates' biases and the attentions' gammas."""
        super().start(supernet)
        for module in supernet.modules():
            if isinstance(module, ChannelGate):
                module.excite.bias.fill_(math.log(OPEN_GATE / (1 - OPEN_GATE)))  # pyright: ignore[reportOptionalMemberAccess]
            elif isinstance(module, CrossAttention):
                module.gamma.fill_(HALF_ATTENTION)


METHODS: dict[str, type[TwinsSearch]] = {
    "shared": SharedMemory,
    "classifiers": Classifiers,
    "balanced": Balanced,
    "removal": Removal,
}
"""Variants by name."""


def variant(*names: str) -> type[TwinsSearch]:
    """Return the search that has all the named variants; without a name, the report's.

    Raises:
        SettingsError: there is no such variant, or two of them cannot be combined.
    """
    if unknown := sorted(set(names) - set(METHODS)):
        raise SettingsError(f"no variant of the search is named {', '.join(unknown)}: choose from {', '.join(METHODS)}")
    if {"shared", "classifiers"} <= set(names):
        raise SettingsError("shared and classifiers cannot be combined: both replace the memories")
    chosen = [method for name, method in METHODS.items() if name in names]
    if len(chosen) < 2:
        return chosen[0] if chosen else TwinsSearch
    return type("CombinedSearch", tuple(chosen), {"name": "+".join(method.name for method in chosen)})
