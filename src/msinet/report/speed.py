"""Cost of a saved network: parameters, multiply-adds, and images a second on this computer's processor."""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from msinet.engine.machine import faster_precision
from msinet.model.cost import count_multiply_adds, count_parameters
from msinet.model.model_files import load_model
from msinet.model.network import Network

BATCH = 16
SECONDS = 1.5


@dataclass(frozen=True)
class Cost:
    """What a network costs."""

    parameters: int
    multiply_adds: int
    """Of one image."""
    images_per_second: float
    """On this computer's processor, decoding not included."""


def cost_of(model: Path) -> Cost:
    """Return the cost of the network in a folder.

    Raises:
        ModelError: a file of the network is missing or damaged.
    """
    network = load_model(model)
    return Cost(count_parameters(network), count_multiply_adds(network), images_per_second(network))


def images_per_second(network: Network, seconds: float = SECONDS) -> float:
    """Return the number of images that the processor embeds in a second, decoding not included: the best of some batches.

    The processor is measured without a `Machine`: after a training on a GPU, this process has no other one.
    """
    cpu = torch.device("cpu")
    images = torch.rand(BATCH, 3, *network.image_size).contiguous(memory_format=torch.channels_last)
    network.eval().to(cpu, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    best, started = 0.0, time.perf_counter()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=faster_precision(cpu) == "bf16"):
        network.embed(images)
        while time.perf_counter() - started < seconds or not best:
            before = time.perf_counter()
            network.embed(images)
            best = max(best, BATCH / (time.perf_counter() - before))
    return best
