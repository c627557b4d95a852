"""Picture of a front for a page that is always light: mAP over the milliseconds that one image takes on this machine.

`msinet report --beside` has the same in a run's report.

    python examples/front.py front.svg "searched=runs/worth/trainings/own-*" "random=runs/worth/trainings/scales-*"
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt

from msinet.report.front import Point, milliseconds_of, points_of


def main() -> None:
    """Read, measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="SVG to write.")
    parser.add_argument(
        "groups", nargs="+", metavar="NAME=FOLDER", help="Folders with model and result.json, with * or not."
    )
    options = parser.parse_args()
    points = points_of(options.groups)
    milliseconds = milliseconds_of(points)
    for point, spent in sorted(zip(points, milliseconds, strict=True), key=lambda pair: pair[1]):
        print(f"{point.group}: {spent:.2f} ms, mAP {point.mAP:.1%}, {len(point.scores)} trained")
    draw(points, milliseconds, options.picture)


def draw(points: Sequence[Point], milliseconds: Sequence[float], picture: Path) -> None:
    """Draw a point for each network; the points of a group are joined where there are few."""
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for group in dict.fromkeys(point.group for point in points):
        own = sorted(
            (spent, 100 * point.mAP) for point, spent in zip(points, milliseconds, strict=True) if point.group == group
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
