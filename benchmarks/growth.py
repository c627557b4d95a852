"""Time of search and training by number and size of images: `python benchmarks/growth.py`. Draws docs/growth.svg."""

import argparse
import os
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from feeding import make_images
from paired import RESULTS, machine, put_section

import msinet
from msinet.batches.image_cache import open_cache
from msinet.data.records import ImageRecord, ReidSplits

PICTURE = Path(__file__).parent.parent / "docs" / "growth.svg"
GROWTH = (1, 2, 4)
IMAGES, SIZES = 128, {1: (64, 64), 2: (64, 128), 4: (128, 128)}
ROUNDS = 3


def splits_of(folder: Path, count: int) -> ReidSplits:
    """Return `count` training images, four of each identity in two cameras."""
    paths = sorted(folder.iterdir())[:count]
    return ReidSplits("growth", train=tuple(ImageRecord(p, str(n // 4), str(n % 2)) for n, p in enumerate(paths)))


def seconds(verb: str, folder: Path, images: int, size: tuple[int, int]) -> float:
    """Return the seconds of one epoch: the difference between runs of two epochs and of one."""
    shape = {"image_height": size[0], "image_width": size[1], "width": 0.5, "identities_per_batch": 8, "device": "cpu"}
    splits, taken = splits_of(folder, images), []
    open_cache([record.path for record in splits.train], size)
    for epochs in (1, 2):
        with tempfile.TemporaryDirectory() as out:
            started = time.perf_counter()
            if verb == "search":
                msinet.search(splits, msinet.SearchSettings(**shape, epochs=epochs), out)  # pyright: ignore[reportArgumentType]
            else:
                architecture = msinet.Architecture.named("msmt17")
                msinet.train(splits, architecture, msinet.TrainSettings(**shape, epochs=epochs), out)  # pyright: ignore
            taken.append(time.perf_counter() - started)
    return taken[1] - taken[0]


def main() -> None:
    """Measure, draw, and write the table."""
    torch.manual_seed(0)
    taken: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        make_images(Path(folder))
        for verb in ("search", "train"):
            for times in GROWTH:
                for what, images, size in (("images", IMAGES * times, SIZES[1]), ("pixels", IMAGES, SIZES[times])):
                    median = float(np.median([seconds(verb, Path(folder), images, size) for _ in range(ROUNDS)]))
                    taken.setdefault((verb, what), []).append(median)
                    print(f"{verb}, {times}x {what}: {median:.2f} s an epoch", flush=True)
    draw(taken)
    rows = [
        f"| {verb} | {what} | " + " | ".join(f"{value:.2f} s ({value / values[0]:.2f}x)" for value in values) + " |"
        for (verb, what), values in taken.items()
    ]
    table = "\n".join(["| an epoch of | grows in | 1x | 2x | 4x |", "|---|---|---|---|---|", *rows])
    words = (
        f"1x is {IMAGES} images of {SIZES[1][0]}x{SIZES[1][1]} at half width; medians of {ROUNDS}. "
        "Drawn in [docs/growth.svg](../docs/growth.svg)."
    )
    put_section("Growth", f"`python benchmarks/growth.py` on {machine()}.\n\n{table}\n\n{words}")


def draw(taken: dict[tuple[str, str], list[float]]) -> None:
    """Draw both kinds of growth beside proportional growth."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
    for axis, what in zip(axes, ("images", "pixels"), strict=True):
        axis.plot(GROWTH, GROWTH, color="0.75", label="proportional")
        for verb, marker in (("search", "o"), ("train", "s")):
            values = taken[verb, what]
            axis.plot(GROWTH, [value / values[0] for value in values], marker=marker, label=verb)
        axis.set(xlabel={"images": "training images", "pixels": "pixels an image"}[what], xticks=GROWTH, yticks=GROWTH)
        axis.set_xticklabels([f"{times}x" for times in GROWTH])
        axis.set_yticklabels([f"{times}x" for times in GROWTH])
    axes[0].set_ylabel("time of an epoch")
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
    print(f"written to {RESULTS} and {PICTURE}")
