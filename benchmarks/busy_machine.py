"""What waiting threads cost, on an idle and on a busy machine: `python benchmarks/busy_machine.py`.

A small training loop runs with PyTorch's own way of waiting, with ours and with passive waiting, each in a process of its
own: alone, and beside one and two other processes that train the same with PyTorch's own way of waiting.
`--spin-counts 0 1000 100000` times these numbers of spins too and prints them all; it leaves RESULTS.md as it is.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from paired import Row, write_table

from msinet.waiting import SPIN_COUNT, VARIABLES

ROUNDS = {0: 40, 1: 10, 2: 6}
STEPS = {0: 5, 1: 6, 2: 4}
"""Rounds, and steps a round, by the number of other processes. Alone the difference is small: many short rounds show it."""

WAYS: dict[str, dict[str, str]] = {
    "ours": {"GOMP_SPINCOUNT": SPIN_COUNT},
    "default": {},
    "passive": {"OMP_WAIT_POLICY": "passive"},
}

LOOP = """
import sys, time, torch
from torch import nn
torch.manual_seed(0)
layers = [nn.Conv2d(3, 16, 7, 2, 3), nn.BatchNorm2d(16), nn.ReLU()]
for _ in range(24):
    layers += [nn.Conv2d(16, 16, 1), nn.Conv2d(16, 16, 3, 1, 1, groups=16), nn.BatchNorm2d(16), nn.ReLU()]
network = nn.Sequential(*layers).to(memory_format=torch.channels_last)
optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
images = torch.randn(64, 3, 64, 48).contiguous(memory_format=torch.channels_last)
def step():
    optimizer.zero_grad()
    network(images).square().mean().backward()
    optimizer.step()
for _ in range(3):
    step()
print("ready", flush=True)
while sys.argv[1] == "for ever":
    step()
for line in sys.stdin:
    started = time.perf_counter()
    for _ in range(int(line)):
        step()
    print(time.perf_counter() - started, flush=True)
"""


class Loop:
    """The training loop in a process of its own, which waits to be asked for steps, or trains for ever."""

    def __init__(self, way: Mapping[str, str], mode: str = "on demand") -> None:
        environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | dict(way)
        command = [sys.executable, "-c", LOOP, mode]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
        self._line()

    def seconds(self, steps: int) -> float:
        """Return the time of some steps."""
        assert self.process.stdin
        print(steps, file=self.process.stdin, flush=True)
        return float(self._line())

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()


@contextmanager
def loops(ways: Sequence[Mapping[str, str]], mode: str = "on demand") -> Iterator[list[Loop]]:
    """Start loops, and end them."""
    started: list[Loop] = []
    try:
        started.extend(Loop(way, mode) for way in ways)  # so that those before one that fails are ended too
        yield started
    finally:
        for loop in started:
            loop.process.kill()
            loop.process.wait()


def times(ways: Mapping[str, Mapping[str, str]], others: int) -> dict[str, list[float]]:
    """Return each way's seconds a step in every round, beside other processes; the ways take turns in a round."""
    with loops(list(ways.values())) as ours, loops([{}] * others, "for ever"):
        rounds = [[loop.seconds(STEPS[others]) / STEPS[others] for loop in ours] for _ in range(ROUNDS[others] + 1)]
    return dict(zip(ways, zip(*rounds[1:], strict=True), strict=True))  # pyright: ignore


def main() -> None:
    """Measure and write the table."""
    rows = []
    for others, what, bound in (
        (0, "alone: ours : default", "<= 1.05"),
        (1, "beside one other process: default : ours", "none set"),
        (2, "beside two other processes: default : ours", ">= 2"),
    ):
        taken = times(WAYS, others)
        pairs = list(zip(taken["ours"], taken["default"], strict=True))
        ratios = [ours / default if not others else default / ours for ours, default in pairs]
        note = ", ".join(f"{name} {statistics.median(values) * 1000:.0f} ms" for name, values in taken.items())
        rows.append(Row(what, ratios, bound, note))
        print(rows[-1], flush=True)
    words = (
        "Steps of a small convolutional network (64 images of 64x48) in "
        f"{', '.join(map(str, ROUNDS.values()))} rounds, the ways of waiting in turn. "
        "The other processes train the same with PyTorch's own way of waiting. "
        "Fair shares of the cores would take two and three times the time alone."
    )
    write_table("A busy machine", "python benchmarks/busy_machine.py", rows, words)


def explore(spin_counts: Sequence[str]) -> None:
    """Print how long steps take with other numbers of spins."""
    ways = WAYS | {count: {"GOMP_SPINCOUNT": count} for count in spin_counts}
    for others in STEPS:
        taken = times(ways, others)
        for name, values in taken.items():
            ratio = statistics.median(a / b for a, b in zip(values, taken["default"], strict=True))
            print(f"{others} others, {name}: {statistics.median(values) * 1000:.0f} ms, {ratio:.2f} of default", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spin-counts", nargs="+")
    if counts := parser.parse_args().spin_counts:
        explore(counts)
    else:
        main()
