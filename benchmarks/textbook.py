"""The other side of the benchmarks: the report's equations as one would first write them down.

fp32, default memory layout, every convolution by itself, the mixture a sum of four weighted operations, the alphas' step
through a full backward pass, every image decoded in every epoch. Heads and losses are the product's: they cost next to
nothing. Tensors have the product's names, so that both sides start from the same weights.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset
from torchvision.transforms import v2

from msinet.losses.identity import identity_loss
from msinet.losses.triplet import triplet_loss
from msinet.losses.twins_memory import CentroidMemory
from msinet.model.heads import Head, PartHead
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.interactions import INTERACTIONS
from msinet.model.msinet.interactions.cross_attention import CrossAttention
from msinet.model.network import Features


class TextbookCrossAttention(CrossAttention):
    """The attention with its four products, as published."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return gamma * (mask @ x) + x for both branches."""
        return self.attend(a, b), self.attend(b, a)

    def attend(self, x: Tensor, keys: Tensor) -> Tensor:
        """Attend to one branch by the keys of the other."""
        energy = x.flatten(2) @ keys.flatten(2).mT
        mask = (energy.amax(-1, keepdim=True) - energy).softmax(-1)
        return self.gamma * (mask @ x.flatten(2)).view_as(x) + x


OPERATIONS: dict[str, Callable[[int], nn.Module]] = {**INTERACTIONS, "cross_attention": TextbookCrossAttention}


class TextbookMixture(nn.Module):
    """Equation 1: the sum of all four operations, weighed."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channel_gate = OPERATIONS["channel_gate"](channels)
        self.cross_attention = OPERATIONS["cross_attention"](channels)
        kept, exchanged = (OPERATIONS[name](channels) for name in ("none", "exchange"))
        self.operations = (kept, exchanged, self.channel_gate, self.cross_attention)

    def forward(self, a: Tensor, b: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Mix."""
        results = [operation(a, b) for operation in self.operations]
        mixed = [sum(w * result[side] for w, result in zip(weights, results, strict=True)) for side in (0, 1)]
        return mixed[0], mixed[1]  # pyright: ignore[reportReturnType]


def conv_norm(before: int, after: int, kernel: int = 1, stride: int = 1, relu: bool = False) -> nn.Sequential:
    """Convolution, batch norm, and ReLU if wanted."""
    layers = [nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(after)]
    return nn.Sequential(*layers, *([nn.ReLU()] if relu else []))


