"""Compilation of inner loops with numba: cached for the next process, and safe with forks and threads.

numba's cache notices changes of the file that a compiled function is in, and of no other: compiled functions that call each
other share a file. After a change of a value or a tuple that they import, delete the `__pycache__` beside them.
"""

import functools
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba

# OpenMP's threads do not survive a fork, and loading images with several workers forks: they would wait for ever.
numba.config.THREADING_LAYER = "forksafe"  # pyright: ignore

HAS_HOME = os.path.isabs(os.path.expanduser("~")) or "XDG_CACHE_HOME" in os.environ  # noqa: PTH111, PTH117
if not HAS_HOME and "NUMBA_CACHE_LOCATOR_CLASSES" not in os.environ:
    # Without a home folder numba would make a folder named ~ wherever the command was called.
    numba.config.CACHE_LOCATOR_CLASSES = "UserProvidedCacheLocator,InTreeCacheLocator"  # pyright: ignore

ONE_AT_A_TIME = threading.Lock()
"""Lock of the threads above, which serve one caller at a time."""

logger = logging.getLogger(__name__)


def compiled(function: Callable[..., Any], parallel: bool = False) -> Callable[..., Any]:
    """Compile a function of arrays and numbers at its first call, and cache the result for the next process.

    Where nothing can be cached, every process compiles again, and says so.
    """
    try:
        kernel = numba.njit(cache=True, parallel=parallel)(function)
    except RuntimeError:  # No place for the cache.
        _warn("no folder for them can be written")
        return numba.njit(parallel=parallel)(function)
    # numba stops the work where its cache is damaged, or the disk full.
    if cache := getattr(kernel, "_cache", None):  # Without one where NUMBA_DISABLE_JIT is set.
        cache._guard_against_spurious_io_errors = lambda: _only_a_convenience(cache)
    return kernel


@contextmanager
def _only_a_convenience(cache: Any) -> Iterator[None]:
    """Go on where the cache cannot be read or written, and empty it for the next attempt: it may be damaged."""
    try:
        yield
    except Exception as error:
        try:
            cache.flush()
        except OSError:
            _warn((isinstance(error, OSError) and error.strerror) or str(error))


@functools.cache
def _warn(reason: str) -> None:
    logger.warning(
        "inner loops are compiled anew in every process, which takes some seconds (%s): set NUMBA_CACHE_DIR to a folder "
        "that can be written",
        reason,
    )


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
