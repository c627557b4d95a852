"""Progress in the terminal: bars with rate, time left and losses; in a pipe or a log file, a line from time to time."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from msinet.cli.terminal import FIRST, bar_console, out_console
from msinet.files.text import legible
from msinet.progress import duration, listen

WINDOW = 30.0
"""Seconds that the rate is taken over; of slow steps, the last `STEPS`."""
STEPS = 3
EVERY = 30.0
"""Seconds between two lines on a piece of work, where there are no bars."""
SHORT = 5.0
"""Seconds of work that is too short for a line."""
LONGEST, SHORTEST = 40, 6
"""Length of a bar in columns: a shorter one is left out."""


class Work:
    """A piece of work under way: how much of it is done, how fast, and the last losses."""

    def __init__(
        self, what: str, total: int | None, done: int, report: Callable[["Work"], None], clock: Callable[[], float]
    ) -> None:
        self.what, self.total, self.done, self.before = what, total, done, done
        self.values: dict[str, float] = {}
        self.report, self.clock = report, clock
        self.started = self.moved = self.said = clock()
        self.marks = deque([(self.started, done)])

    def advance(self, count: int = 1, **values: float) -> None:
        """Count steps as done, and report it."""
        self.done += count
        self.values.update(values)
        self.moved = self.clock()
        if self.moved - self.marks[-1][0] >= 1 or len(self.marks) == 1:
            self.marks.append((self.moved, self.done))
        while len(self.marks) > STEPS + 1 and self.moved - self.marks[0][0] > WINDOW:
            self.marks.popleft()
        self.report(self)

    @property
    def finished(self) -> bool:
        """Whether all of it is done."""
        return self.total is not None and self.done >= self.total

    @property
    def seconds(self) -> float:
        """Seconds from its beginning to its last step."""
        return self.moved - self.started

    @property
    def rate(self) -> float:
        """Steps a second, of late; at the end, of all of it. 0 where it is not known yet."""
        since, done = (self.started, self.before) if self.finished else self.marks[0]
        return (self.done - done) / (self.moved - since) if self.moved > since else 0.0

    def parts(self, of: str) -> list[str]:
        """Return what is never left out: steps done, with a word between them and their total, rate, time left or taken."""
        count = f"{self.done}{of}{self.total}" if self.total is not None else str(self.done)
        if self.done == self.before:
            return [count, "done before"] if self.finished else [count]
        rate = [rate_in_words(self.rate)] if self.rate and self.total != 1 else []
        if self.finished:
            return [count, *rate, f"in {duration(self.seconds)}"]
        if not self.rate or self.total is None:
            return [count, *rate]
        waited = self.clock() - self.moved
        return [count, *rate, f"{duration(max(0.0, (self.total - self.done) / self.rate - waited))} left"]

    def losses(self) -> list[str]:
        """Return the last losses."""
        return [f"{name} {value:.3f}" for name, value in self.values.items()]


def rate_in_words(rate: float) -> str:
    """Return a rate in steps a second; of steps that take longer than that, the time of each."""
    if rate >= 1:
        return f"{rate:.0f}/s" if rate >= 100 else f"{rate:.1f}/s"
    return f"{1 / rate:.1f} s each" if rate > 1 / 60 else f"{duration(1 / rate)} each"


class TerminalBars:
    """A listener that shows work under way as bars at the terminal's lower end, and finished work as lines above them."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console, self.clock = console, clock
        self.running: list[Work] = []
        self.live: Live | None = None

    def begin(self, what: str, total: int | None, done: int = 0) -> Work:
        """Open a bar."""
        work = Work(legible(what, self.console.encoding), total, done, self.report, self.clock)
        if total != 0:
            self.running.append(work)
            self.report(work)
        return work

    def report(self, work: Work) -> None:
        """Begin to draw; replace the bar of finished work by a line."""
        if work.finished and work in self.running:
            self.running.remove(work)
            if not self.running:
                self.close()
            self._print(work)
        elif self.running and not self.live:
            # rich draws above the bars, and so on standard error, what others print: not where that belongs into a file.
            self.live = live = Live(self, console=self.console, transient=True, redirect_stdout=out_console.is_terminal)
            live.start()

    def close(self) -> None:
        """Stop drawing; what is not finished stays as a line."""
        if self.live:
            self.live.stop()
            self.live = None
        for work in self.running:
            self._print(work)
        self.running = []

    def _print(self, work: Work) -> None:
        self.console.print(bar_line(work, self.console.width, self.console))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the bars."""
        for work in list(self.running):
            yield bar_line(work, options.max_width, console)


def bar_line(work: Work, width: int, console: Console) -> Text:
    """Return a piece of work as a line. Where room is short, the bar gives way first, then the last losses.

    What it is, the steps done, rate and time left are never cut: a line that is too short for them is folded.

    Args:
        work: the work.
        width: columns of the terminal.
        console: the terminal, whose encoding and colours say what a bar is drawn with.
    """
    fixed = "  ".join(work.parts("/"))
    room = width - cell_len(work.what) - 2 - cell_len(fixed)
    losses = ""
    for loss in work.losses():
        if cell_len(losses) + 2 + cell_len(loss) > room:
            break
        losses += f"  {loss}"
    line = Text(f"{work.what}  ", overflow="fold")
    length = min(LONGEST, room - cell_len(losses) - 2)
    if work.total and not work.finished and length >= SHORTEST:
        sign = "━" if console.encoding.startswith("utf") else "-"
        filled = length * work.done // work.total
        line.append(sign * filled, "bar.complete")
        line.append((sign if console.color_system else " ") * (length - filled) + "  ", "bar.back")
    return line.append(fixed).append(losses)


class TerminalLines:
    """A listener for pipes and log files: a line on each piece of work every half minute and at its end."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console, self.clock = console, clock
        self.running: list[Work] = []

    def begin(self, what: str, total: int | None, done: int = 0) -> Work:
        """Take note of a piece of work."""
        work = Work(legible(what, self.console.encoding), total, done, self.report, self.clock)
        self.running.append(work)
        return work

    def report(self, work: Work) -> None:
        """Print a line, where one is due."""
        if work.finished:
            self.running.remove(work)
            self._print(work)
        elif work.moved - work.said >= EVERY:
            work.said = work.moved
            self._print(work)

    def close(self) -> None:
        """Print a line on each piece of work that was not finished."""
        for work in self.running:
            self._print(work)
        self.running = []

    def _print(self, work: Work) -> None:
        if work.seconds >= SHORT:
            self.console.print(Text(f"{work.what}: {', '.join([*work.parts(' of '), *work.losses()])}"), soft_wrap=True)


@contextmanager
def bars() -> Iterator[bool]:
    """Show progress on standard error, as bars or as lines. Yield whether this process may write."""
    # FORCE_COLOR lets rich take a log file for a terminal: colours are wanted there, bars are not.
    drawn = bar_console.is_interactive and bar_console.file.isatty()
    shown = TerminalBars(bar_console) if drawn else TerminalLines(bar_console)
    try:
        with listen(shown):
            yield FIRST
    finally:
        shown.close()