def light_convs(channels: int, count: int) -> nn.Sequential:
    """Light 3x3 convolutions in a row."""
    light = [
        (
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        for _ in range(count)
    ]
    return nn.Sequential(*(nn.Sequential(*layers) for layers in light))


class TextbookCell(nn.Module):
    """Two branches and their interactions."""

    def __init__(self, before: int, after: int, interactions: Sequence[nn.Module]) -> None:
        super().__init__()
        width = after // 4
        self.reduce_a, self.reduce_b = conv_norm(before, width, relu=True), conv_norm(before, width, relu=True)
        self.scales_a = nn.ModuleList(light_convs(width, 1) for _ in interactions)
        self.scales_b = nn.ModuleList(light_convs(width, 3) for _ in interactions)
        self.interactions = nn.ModuleList(interactions)
        self.expand_a, self.expand_b = conv_norm(width, after), conv_norm(width, after)
        self.project = nn.Identity() if before == after else conv_norm(before, after)

    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        """Apply the cell; weights: (I, 4) for mixtures."""
        a, b = self.reduce_a(x), self.reduce_b(x)
        for i, interact in enumerate(self.interactions):
            a, b = self.scales_a[i](a), self.scales_b[i](b)
            a, b = interact(a, b) if weights is None else interact(a, b, weights[i])
        return F.relu(self.expand_a(a) + self.expand_b(b) + self.project(x))


class TextbookBackbone(nn.Module):
    """Stem, three stages of two cells, halved in between."""

    def __init__(self, channels: Sequence[int], interaction: Callable[[int, int], nn.Module]) -> None:
        super().__init__()
        self.stem = conv_norm(3, channels[0], 7, 2, relu=True).append(nn.MaxPool2d(3, 2, 1))
        self.stages, place = nn.ModuleList(), 0
        for before, after in pairwise(channels):
            cells = nn.ModuleList()
            for c in range(2):
                chosen = [interaction(place + i, after // 4) for i in range(2)]
                cells.append(TextbookCell(after if c else before, after, chosen))
                place += 2
            self.stages.append(nn.ModuleDict({"cells": cells}))
        self.halve = nn.ModuleList(conv_norm(c, c, relu=True).append(nn.AvgPool2d(2)) for c in channels[1:-1])

    def forward(self, images: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the maps that enter and leave the last stage."""
        x = middle = self.stem(images)
        for s, stage in enumerate(self.stages):
            if s > 0:
                middle = x = self.halve[s - 1](x)
            for c, cell in enumerate(stage["cells"]):  # pyright: ignore[reportIndexIssue, reportArgumentType]
                x = cell(x) if weights is None else cell(x, weights[s, c])
        return middle, x


class TextbookSupernet(nn.Module):
    """What is searched."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.backbone = TextbookBackbone(channels, lambda place, width: TextbookMixture(width))
        self.alphas = nn.Parameter(torch.zeros(12, 4))

    def forward(self, images: Tensor) -> Tensor:
        """Return the pooled last map."""
        return self.backbone(images, self.alphas.softmax(-1).unflatten(0, (3, 2, 2)))[1].mean((2, 3))


class TextbookMSINet(nn.Module):
    """What is trained."""

    def __init__(self, architecture: Architecture, identities: int, channels: Sequence[int]) -> None:
        super().__init__()
        names = architecture.interactions
        self.backbone = TextbookBackbone(channels, lambda place, width: OPERATIONS[names[place]](width))
        self.whole_head = Head(channels[-1], identities)
        self.part_head = PartHead(channels[-2], channels[-1] // 4, identities)

    def forward(self, images: Tensor) -> Features:
        """Return both heads' features."""
        middle, last = self.backbone(images)
        return Features((self.whole_head(last.mean((2, 3))), self.part_head(middle)), last)


class TextbookSearch:
    """The twins contrastive mechanism; each step a full backward pass of everything."""

    def __init__(
        self, supernet: TextbookSupernet, memories: tuple[CentroidMemory, CentroidMemory], learning_rate: float
    ) -> None:
        self.supernet, self.memories = supernet, memories
        self.optimizers = (
            torch.optim.SGD(supernet.backbone.parameters(), learning_rate, momentum=0.9, weight_decay=5e-4),
            torch.optim.Adam([supernet.alphas], 0.002, betas=(0.5, 0.999), weight_decay=1e-3),
        )

    def step(self, *batches: tuple[Tensor, Tensor]) -> list[float]:
        """Do one iteration with a batch (images, identities) for the weights and one for the alphas."""
        losses = []
        for (images, identities), memory, optimizer in zip(batches, self.memories, self.optimizers, strict=True):
            features = self.supernet(images)
            loss = memory(features, identities)
            self.supernet.zero_grad()
            loss.backward()
            optimizer.step()
            memory.update(features, identities)
            losses.append(loss.item())
        return losses


class TextbookTraining:
    """Identity and triplet loss on both heads."""

    def __init__(self, network: TextbookMSINet, learning_rate: float) -> None:
        self.network = network
        parameters = [p for p in network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(parameters, learning_rate, momentum=0.9, weight_decay=5e-4)

    def step(self, images: Tensor, identities: Tensor) -> list[float]:
        """Do one iteration."""
        features = self.network(images)
        loss = sum(
            identity_loss(head.logits, identities) + triplet_loss(head.feature, identities) for head in features.heads
        )
        assert isinstance(loss, Tensor)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return [loss.item()]


class TextbookImages(Dataset):
    """Image files, decoded whenever asked for, augmented one by one."""

    def __init__(self, paths: Sequence[Path], size: tuple[int, int], augment: bool = True) -> None:
        self.paths = paths
        random = [v2.RandomHorizontalFlip(), v2.RandomCrop(size, padding=10)] if augment else []
        to_tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
        normalise = v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        erase = [v2.RandomErasing(0.5, scale=(0.02, 0.4), ratio=(0.3, 3.3))] if augment else []
        self.transform = v2.Compose([v2.Resize(size), *random, *to_tensor, normalise, *erase])

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, which: int) -> Tensor:
        with Image.open(self.paths[which]) as image:
            return self.transform(image.convert("RGB"))


def patterns(count: int, size: int, random: torch.Generator) -> Tensor:
    """Return images (count, 3, size, size) of random colours that a network can tell apart, as noise it cannot."""
    coarse = 2 * torch.randn(count, 3, 4, 4, generator=random)
    return F.interpolate(coarse, (size, size), mode="bilinear") + torch.randn(count, 3, size, size, generator=random)
