"""Ctrl-C as a request: the step under way is finished and saved first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Stop:
    """Whether somebody asked the loop to stop after the step under way."""

    requested: bool = False


@contextmanager
def stop_on_interrupt(processes: int = 1) -> Iterator[Stop]:
    """Turn the first Ctrl-C (or SIGTERM) into a request to stop after the step under way; a second one stops at once.

    With several processes a second one does nothing: a process that leaves would let the others wait, and their launcher
    sends the signal again in any case.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: object) -> None:
        if stop.requested and processes == 1:
            raise KeyboardInterrupt
        stop.requested = True

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
