"""One iteration of the search, weights and alphas, against the textbook: `python benchmarks/search_step.py`."""

import argparse
from dataclasses import replace
from typing import Any

import torch
from paired import Step, compare_precisions
from textbook import TextbookSearch, TextbookSupernet, patterns
from torch import Tensor

from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.sides import Sides
from msinet.architecture_search.twins import TwinsSearch
from msinet.batches.loading import Batch
from msinet.data.identity_splits import SearchSplit
from msinet.engine.machine import Machine
from msinet.losses.twins_memory import CentroidMemory
from msinet.model.msinet.search_space import PUBLISHED
from msinet.model.msinet.supernet import Supernet
from msinet.model.msinet.widths import CHANNELS

SIZE, IMAGES, IDENTITIES = 128, 32, 100
START = 2.5e-4  # where the warm-up starts: a full step from random weights would magnify any rounding


def batches(device: torch.device, dtype: torch.dtype) -> tuple[Batch, Batch]:
    """Return a batch for the weights and one for the alphas of coloured patterns: 8 identities x 4 images."""
    random = torch.Generator().manual_seed(0)
    labels = (torch.arange(IMAGES) // 4).to(device)
    images = [patterns(IMAGES, SIZE, random) for _ in range(2)]
    weights, alphas = (Batch(each.to(device, dtype), labels, labels, labels) for each in images)
    return weights, alphas


def memories(dim: int, device: torch.device) -> tuple[CentroidMemory, CentroidMemory]:
    """Return two memories of random centroids."""
    torch.manual_seed(1)
    weights, alphas = (CentroidMemory(IDENTITIES, dim).to(device) for _ in range(2))
    for memory in (weights, alphas):
        memory.fill(torch.randn(IDENTITIES, dim).to(device), torch.arange(IDENTITIES, device=device))
    return weights, alphas


def ours(device: str, precision: str, dtype: torch.dtype = torch.float32) -> Step:
    """Return an iteration of the product."""
    settings = SearchSettings(device=device, precision=precision, learning_rate=START)  # pyright: ignore[reportArgumentType]
    machine, identities = Machine(settings), [f"{i:03}" for i in range(IDENTITIES)]
    twins = TwinsSearch(settings, PUBLISHED, Sides(SearchSplit((), ()), identities, identities), machine)
    twins.weight_memory, twins.alpha_memory = (memory.to(dtype) for memory in memories(512, machine.device))
    twins.supernet.to(dtype)
    pair = batches(machine.device, dtype)
    channels_last = [replace(b, images=b.images.contiguous(memory_format=torch.channels_last)) for b in pair]

    def step() -> list:
        losses = twins.step(*channels_last)
        weight = twins.supernet.backbone.stages[1].cells[0].scales_b[0][0][0].weight  # pyright: ignore
        losses = [loss.item() for loss in losses]
        return outcome(losses, twins.alpha_optimizer, twins.alphas, twins.weight_optimizer, weight)

    return step


def textbook(device: str, dtype: torch.dtype = torch.float32) -> Step:
    """Return an iteration of the textbook, from the same weights."""
    where, settings = torch.device(device), SearchSettings(learning_rate=START)
    torch.manual_seed(settings.seed)
    start = Supernet().state_dict()
    supernet = TextbookSupernet(CHANNELS)
    supernet.load_state_dict(start)
    weights, alphas = (memory.to(dtype) for memory in memories(512, where))
    search = TextbookSearch(supernet.to(where, dtype), (weights, alphas), settings.learning_rate)
    pair = batches(where, dtype)

    def step() -> list:
        losses = search.step(*((batch.images, batch.identities) for batch in pair))
        weight = supernet.backbone.stages[1]["cells"][0].scales_b[0][0][0].weight  # pyright: ignore
        return outcome(losses, search.optimizers[1], supernet.alphas, search.optimizers[0], weight)

    return step


def outcome(losses: list[float], alpha_optimizer: Any, alphas: Tensor, weight_optimizer: Any, weight: Tensor) -> list:
    """Return what both sides are compared by: after one iteration the optimizers' first moments are the gradients."""
    gradients = alpha_optimizer.state[alphas]["exp_avg"], weight_optimizer.state[weight]["momentum_buffer"]
    return [losses, *(gradient.flatten().tolist() for gradient in gradients)]


def main(device: str = "cpu") -> None:
    """Measure and write the table."""
    compare_precisions(
        "One search iteration",
        "search_step.py",
        device,
        (ours, textbook),
        {"fp32": (">= 1.5", "<= 0.75"), "auto": (">= 2", "<= 0.75")},
        f"Weights and alphas, {IMAGES} images of {SIZE}x{SIZE} each, full width. In float64 both sides agree "
        "to 1e-6 in the losses, the alphas' gradient and the gradient of a layer in the middle of the network.",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    main(parser.parse_args().device)
