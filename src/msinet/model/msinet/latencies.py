"""Latencies of this machine's processor: times of whole networks, and what their parts cost, fitted to them.

Least squares on random networks predicted others with errors of 1 to 2 % in the median and 3 to 7 % at most. Times of single
modules, taken by hooks in whole networks and scaled to these networks' times, gave 5 to 9 % and 12 to 15 %.
"""

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import torch
from torch import Tensor

from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.search_space import SearchSpace
from msinet.model.msinet.widths import channels_at

SECONDS = 15.0
"""Time for measuring; large networks take longer."""

ROUNDS = 8
"""Least number of rounds in which all networks are timed."""

IN_ROW = 3
"""Runs of a network in a row in each round: the first one finds the weights of other networks in the processor's caches."""

POLISHES = 5
"""Times that the slowness of rounds and the times of networks are each found from the other."""

NETWORKS_PER_TERM = 3.0
"""Random networks for each cost that is fitted to their times, where a network is timed as it is."""

FIRST_SEED = 1_000_000
"""Seed of the first of them, far from those of the random architectures that a table is checked with."""

CELL, CONVOLUTION = "cell", "convolution"
"""What a stage has besides interactions: cells after the first, and light 3x3 convolutions."""

NOTHING = "none"
"""The interaction that costs nothing."""


@dataclass(frozen=True)
class Latencies:
    """Milliseconds for one image."""

    fixed: float
    """Stem, halvings, heads, and the first cell of each stage without what stands at its places."""
    parts: Mapping[tuple[int, str], float]
    """By stage and part: an interaction by its name, `convolution` for each light 3x3, `cell` for each after the first."""

    def of(self, stage: int, part: str) -> float:
        """Return the cost of one such part of a stage, 0 for the interaction `none`."""
        return 0.0 if part == NOTHING else self.parts[stage, part]


@dataclass(frozen=True)
class Timing:
    """How networks are timed: by what runs them."""

    runtime: str
    """Name of what runs them, in words."""
    conditions: Mapping[str, str]
    """What the times depend on besides the machine: versions of packages by their names, and the precision."""
    times: Callable[[Sequence[MSINet], int, float], Tensor]
    """Maps networks, a number of threads and seconds for measuring to milliseconds for one image, (N,) float64."""
    networks_per_term: float = NETWORKS_PER_TERM
    """Random networks for each cost that is fitted to their times."""


def fit_latencies(
    space: SearchSpace, width: float, image_size: tuple[int, int], threads: int, seconds: float, timing: Timing
) -> Latencies:
    """Time random networks, and fit the costs of the parts of a space to their times."""
    architectures = sample(space, timing.networks_per_term)
    with torch.random.fork_rng(devices=[]):  # A search draws the same numbers, whether its table was kept or not.
        networks = [MSINet(architecture, 1, channels_at(width), image_size) for architecture in architectures]
        return fit(space, architectures, timing.times(networks, threads, seconds))


def sample(space: SearchSpace, networks_per_term: float = NETWORKS_PER_TERM) -> list[Architecture]:
    """Return random architectures whose times tell the costs of all parts of a space.

    They also have depths, cells and `none` that the space may not offer: the cost of a part is found by networks with more
    and with less of it.
    """
    number = math.ceil(networks_per_term * (len(parts_of(space)) + 1))
    wider = replace(
        space,
        choices=tuple(dict.fromkeys((*space.choices, NOTHING))),
        depths=(tuple(range(space.depths[0][-1] + 1)), tuple(range(max(space.depths[1][-1], 1) + 1))),
        fewer_cells=True,
    )
    return [Architecture.random(FIRST_SEED + n, wider) for n in range(number)]


def parts_of(space: SearchSpace) -> list[tuple[int, str]]:
    """Return the stage and the name of each part that has a cost of its own; see `Latencies.parts`."""
    names = [
        CONVOLUTION,
        *(name for name in space.choices if name != NOTHING),
        *([CELL] if space.cells_per_stage > 1 else []),
    ]
    return [(stage, name) for stage in range(space.stages) for name in names]


