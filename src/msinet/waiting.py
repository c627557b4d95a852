"""How OpenMP's threads wait for work: a short spin, then sleep. To be set before PyTorch is loaded."""

import os
from collections.abc import MutableMapping

SPIN_COUNT = "3000"
"""Rounds that a thread of libgomp, the OpenMP library of PyTorch's packages, spins before it sleeps; the default is 300000.

A thread that spins holds a core that another process needs. Where several processes share the cores, each parallel loop then
waits for the operating system to give up the spinning threads' time, and a training takes several times as long. A short
spin costs an idle machine next to nothing: `benchmarks/busy_machine.py` measures both.
"""

VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Environment variables by which a user decides how threads wait."""


def wait_shortly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads spin for a short time only, where the user has not decided how they wait."""
    if not any(name in environment for name in VARIABLES):
        environment["GOMP_SPINCOUNT"] = SPIN_COUNT
