"""Latencies that a table predicts against those of whole networks: `python benchmarks/latency_table.py`.

Random architectures of the search space `scales`, none of them among the networks that the table is fitted to. Prints both
times of each in milliseconds, and the relative errors. RESULTS.md is left as it is.
"""

import argparse
import os

import torch
from paired import machine

from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.costs import latency_table
from msinet.model.msinet.latencies import fastest_times
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SCALES
from msinet.model.msinet.widths import channels_at

NETWORKS = 12

SHAPES = {"0.25": (96, 64), "1.0": (256, 128)}
"""Image sizes by width."""


def check(width: float, size: tuple[int, int], threads: int, again: bool) -> None:
    """Print predicted and measured times at one width."""
    table = latency_table(SCALES, width, size, threads, again=again)
    architectures = [Architecture.random(seed, SCALES) for seed in range(NETWORKS)]
    networks = [MSINet(architecture, 1, channels_at(width), size) for architecture in architectures]
    measured = fastest_times(networks, threads)
    predicted = torch.tensor([table.of(architecture) for architecture in architectures], dtype=torch.float64)
    print(f"\nwidth {width:g}, {size[0]}x{size[1]}, {threads} threads, load {os.getloadavg()[0]:.1f}")
    print("| architecture | predicted ms | measured ms | error |\n|---|---|---|---|")
    for seed, (ours, true) in enumerate(zip(predicted.tolist(), measured.tolist(), strict=True)):
        print(f"| scales:{seed} | {ours:.2f} | {true:.2f} | {ours / true - 1:+.1%} |")
    errors = predicted / measured - 1
    # The load by other processes may change between both measurements: all times change with it.
    apart = (errors + 1) / (errors + 1).median() - 1
    for what, values in (("error", errors), ("error besides the common factor", apart)):
        print(f"{what}: median {values.abs().median():.1%}, largest {values.abs().max():.1%}", flush=True)


def main(widths: list[str], threads: int, again: bool) -> None:
    """Check the table at each width."""
    print(machine())
    for width in widths:
        check(float(width), SHAPES[width], threads, again)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--kept", action="store_true", help="take the table of the cache, if it has one")
    arguments = parser.parse_args()
    main(arguments.widths, arguments.threads, not arguments.kept)
