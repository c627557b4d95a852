"""Progress as terminals, pipes and log files get it."""

import io
from collections.abc import Iterator
from itertools import pairwise

import pytest
from rich.console import Console

from msinet.cli.bars import TerminalBars, TerminalLines, bar_line, duration, rate_in_words

LOSSES = {"loss": 9.234, "identity": 6.1, "triplet": 1.25, "alignment": 0.031}


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Ascii(io.StringIO):
    """A stream of a terminal that knows ASCII alone."""

    encoding = "ascii"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def console(columns: int, file: io.StringIO | None = None, terminal: bool = True) -> Console:
    return Console(file=file or io.StringIO(), width=columns, force_terminal=terminal, color_system="truecolor")


def line(columns: int, clock: Clock, what: str = "train", seconds: float = 0.5, file: io.StringIO | None = None) -> str:
    """Return the line of a training of 4000 steps after 320 of them."""
    shown = console(columns, file)
    bars = TerminalBars(shown, clock)
    work = bars.begin(what, 4000)
    for _ in range(320):
        clock.now += seconds
        work.advance(**LOSSES)
    try:
        return bar_line(work, columns, shown).plain
    finally:
        bars.close()


@pytest.mark.parametrize("columns", [36, 40, 60, 80, 120])
@pytest.mark.parametrize("seconds", [0.01, 0.5, 7.0, 100.0])
def test_steps_rate_and_time_left_are_never_cut(clock, columns, seconds):
    rate, left = rate_in_words(1 / seconds), duration(3680 * seconds)
    assert f"320/4000  {rate}  {left} left" in line(columns, clock, seconds=seconds)


def test_the_bar_gives_way_first_and_then_the_last_losses(clock):
    lines = {columns: line(columns, clock) for columns in range(36, 141)}
    assert all(len(text) <= columns for columns, text in lines.items())
    shown = [(sum(name in text for name in LOSSES), text.count("━")) for text in lines.values()]
    assert shown[0] == (0, 0) and shown[-1] == (4, 40)
    for (losses, bar), (more_losses, longer) in pairwise(shown):
        assert more_losses >= losses
        assert longer >= bar or more_losses > losses
        assert losses == 4 or bar < len("  alignment 0.031")


def test_the_first_losses_stay_longest(clock):
    assert "loss 9.234" in line(60, clock) and "alignment" not in line(60, clock)
    assert "loss 9.234  identity 6.100  triplet 1.250" in line(80, clock)


def test_a_long_name_is_folded_between_words_and_not_cut(clock):
    shown = console(40)
    shown.print(bar_line(TerminalBars(shown, clock).begin("score a thousand architectures in turn", 4000), 40, shown))
    assert "score a thousand architectures in turn" in shown.file.getvalue() and "0/4000" in shown.file.getvalue()
    assert "…" not in shown.file.getvalue()


def test_a_terminal_in_ascii_has_bars_too(clock):
    text = line(120, clock, file=Ascii())
    assert text.isascii() and "---" in text


@pytest.mark.parametrize("what", ["train [red]", "variant :car:", "gate[/x]", "\udcb3"])
def test_names_of_work_are_no_markup(clock, what):
    shown = console(80)
    bars = TerminalBars(shown, clock)
    bars.begin(what, 1).advance()
    assert what.replace("\udcb3", r"\xb3") in shown.file.getvalue()


def test_finished_work_stays_as_a_line_and_unfinished_too(clock):
    shown = console(80)
    bars = TerminalBars(shown, clock)
    whole, inner = bars.begin("seed 0", 1), bars.begin("train", 10)
    clock.now += 20
    inner.advance(10, loss=0.5)
    bars.close()
    assert whole.done == 0
    last = [text for text in shown.file.getvalue().split("\n") if text.strip()]
    assert any("train  10/10  2.0 s each  in 20 s  loss 0.500" in text for text in last)
    assert "seed 0" in last[-1] and "0/1" in last[-1]


def test_resumed_work_that_is_done_says_so(clock):
    shown = console(80)
    TerminalBars(shown, clock).begin("search", 320, 320)
    assert "search  320/320  done before" in shown.file.getvalue()


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (1234.5, "1234/s"),
        (12.34, "12.3/s"),
        (1.0, "1.0/s"),
        (0.3125, "3.2 s each"),
        (0.02, "50.0 s each"),
        (1 / 150, "2 min each"),
    ],
)
def test_rates_read_well(rate, words):
    assert rate_in_words(rate) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (1740, "29 min"),
        (3599, "1 h 00 min"),
        (12000, "3 h 20 min"),
        (183600, "2 d 3 h"),
    ],
)
def test_durations_read_well(seconds, words):
    assert duration(seconds) == words


def test_the_rate_is_that_of_late_even_of_slow_steps(clock):
    work = TerminalLines(console(80, terminal=False), clock).begin("train", 1000)
    for seconds in [60.0] * 5 + [120.0] * 5:
        clock.now += seconds
        work.advance()
    assert work.rate == pytest.approx(1 / 120)
    assert work.parts("/")[-1] == f"{duration(990 * 120)} left"
    clock.now += 3600
    assert work.parts("/")[-1] == f"{duration(990 * 120 - 3600)} left"


def lines(clock: Clock, steps: int, seconds: float, total: int | None = 4000) -> Iterator[str]:
    """Yield what a log file gets of a training that is left after some steps."""
    shown = console(40, terminal=False)
    listener = TerminalLines(shown, clock)
    work = listener.begin("train", total)
    for _ in range(steps):
        clock.now += seconds
        work.advance(loss=1.234, triplet=0.5)
    listener.close()
    yield from shown.file.getvalue().splitlines()


def test_a_log_file_gets_a_line_every_half_minute_and_one_at_the_end(clock):
    found = list(lines(clock, 4000, 0.1))
    assert len(found) == 400 // 30 + 1
    assert found[0] == "train: 300 of 4000, 10.0/s, 6 min left, loss 1.234, triplet 0.500"
    assert found[-1] == "train: 4000 of 4000, 10.0/s, in 7 min, loss 1.234, triplet 0.500"


def test_slow_steps_get_a_line_each(clock):
    assert len(list(lines(clock, 3, 45.0, total=3))) == 3


@pytest.mark.parametrize("total", [4000, 40, None])
def test_short_work_leaves_no_line(clock, total):
    assert list(lines(clock, 40, 0.1, total)) == []


def test_work_that_stops_in_between_leaves_a_line(clock):
    assert list(lines(clock, 100, 0.1)) == ["train: 100 of 4000, 10.0/s, 7 min left, loss 1.234, triplet 0.500"]


def test_lines_hold_no_codes_of_a_terminal(clock):
    assert not any("\x1b" in text or "\r" in text for text in lines(clock, 4000, 0.1))
