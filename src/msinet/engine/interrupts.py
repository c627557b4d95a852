"""Ctrl-C as a request: the step under way is finished and saved first."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PATIENCE = 1.0
"""Seconds after which somebody who pressed Ctrl-C hears why nothing happened yet."""

logger = logging.getLogger(__name__)


class Stop:
    """Whether somebody asked the loop to stop after the step under way."""

    def __init__(self) -> None:
        self.requested = False
        self.asked, self.stopped = threading.Event(), threading.Event()

    def say_where_it_takes_long(self) -> None:
        """Wait for the request, and say after a second that the step goes on. The handler of a signal must not print."""
        self.asked.wait()
        if not self.stopped.wait(PATIENCE):
            logger.info("stopping after the step under way; Ctrl-C again stops at once and loses what is not saved")


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
        if processes == 1:
            stop.asked.set()

    with suppress(RuntimeError):  # The system starts no more threads.
        threading.Thread(target=stop.say_where_it_takes_long, daemon=True).start()
    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.stopped.set()
        stop.asked.set()
