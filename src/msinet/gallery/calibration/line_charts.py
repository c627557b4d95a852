"""Line charts as values in pixels, which a template draws as SVG: matplotlib is not in the base installation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 42


@dataclass(frozen=True)
class Line:
    """Values over places, in the units of the chart."""

    name: str
    colour: str
    """As in CSS."""
    places: Sequence[float]
    values: Sequence[float]
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Tick:
    """A mark of an axis."""

    at: float
    """In pixels, from the left or from the top."""
    words: str


@dataclass(frozen=True)
class Drawn:
    """A line in pixels."""

    line: Line
    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        """Points as SVG has them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True)
class LineChart:
    """A chart in pixels."""

    alt: str
    """What it shows, for screen readers."""
    x_label: str
    lines: tuple[Drawn, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    mark: Tick | None
    """Vertical line at a place, with its words."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def line_chart(
    lines: Sequence[Line],
    alt: str,
    x_label: str,
    mark: tuple[float, str] | None = None,
    ticks: Sequence[tuple[float, str]] = (),
    top: float = 1.0,
) -> LineChart:
    """Lay out lines over a common axis.

    Args:
        lines: the lines; their values start at 0.
        alt: what the chart shows, for screen readers.
        x_label: label of the axis of places.
        mark: place of a vertical line, and its words.
        ticks: marks of the places; without them, round numbers. With them, the axis is logarithmic.
        top: the highest value of the axis.
    """
    scale = math.log if ticks else float
    low, high = (edge(scale(place) for line in lines for place in line.places) for edge in (min, max))
    span = high - low or 1.0

    def across(place: float) -> float:
        return LEFT + (scale(place) - low) / span * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - min(value, top) / top * (HEIGHT - TOP - BOTTOM)

    drawn = tuple(
        Drawn(line, tuple((across(x), up(y)) for x, y in zip(line.places, line.values, strict=True))) for line in lines
    )
    marks = ticks or [(place, f"{place:.12g}") for place in round_numbers(low, high)]
    return LineChart(
        alt=alt,
        x_label=x_label,
        lines=drawn,
        across=tuple(Tick(across(place), words) for place, words in marks),
        up=tuple(Tick(up(value), f"{100 * value:.12g} %") for value in round_numbers(0, top)),
        mark=Tick(across(mark[0]), mark[1]) if mark else None,
    )


def round_numbers(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers from a least to a greatest one, a few of them."""
    rough = (high - low or 1.0) / about
    size = 10 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]