def fit(space: SearchSpace, architectures: Sequence[Architecture], times: Tensor) -> Latencies:
    """Return the costs with the least squares of relative errors; times: (N,) milliseconds, float64."""
    parts = parts_of(space)
    counts = torch.tensor([[1, *(count(a, *part) for part in parts)] for a in architectures], dtype=torch.float64)
    fixed, *costs = nonnegative_least_squares(counts / times[:, None], torch.ones_like(times))
    return Latencies(fixed, dict(zip(parts, costs, strict=True)))


def count(architecture: Architecture, stage: int, part: str) -> int:
    """Return how often a stage has a part; see `Latencies.parts`."""
    cells = architecture.cells[stage]
    if part == CELL:
        return len(cells) - 1
    return sum(p.depth_a + p.depth_b if part == CONVOLUTION else p.interaction == part for p in chain(*cells))


def measured_times(networks: Sequence[MSINet], threads: int, seconds: float = SECONDS) -> Tensor:
    """Return the milliseconds that each network takes by PyTorch to embed one image, (N,) float64, in channels last."""
    for network in networks:
        network.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    image = torch.rand(1, 3, *networks[0].image_size, generator=torch.Generator().manual_seed(0))
    image = image.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), threads_set_to(threads):
        return times_in_turns([partial(network.embed, image) for network in networks], seconds)


def times_in_turns(runs: Sequence[Callable[[], object]], seconds: float, in_row: int = IN_ROW) -> Tensor:
    """Return the milliseconds that each of several networks takes, (N,) float64.

    Args:
        runs: functions that run one network each.
        seconds: time for measuring. All networks are timed at least `ROUNDS` times, however long that takes.
        in_row: runs of a network in a row in each round, the fastest of which counts.
    """
    rounds, draw, started = [], random.Random(0), time.perf_counter()
    while len(rounds) < ROUNDS or time.perf_counter() - started < seconds:
        taken = dict.fromkeys(range(len(runs)), math.inf)
        for n in draw.sample(range(len(runs)), len(runs)):
            for _ in range(in_row):
                before = time.perf_counter()
                runs[n]()
                taken[n] = min(taken[n], 1000 * (time.perf_counter() - before))
        rounds.append(list(taken.values()))
    return quiet_times(torch.tensor(rounds, dtype=torch.float64))


def quiet_times(times: Tensor) -> Tensor:
    """Return how long each network takes while the machine is quiet, (N,), from its times in all rounds, (rounds, N).

    Other processes and the processor's clock make whole rounds slow. Times are therefore divided by the slowness of their
    round; the lower quartile of a network's is then that of the quietest round. It repeats better than the minimum.
    """
    typical = times.median(0).values
    for _ in range(POLISHES):
        slowness = (times / typical).median(1, keepdim=True).values
        typical = (times / slowness).median(0).values
    slowness = (times / typical).median(1, keepdim=True).values
    return (times / slowness).quantile(0.25, dim=0) * slowness.min()


@contextmanager
def threads_set_to(number: int) -> Iterator[None]:
    """Let PyTorch use a number of threads, and then as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def nonnegative_least_squares(matrix: Tensor, target: Tensor) -> list[float]:
    """Solve matrix (N, K) x = target (N,) for x >= 0, nearly: what comes out negative is 0, and the rest is fitted again."""
    kept = list(range(matrix.shape[1]))
    while True:
        found = dict(zip(kept, torch.linalg.lstsq(matrix[:, kept], target[:, None]).solution[:, 0].tolist(), strict=True))
        positive = [column for column in kept if found[column] >= 0]
        if len(positive) in (0, len(kept)):
            return [max(found.get(column, 0.0), 0.0) for column in range(matrix.shape[1])]
        kept = positive


BY_PYTORCH = Timing("PyTorch", {"torch": torch.__version__}, measured_times)
"""Networks as they are trained, in float32 and channels last."""
