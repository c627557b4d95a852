"""The machine of one process that computes on the processor and needs no PyTorch: for scoring, and for predictors."""

import platform
from collections.abc import Sequence
from typing import Any

from msinet.engine.settings import MachineSettings
from msinet.sharing import share_of


class Alone:
    """What scoring needs of a `Machine`, of one process without PyTorch.

    Args:
        settings: the number of workers; all else is the processor's, in fp32.
    """

    device = "cpu"
    precision = "fp32"
    process = 0
    processes = 1
    is_first = True
    """Whether this is the first of all processes, the one that writes."""
    is_first_here = True
    """Whether this is the first process of its computer."""

    def __init__(self, settings: MachineSettings | None = None) -> None:
        self.workers = (settings or MachineSettings()).workers

    def wait(self) -> None:
        """Wait for all processes: there is no other."""

    def share(self, count: int) -> slice:
        """Return this process's part of `count` things: all of them."""
        return share_of(count, self.process, self.processes)

    def gather_objects(self, objects: Sequence[Any]) -> list[Any]:
        """Return the objects of all processes, which are this one's."""
        return list(objects)

    def describe(self) -> dict[str, Any]:
        """Return what the rounding of results depends on."""
        from llvmlite.binding import get_host_cpu_name  # Embedding alone needs neither, and they take long to load.
        from numba import config

        return {
            "device": self.device,
            "precision": self.precision,
            "processor": f"{platform.machine()} {get_host_cpu_name()}",
            "threads": config.NUMBA_NUM_THREADS,  # pyright: ignore[reportAttributeAccessIssue]
            "processes": self.processes,
        }
