"""Calls in a thread of their own: OpenVINO's plugin for processors changes the thread that loads it."""

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a function returns, or raise what it raises, in a thread that ends with it.

    OpenVINO's plugin gives the thread that loads it another stack for signals (`sigaltstack`), and frees that stack with the
    plugin, in whatever thread the last reference ends. The main thread would keep the address, and the next Ctrl-C would end
    the process by a segmentation fault.
    """
    future: Future[T] = Future()
    context = copy_context()

    def work() -> None:
        try:
            future.set_result(context.run(function, *args, **kwargs))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future.result()
