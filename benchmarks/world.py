"""Images of synthetic vehicles that one core makes in a second: `python benchmarks/world.py`."""

import argparse
import itertools
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path
from typing import get_args

from paired import machine, peak_megabytes, put_section

VEHICLES = 12
ROUNDS = 4
BOUND = 20
"""Least images a second."""


def rates(city: str, difficulty: float) -> tuple[list[float], float]:
    """Return images per second of several rounds and the peak memory in MB, measured in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measure, (city, difficulty))


def _measure(city: str, difficulty: float) -> tuple[list[float], float]:
    from msinet.world.dataset import make_world
    from msinet.world.settings import WorldSettings

    seconds = []
    for seed in range(ROUNDS + 1):  # The first round compiles, or loads compiled code.
        world = WorldSettings(identities=VEHICLES, seed=seed, city=city, difficulty=difficulty)
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            make_world(Path(folder) / "world", world, 1)
            seconds.append(time.perf_counter() - started)
    images = VEHICLES * world.cameras
    return [images / taken for taken in seconds[1:]], peak_megabytes()


def main() -> None:
    """Measure and write the table."""
    from msinet.world.settings import City

    lines = [
        "| city | difficulty | images per second: median (lowest-highest) | bound | peak memory |",
        "|---|---|---|---|---|",
    ]
    for city, difficulty in itertools.product(get_args(City), (0.0, 1.0)):
        measured, megabytes = rates(city, difficulty)
        middle, spread = statistics.median(measured), f"{min(measured):.1f}-{max(measured):.1f}"
        lines.append(f"| {city} | {difficulty:g} | {middle:.1f} ({spread}) | >= {BOUND} | {megabytes:.0f} MB |")
        print(lines[-1], flush=True)
    words = (
        f"Absolute numbers on one core, unlike the ratios above: {ROUNDS} rounds of {VEHICLES} vehicles in 8 cameras.\n"
        "Images have at most 128 pixels a side and four rays per pixel; meshes, paint, lists and writing are included."
    )
    command = f"`python benchmarks/world.py` on {machine()}."
    put_section("Synthetic vehicles", "\n\n".join([command, "\n".join(lines), words]))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
