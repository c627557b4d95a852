"""What the spatial alignment costs a training and an embedding: `python benchmarks/spatial_alignment.py`."""

import argparse
import statistics

import torch
from paired import ROUNDS, Row, Side, Step, machine, put_section
from textbook import patterns

from msinet.batches.loading import Batch
from msinet.engine.machine import Machine
from msinet.losses.alignment import alignment_loss
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.spatial_alignment import PositionActivation
from msinet.training.settings import Alignment, TrainSettings
from msinet.training.train import Training

SIZE, IMAGES, IDENTITIES = 256, 64, 16


def training_of(alignment: Alignment, device: str, keeps_freed_memory: bool = True) -> Training:
    """Return a training in fp32."""
    settings = TrainSettings(device=device, precision="fp32", alignment=alignment)
    machine = Machine(settings, keeps_freed_memory)
    return Training(settings, Architecture.named("msmt17"), IDENTITIES, machine)


def images_on(device: str) -> torch.Tensor:
    """Return coloured patterns as the loops have them."""
    images = patterns(IMAGES, SIZE, torch.Generator().manual_seed(0))
    return images.to(device).contiguous(memory_format=torch.channels_last)


def labels_on(device: str) -> torch.Tensor:
    """Return 16 identities x 4 images."""
    return (torch.arange(IMAGES) // (IMAGES // IDENTITIES)).to(device)


def training_step(alignment: Alignment, device: str, keeps_freed_memory: bool = True) -> Step:
    """Return a whole iteration of the training; without `keeps_freed_memory` its peak memory can be measured."""
    training, labels = training_of(alignment, device, keeps_freed_memory), labels_on(device)
    batch = Batch(images_on(device), labels, labels, labels)
    return lambda: training.step(batch)["loss"].item()


def loss_step(device: str) -> Step:
    """Return the alignment alone: position activation and loss of a last map, there and back."""
    Machine(TrainSettings(device=device))
    activation, labels = PositionActivation(512).to(device), labels_on(device)
    maps = torch.randn(IMAGES, 512, SIZE // 16, SIZE // 16, device=device).relu_()
    maps = maps.contiguous(memory_format=torch.channels_last).requires_grad_()

    def step() -> float:
        maps.grad = None
        loss = alignment_loss(maps, labels, activation(maps))
        loss.backward()
        return loss.item()

    return step


def embedding_step(alignment: Alignment, device: str) -> Step:
    """Return the embedding of a batch by the network that a training leaves."""
    network, images = training_of(alignment, device).result(), images_on(device)

    def step() -> float:
        with torch.inference_mode():
            return network(images).embedding.sum().item()

    return step


def in_turn(ours: Side, theirs: Side) -> tuple[list[float], str]:
    """Return how many times as long ours takes, round by round after a first, and both medians in words."""
    ours.once(), theirs.once()
    seconds = [(ours.once()[0], theirs.once()[0]) for _ in range(ROUNDS)]
    medians = [statistics.median(side) for side in zip(*seconds, strict=True)]
    return [a / b for a, b in seconds], f"{medians[0]:.3g} s : {medians[1]:.3g} s"


def peak_of_training(alignment: Alignment, device: str) -> float:
    """Return the peak memory of two iterations in MB; the second has the optimizer's state from the first."""
    side = Side(training_step, alignment, device, False)
    side.once(), side.once()
    return side.peak()


def main(device: str = "cpu") -> None:
    """Measure and write the table."""
    alone, without = Side(loss_step, device), Side(training_step, "none", device)
    ratios, note = in_turn(alone, without)
    rows = [Row("time: the alignment alone : an iteration without it", ratios, "< 0.5", note)]
    held, _ = alone.peak(), without.peak()
    peaks = peak_of_training("both", device), peak_of_training("none", device)  # one by one: each takes gigabytes
    note = f"{peaks[0]:.0f} MB : {peaks[1]:.0f} MB"
    rows.append(Row("peak memory: an iteration with it : without it", [peaks[0] / peaks[1]], "< 400 MB more", note))
    aligned, plain = Side(embedding_step, "both", device), Side(embedding_step, "none", device)
    ratios, note = in_turn(aligned, plain)
    rows.append(Row("time: embedding, trained with it : without it", ratios, "the same work", note))
    aligned.peak(), plain.peak()
    put(device, rows, held)


def put(device: str, rows: list[Row], held: float) -> None:
    """Write the table and print it; `held` is the peak in MB of the alignment alone."""
    positions = (SIZE // 16) ** 2
    words = (
        f"{IMAGES} images ({IDENTITIES} identities) of {SIZE}x{SIZE}, last maps of 512 channels and {positions} positions, "
        f"fp32, {ROUNDS} rounds; the alignment there and back, positives and negatives. Alone in a process it takes "
        f"{held:.0f} MB at its peak, the maps among them; the bound is 400 MB, and all correlations at once would be "
        f"{IMAGES**2 * positions**2 * 4 / 2**20:.0f} MB. The peaks of whole iterations are taken with freed memory given "
        "back: what the C library keeps of it differs by a gigabyte from run to run."
    )
    table = ["| what | ratio: median (lowest-highest) | bound | of |", "|---|---|---|---|", *map(str, rows)]
    command = "python benchmarks/spatial_alignment.py" + ("" if device == "cpu" else f" --device {device}")
    title = "Spatial alignment" + ("" if device == "cpu" else " on a GPU")
    body = f"`{command}` on {machine()}.\n\n" + "\n".join(table) + f"\n\n{words}"
    put_section(title, body)
    print(body)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    main(parser.parse_args().device)
