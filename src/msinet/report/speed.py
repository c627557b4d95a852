"""What a network costs, on this machine as well."""

import time
from pathlib import Path

import torch

from msinet.engine.runtime import autocast
from msinet.engine.settings import MachineSettings
from msinet.model.cost import count_multiply_adds, count_parameters
from msinet.model.model_files import load_model
from msinet.model.msinet import MSINet

BATCH = 16
SECONDS = 1.5


def cost_of(model: Path) -> dict[str, float]:
    """Return parameters, multiply-adds of an image, and images a second on this machine's processor, of a saved network."""
    network = load_model(model)
    return {
        "parameters": count_parameters(network),
        "multiply_adds": count_multiply_adds(network),
        "images_per_second": images_per_second(network),
    }


def images_per_second(network: MSINet) -> float:
    """Return how many images the processor embeds in a second, decoding apart: the best of a few batches."""
    images = torch.rand(BATCH, 3, *network.image_size).contiguous(memory_format=torch.channels_last)
    network.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    best, started = 0.0, time.perf_counter()
    with torch.inference_mode(), autocast(MachineSettings(), torch.device("cpu")):
        network(images)
        while time.perf_counter() - started < SECONDS or not best:
            before = time.perf_counter()
            network(images)
            best = max(best, BATCH / (time.perf_counter() - before))
    return best
