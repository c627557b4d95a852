"""Picture of a front: mAP over the milliseconds that one image takes on this machine, of trained networks.

Each group has a name, and folders with a model and its result.json; a folder may have * in it. Networks that differ by their
seed alone are one point, at the mean of their scores. Times are those of PyTorch, of all networks in turns.

    python examples/front.py front.svg "searched=runs/worth/trainings/own-*" "random=runs/worth/trainings/scales-*"
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import mean

import matplotlib.pyplot as plt
import torch

import msinet
from msinet.evaluation.result import RetrievalResult
from msinet.model.msinet.latencies import times_in_turns
from msinet.model.network import Network

SECONDS = 20.0
"""Time for measuring all networks."""


@dataclass
class Point:
    """Trainings of one network."""

    group: str
    network: Network
    scores: list[float] = field(default_factory=list)
    """mAP of each, from 0 to 1."""


def main() -> None:
    """Read, measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="SVG to write.")
    parser.add_argument("groups", nargs="+", metavar="NAME=FOLDER", help="Folders of a group.")
    options = parser.parse_args()
    points = read(options.groups)
    if not points:
        parser.error("no folder holds a model and its result.json")
    with torch.inference_mode():
        milliseconds = times_in_turns([once(point.network) for point in points], SECONDS).tolist()
    for point, spent in sorted(zip(points, milliseconds, strict=True), key=lambda pair: pair[1]):
        print(f"{point.group}: {spent:.2f} ms, mAP {mean(point.scores):.1%}, {len(point.scores)} trained")
    draw(points, milliseconds, options.picture)


def once(network: Network) -> Callable[[], object]:
    """Return what embeds one image."""
    return partial(network.eval(), torch.rand(1, 3, *network.image_size))


def read(groups: Sequence[str]) -> list[Point]:
    """Return the networks of all groups; those that differ by their seed alone are one."""
    points: dict[tuple[str, str], Point] = {}
    for group in groups:
        name, _, pattern = group.partition("=")
        for folder in sorted(Path().glob(pattern) if not Path(pattern).is_absolute() else Path("/").glob(pattern[1:])):
            if not (folder / "result.json").is_file():
                continue
            network = msinet.load_model(folder)
            arguments = {key: value for key, value in network.arguments().items() if key != "identities"}
            key = name, json.dumps(arguments, sort_keys=True)
            points.setdefault(key, Point(name, network)).scores.append(RetrievalResult.load(folder / "result.json").mAP)
    return list(points.values())


def draw(points: Sequence[Point], milliseconds: Sequence[float], picture: Path) -> None:
    """Draw a point for each network; the points of a group are joined where there are few."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for group in dict.fromkeys(point.group for point in points):
        own = sorted(
            (spent, 100 * mean(point.scores))
            for point, spent in zip(points, milliseconds, strict=True)
            if point.group == group
        )
        axis.plot(*zip(*own, strict=True), "o-" if len(own) < 6 else "o", label=group, markersize=5)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter("{x:g}")
    axis.set_xlabel("milliseconds for one image")
    axis.set_ylabel("mAP, %")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    main()
