"""Latencies that a table predicts against those of whole networks: `python benchmarks/latency_table.py`.

Random architectures of the search space `scales`. The networks that the table is fitted to and those that it is checked with
are timed in turn: load and clock of the processor may change from minute to minute, and are then the same for both. With
`--kept`, the table is the one that a search takes, kept since an earlier call (and made where there is none). Prints the
predicted and the measured milliseconds of each, and the relative errors. RESULTS.md is left as it is.
"""

import argparse
import os

import torch
from paired import machine

from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.costs import latency_table, table_of_latencies
from msinet.model.msinet.latencies import SECONDS, fit, measured_times, sample
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SCALES
from msinet.model.msinet.widths import channels_at

NETWORKS = 12

SHAPES = {"0.25": (96, 64), "1.0": (256, 128)}
"""Image sizes by width."""


def check(width: float, size: tuple[int, int], threads: int, seconds: float, kept: bool) -> None:
    """Print predicted and measured times at one width."""
    fitted = [] if kept else sample(SCALES)
    checked = [Architecture.random(seed, SCALES) for seed in range(NETWORKS)]
    networks = [MSINet(architecture, 1, channels_at(width), size) for architecture in (*fitted, *checked)]
    table = latency_table(SCALES, width, size, threads) if kept else None
    times = measured_times(networks, threads, seconds)
    table = table or table_of_latencies(SCALES, fit(SCALES, fitted, times[: len(fitted)]))
    predicted = torch.tensor([table.of(architecture) for architecture in checked], dtype=torch.float64)
    measured = times[len(fitted) :]
    print(f"\nwidth {width:g}, {size[0]}x{size[1]}, threads: {threads}, load {os.getloadavg()[0]:.1f}")
    print("| architecture | predicted ms | measured ms | error |\n|---|---|---|---|")
    for seed, (ours, true) in enumerate(zip(predicted.tolist(), measured.tolist(), strict=True)):
        print(f"| scales:{seed} | {ours:.2f} | {true:.2f} | {ours / true - 1:+.1%} |")
    errors = (predicted / measured - 1).abs()
    print(f"error: median {errors.median():.1%}, largest {errors.max():.1%}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=2 * SECONDS)
    parser.add_argument(
        "--kept", action="store_true", help="Check the table that a search takes, kept since an earlier call."
    )
    arguments = parser.parse_args()
    print(machine())
    for chosen in arguments.widths:
        check(float(chosen), SHAPES[chosen], arguments.threads, arguments.seconds, arguments.kept)
