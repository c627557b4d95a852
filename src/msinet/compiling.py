"""Compilation of inner loops with numba: cached for the next process, and safe with forks and threads.

numba's cache notices changes of the file that a compiled function is in, and of no other: compiled functions that call each
other share a file. After a change of a value or a tuple that they import, delete the `__pycache__` beside them.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any

import numba

# OpenMP's threads do not survive a fork, and loading images with several workers forks: they would wait for ever.
numba.config.THREADING_LAYER = "forksafe"  # pyright: ignore

ONE_AT_A_TIME = threading.Lock()
"""Lock of the threads above, which serve one caller at a time."""


def compiled(function: Callable[..., Any], parallel: bool = False) -> Callable[..., Any]:
    """Compile a function of arrays and numbers at its first call, and cache the result for the next process.

    Where neither the package's folder nor the user's is writable, every process compiles again.
    """
    try:
        return numba.njit(cache=True, parallel=parallel)(function)
    except RuntimeError:  # No place for the cache.
        return numba.njit(parallel=parallel)(function)


def compiled_inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small function as a part of its compiled callers: a call would cost more than the function itself."""
    return numba.njit(forceinline=True)(function)


def compiled_for_all_cores(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile and cache a function whose loops over `numba.prange` are shared among all cores."""
    kernel = compiled(function, parallel=True)

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        with ONE_AT_A_TIME:
            return kernel(*arguments)

    return call
