"""One iteration of the training against the textbook: `python benchmarks/train_step.py`."""

import argparse
from dataclasses import replace

import torch
from paired import Step, compare_precisions
from textbook import TextbookMSINet, TextbookTraining, patterns

from msinet.batches.loading import Batch
from msinet.engine.machine import Machine
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import CHANNELS
from msinet.training.settings import TrainSettings
from msinet.training.train import Training

SIZE, IMAGES, IDENTITIES = 128, 64, 100
ARCHITECTURE = Architecture.named("msmt17")


def batch(device: torch.device, dtype: torch.dtype) -> Batch:
    """Return 16 identities x 4 images of coloured patterns."""
    labels = (torch.arange(IMAGES) // 4).to(device)
    images = patterns(IMAGES, SIZE, torch.Generator().manual_seed(0))
    return Batch(images.to(device, dtype), labels, labels, labels)


def ours(device: str, precision: str, dtype: torch.dtype = torch.float32) -> Step:
    """Return an iteration of the product."""
    settings = TrainSettings(device=device, precision=precision, ema_decay=0)  # pyright: ignore[reportArgumentType]
    machine = Machine(settings)
    training = Training(settings, ARCHITECTURE, IDENTITIES, machine)
    training.network.to(dtype)
    images = batch(machine.device, dtype)
    channels_last = replace(images, images=images.images.contiguous(memory_format=torch.channels_last))

    def step() -> list:
        loss = training.step(channels_last)["loss"]
        weight = training.network.backbone.stages[1].cells[0].scales_b[0][0][0].weight  # pyright: ignore
        return [loss.item(), training.optimizer.state[weight]["momentum_buffer"].flatten().tolist()]

    return step


def textbook(device: str, dtype: torch.dtype = torch.float32) -> Step:
    """Return an iteration of the textbook, from the same weights."""
    where, settings = torch.device(device), TrainSettings()
    torch.manual_seed(settings.seed)
    start = MSINet(ARCHITECTURE, IDENTITIES, CHANNELS).state_dict()
    network = TextbookMSINet(ARCHITECTURE, IDENTITIES, CHANNELS)
    network.load_state_dict(start)
    training, images = TextbookTraining(network.to(where, dtype), settings.learning_rate), batch(where, dtype)

    def step() -> list:
        loss = training.step(images.images, images.identities)
        weight = network.backbone.stages[1]["cells"][0].scales_b[0][0][0].weight  # pyright: ignore
        return [*loss, training.optimizer.state[weight]["momentum_buffer"].flatten().tolist()]

    return step


def main(device: str = "cpu") -> None:
    """Measure and write the table."""
    compare_precisions(
        "One training iteration",
        "train_step.py",
        device,
        (ours, textbook),
        {"fp32": (">= 1.4", "none set"), "auto": (">= 2", "none set")},
        f"{IMAGES} images of {SIZE}x{SIZE}, full width, architecture msmt17. In float64 both sides agree to 1e-6 in the "
        "loss and the gradient of a layer in the middle of the network.",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    main(parser.parse_args().device)
