"""How long a run will take, measured on its first steps and said once."""

import logging
import time
from collections.abc import Callable

from msinet.progress import duration

STEPS, SECONDS = 10, 20.0
"""Number of steps that are timed; where they are slow, the timing ends after this many seconds."""

SHORT, LONG = 60.0, 86400.0
"""Seconds below which nothing is said, and above which a run without a GPU gets a warning."""

logger = logging.getLogger(__name__)


class Estimate:
    """The time of a run's steps. The first one is not counted: caches fill, and libraries prepare themselves.

    Args:
        what: name of the run: search or train.
        steps: the steps that are to do.
        steps_per_epoch: steps of an epoch.
        work: what some steps cost beside others; steps with smaller images cost less.
        has_gpu: whether the run has one.
        then: what follows the steps, and takes time of its own, in words.
        clock: seconds that pass.
    """

    def __init__(
        self,
        what: str,
        steps: range,
        steps_per_epoch: int,
        work: Callable[[range], float] = len,
        has_gpu: bool = False,
        then: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what, self.steps, self.steps_per_epoch, self.work, self.has_gpu = what, steps, steps_per_epoch, work, has_gpu
        self.then, self.clock = then, clock
        self.started = self.timed_from = clock()
        self.said = False

    def count(self, done: int) -> None:
        """Take note that the steps up to number `done` are done, and say how long the rest takes once it is known."""
        timed = range(self.steps.start + 1, done)
        now = self.clock()
        if not timed:
            self.timed_from = now
        elif not self.said and (len(timed) >= STEPS or now - self.started >= SECONDS):
            self.said = True
            self.say((now - self.timed_from) * self.work(range(done, self.steps.stop)) / self.work(timed))

    def say(self, seconds: float) -> None:
        """Say how long the rest takes, unless it is short."""
        if seconds < SHORT:
            return
        epochs = -(-len(self.steps) // self.steps_per_epoch)
        left = " that are left" if self.steps.start else ""
        words = f"{self.what}: about {duration(seconds)} for the {epochs} epochs{left}, of {self.steps_per_epoch} steps each"
        words += f", then {self.then}" if self.then else ""
        words += "; Ctrl-C stops, the same command resumes"
        if seconds > LONG and not self.has_gpu:
            logger.warning("%s. A GPU would be many times as fast; without one, take the recipe small-data", words)
        else:
            logger.info(words)
