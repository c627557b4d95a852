"""Compiling with numba, also where nothing can be written."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and numbers when it is first called, and keep the result for the next process.

    Where neither the package nor the user has a folder to write to, every process compiles anew.
    """
    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:  # No place for the cache.
        return numba.njit(function)
