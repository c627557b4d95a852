"""Compiling with numba: kept for the next process where it can be, and safe where processes fork and threads meet."""

import functools
import threading
from collections.abc import Callable
from typing import Any

import numba

# OpenMP's threads do not survive a fork, and loading images with several workers forks: they would wait for ever.
numba.config.THREADING_LAYER = "forksafe"  # pyright: ignore

ONE_AT_A_TIME = threading.Lock()
"""The threads of the layer above serve one caller at a time."""


def compiled(function: Callable[..., Any], parallel: bool = False) -> Callable[..., Any]:
    """Compile a function of arrays and numbers when it is first called, and keep the result for the next process.

    Where neither the package nor the user has a folder to write to, every process compiles anew.
    """
    try:
        return numba.njit(cache=True, parallel=parallel)(function)
    except RuntimeError:  # No place for the cache.
        return numba.njit(parallel=parallel)(function)


def compiled_for_all_cores(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile likewise a function whose loops over `numba.prange` are shared out among all cores."""
    kernel = compiled(function, parallel=True)

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        with ONE_AT_A_TIME:
            return kernel(*arguments)

    return call
