"""Measures two ways to do the same, in turn, each in a process of its own; keeps the tables in RESULTS.md."""

import multiprocessing
import platform
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "RESULTS.md"

ROUNDS = 7

Step = Callable[[], Any]
"""Does the work once, and returns what both sides are compared by: numbers or arrays."""


class Side:
    """One way to do it, waiting in its own process to be told to do it once more.

    Args:
        make: builds everything and returns the step; a function of a module, since it is sent to the process.
        arguments: of `make`.
    """

    def __init__(self, make: Callable[..., Step], *arguments: Any) -> None:
        self.pipe, other = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=_serve, args=(other, make, arguments))
        self.process.start()
        other.close()  # so that either end hears when the other is gone

    def once(self) -> tuple[float, Any]:
        """Do it once; return the seconds and the outcome."""
        self.pipe.send("step")
        return self.pipe.recv()

    def peak(self) -> float:
        """Return the highest memory in MB, above what the process held before `make`, and end the process."""
        self.pipe.send("end")
        megabytes = self.pipe.recv()
        self.process.join()
        return megabytes


def _serve(pipe: Connection, make: Callable[..., Step], arguments: Sequence[Any]) -> None:
    import torch

    before = peak_megabytes()
    step = make(*arguments)
    while pipe.recv() == "step":
        started = time.perf_counter()
        outcome = step()
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        pipe.send((time.perf_counter() - started, outcome))
    on_device = torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_initialized() else 0
    pipe.send(on_device or peak_megabytes() - before)


def peak_megabytes() -> float:
    """Return the highest memory of this process so far. ru_maxrss would count that of the process which started it, too."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 2**10


@dataclass(frozen=True)
class Row:
    """A line of a table: how much better ours is, how sure that is, and how much was promised."""

    what: str
    ratios: Sequence[float]
    bound: str
    note: str = ""

    def __str__(self) -> str:
        low, high = min(self.ratios), max(self.ratios)
        spread = f" ({low:.2f}-{high:.2f})" if len(self.ratios) > 1 else ""
        return f"| {self.what} | {statistics.median(self.ratios):.2f}{spread} | {self.bound} | {self.note} |"


def require_agreement(what: str, ours: tuple[Any, ...], theirs: tuple[Any, ...], tolerance: float) -> None:
    """Do both sides, (make, *arguments), once, and stop if they differ by more, relative to the largest number."""
    sides = [Side(*ours), Side(*theirs)]
    difference = apart(*(side.once()[1] for side in sides))
    for side in sides:
        side.peak()
    print(f"{what}: the sides differ by {difference:.1e}, of {tolerance:.0e} allowed", flush=True)
    if not difference <= tolerance:
        raise SystemExit("they do not compute the same: nothing is timed")


def compare(
    what: str, ours: tuple[Any, ...], theirs: tuple[Any, ...], bounds: tuple[str, str], rounds: int = ROUNDS
) -> list[Row]:
    """Time two sides, (make, *arguments) each, in turn, after a round that warms up.

    Returns the row of the times and, where `bounds` has a second, the one of the peak memory.
    """
    sides = [Side(*ours), Side(*theirs)]
    for side in sides:
        side.once()
    seconds = np.array([[side.once()[0] for side in sides] for _ in range(rounds)])
    peaks = [side.peak() for side in sides]
    medians = np.median(seconds, 0)
    note = f"{medians[0]:.3g} s : {medians[1]:.3g} s"
    rows = [Row(what, list(seconds[:, 1] / seconds[:, 0]), bounds[0], note)]
    if bounds[1]:
        rows.append(Row(f"{what}: peak memory", [peaks[0] / peaks[1]], bounds[1], f"{peaks[0]:.0f} MB : {peaks[1]:.0f} MB"))
    for row in rows:
        print(row, flush=True)
    return rows


def compare_precisions(
    title: str,
    script: str,
    device: str,
    sides: tuple[Callable[..., Step], Callable[..., Step]],
    bounds: Mapping[str, tuple[str, str]],
    words: str,
) -> None:
    """Compare a step of ours at some precisions with the textbook's, after checking both in float64; write the table.

    Args:
        title: of the table.
        script: the benchmark's file.
        device: cpu or cuda.
        sides: makers, ours of (device, precision, dtype) and theirs of (device, dtype).
        bounds: of times and memory, by precision.
        words: what stands below the table.
    """
    import torch

    ours, theirs = sides
    require_agreement(title, (ours, device, "fp32", torch.float64), (theirs, device, torch.float64), 1e-6)
    rows: list[Row] = []
    for precision, promised in bounds.items():
        what = f"default precision, here {default_precision(device)}" if precision == "auto" else precision
        rows += compare(what, (ours, device, precision), (theirs, device), promised)
    on_gpu = device != "cpu"
    command = f"python benchmarks/{script}" + (f" --device {device}" if on_gpu else "")
    write_table(title + (" on a GPU" if on_gpu else ""), command, rows, words)


def apart(ours: Any, theirs: Any) -> float:
    """Return the largest difference of two outcomes, relative to the largest number in each array of them."""
    pairs = [(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(ours, theirs, strict=True)]
    return max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12)) for a, b in pairs)


def write_table(title: str, command: str, rows: Sequence[Row], words: str) -> None:
    """Put a table under its heading into RESULTS.md, in place of what stood there."""
    table = ["| what | ratio: median (lowest-highest) | bound | ours : textbook |", "|---|---|---|---|", *map(str, rows)]
    put_section(title, f"`{command}` on {machine()}.\n\n" + "\n".join(table) + f"\n\n{words}")


def put_section(title: str, body: str) -> None:
    """Put a section into RESULTS.md, in place of the one with its title."""
    section = f"## {title}\n\n{body.strip()}\n"
    text = RESULTS.read_text() if RESULTS.exists() else "# Results of the benchmarks\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.M | re.S)
    replaced = pattern.sub(lambda _: section + "\n", text)
    text = replaced if pattern.search(text) else text.rstrip("\n") + "\n\n" + section
    RESULTS.write_text(text.rstrip("\n") + "\n")


def default_precision(device: str) -> str:
    """Return what `--precision auto` is on a device here."""
    import torch

    from msinet.engine.machine import faster_precision

    return faster_precision(torch.device(device))


def machine() -> str:
    """Describe this machine and the library in a line."""
    import os

    import torch

    name = platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists() and (match := re.search(r"model name\s*: (.*)", information.read_text())):
        name = match[1]
    if torch.cuda.is_available():
        name = f"{torch.cuda.get_device_name()}, {name}"
    flags = information.read_text() if information.exists() else ""
    widest = next((flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if f" {flag}" in flags), "no AVX2")
    return f"{name} ({os.cpu_count()} cores, {widest}), PyTorch {torch.__version__}, {torch.get_num_threads()} threads"
