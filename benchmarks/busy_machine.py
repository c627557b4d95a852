"""What waiting threads cost, on an idle and on a busy machine: `python benchmarks/busy_machine.py`.

A small training loop runs in a process of its own, with PyTorch's own way of waiting, with ours, and with passive waiting;
on the busy machine beside two other processes that keep two threads each at work.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from paired import Row, write_table

from msinet.waiting import SPIN_COUNT

ROUNDS = 5
STEPS = {"idle": 60, "busy": 15}
WAYS: dict[str, dict[str, str]] = {
    "ours": {"GOMP_SPINCOUNT": SPIN_COUNT},
    "default": {},
    "passive": {"OMP_WAIT_POLICY": "passive"},
}
VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")

LOOP = """
import sys, time, torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(2)
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
started = time.perf_counter()
for _ in range(int(sys.argv[1])):
    step()
print(time.perf_counter() - started)
"""

LOAD = """
import torch
torch.set_num_threads(2)
a = torch.randn(600, 600)
while True:
    a @ a
"""


def environment(way: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that waits in a way."""
    return {name: value for name, value in os.environ.items() if name not in VARIABLES} | dict(way)


def seconds(way: Mapping[str, str], steps: int) -> float:
    """Return the time of the small training loop in a process of its own."""
    command = [sys.executable, "-c", LOOP, str(steps)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment(way))
    return float(done.stdout)


@contextmanager
def others(count: int) -> Iterator[None]:
    """Keep other processes at work, two threads each."""
    processes = [subprocess.Popen([sys.executable, "-c", LOAD], env=environment({})) for _ in range(count)]
    time.sleep(5 if count else 0)
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main() -> None:
    """Measure and write the table."""
    rows = []
    for load, count, bound in (("idle", 0, "<= 1.05"), ("busy", 2, ">= 2")):
        with others(count):
            taken = [{name: seconds(way, STEPS[load]) for name, way in WAYS.items()} for _ in range(ROUNDS)]
        medians = {name: statistics.median(one[name] for one in taken) for name in WAYS}
        note = ", ".join(f"{name} {value:.2f} s" for name, value in medians.items())
        ratios = [one["ours"] / one["default"] if load == "idle" else one["default"] / one["ours"] for one in taken]
        rows.append(Row(f"{load}: {'ours : default' if load == 'idle' else 'default : ours'}", ratios, bound, note))
        print(rows[-1], flush=True)
    words = (
        f"{ROUNDS} rounds of a small convolutional network's training steps (64 images of 64x48, two threads), each way of "
        "waiting in turn. Busy: beside two processes that multiply matrices with two threads each."
    )
    write_table("A busy machine", "python benchmarks/busy_machine.py", rows, words)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    main()
