"""Charts as SVG, whose text takes the colour of its page, light or dark."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from msinet.evaluation.evidence import Histogram, OperatingPoint
from msinet.model.msinet.interactions import INTERACTIONS

INK = "#0a0b0c"
"""Placeholder of the page's text colour."""

BARS = 48
"""Largest number of bars of a histogram."""

FEW = 6
"""Points from which on those of a group are not joined."""

SAME, DIFFERENT = "#2b8a3e", "#c92a2a"
LINES = ("#1971c2", "#e8590c", "#2b8a3e", "#7048e8")

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "msinet",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.18,
    "grid.color": INK,
    "legend.frameon": False,
    **{f"{part}.color": INK for part in ("text", "xtick", "ytick")},
    **{f"axes.{part}": INK for part in ("edgecolor", "labelcolor")},
}

Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""x and y of lines, by name."""


@contextmanager
def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> Iterator[tuple[Figure, np.ndarray]]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        figure.patch.set_alpha(0)
        for axis in axes.ravel():
            axis.patch.set_alpha(0)
        yield figure, axes


def _svg(figure: Figure, alt: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Title": alt})
    text = out.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")


def curves(series: Series, x: str, y: str, alt: str) -> str:
    """Draw lines over a common axis.

    Args:
        series: the lines.
        x: label of the x axis.
        y: label of the y axis.
        alt: what the chart shows, for screen readers.
    """
    with _figure(5.4, 2.9) as (figure, axes):
        axis: Axes = axes[0, 0]
        for (name, (places, values)), colour in zip(series.items(), LINES * 3, strict=False):
            axis.plot(places, values, color=colour, label=name, marker="o" if len(places) < 12 else "", markersize=3)
        axis.set_xlabel(x)
        axis.set_ylabel(y)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(series) > 1:
            axis.legend()
        return _svg(figure, alt)


def roc(curve: Sequence[OperatingPoint]) -> str:
    """Draw the share of same pairs that pass a threshold over the share of different pairs that pass it."""
    with _figure(5.4, 2.9) as (figure, axes):
        axis: Axes = axes[0, 0]
        passing = [100 * point.true_positive_rate for point in curve]
        axis.semilogx([point.false_positive_rate for point in curve], passing, color=LINES[0])
        axis.set_xlabel("different pairs that pass")
        axis.set_ylabel("same pairs that pass, %")
        axis.set_ylim(0, 102)
        return _svg(figure, "ROC curve")


def scores_by_depth(trials: Sequence[tuple[int, float]], finals: Sequence[tuple[int, float]], chosen: int) -> str:
    """Draw networks' (number of light 3x3 convolutions, mAP from 0 to 1), and the number of the chosen network."""
    with _figure(5.4, 2.9) as (figure, axes):
        axis: Axes = axes[0, 0]
        axis.axvline(chosen, color=LINES[1], linestyle=":", label="chosen network")
        for networks, style, colour, label in ((trials, "o", LINES[0], "trials"), (finals, "D", LINES[2], "finals")):
            if networks:
                depths, scores = zip(*sorted(networks), strict=True)
                axis.plot(depths, [100 * score for score in scores], style, color=colour, markersize=4, label=label)
        axis.set_xlabel("light 3x3 convolutions")
        axis.set_ylabel("mAP, %")
        axis.set_ylim(bottom=0)
        axis.legend()
        return _svg(figure, "Trials of the search")


def scores_by_time(groups: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw networks' (milliseconds for one image, mAP from 0 to 1) by group; the points of a group are joined where few."""
    with _figure(5.4, 2.9) as (figure, axes):
        axis: Axes = axes[0, 0]
        for (name, points), colour, marker in zip(groups.items(), LINES * 9, "oosD^vPX" * 9, strict=False):
            line = f"{marker}-" if len(points) < FEW else marker
            axis.plot([x for x, _ in points], [100 * y for _, y in points], line, color=colour, markersize=5, label=name)
        axis.set_xscale("log")
        axis.xaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter("{x:g}")
        axis.set_xlabel("milliseconds for one image")
        axis.set_ylabel("mAP, %")
        axis.legend()
        return _svg(figure, "mAP over milliseconds")


def shares_over_time(shares: np.ndarray, columns: Sequence[str], taken: Sequence[str], places: Sequence[str]) -> str:
    """Draw the shares of the interactions at each place over the epochs; the chosen one is thick.

    Args:
        shares: (epochs, L, choices).
        columns: names of the interactions.
        taken: (L,) names of the chosen interactions.
        places: (L,) names of the places.
    """
    across = charts_across(len(places))
    down = -(-len(places) // across)
    epochs = np.arange(1, len(shares) + 1)
    with _figure(9.2, 1.75 * down + 0.4, down, across) as (figure, axes):
        drawn, blank = axes.ravel()[: len(places)], axes.ravel()[len(places) :]
        for place, axis in enumerate(drawn):
            for i, name in enumerate(columns):
                # The chosen one lies on top: attention starts as none, and their lines may be the same.
                width, order = (2.2, 3) if name == taken[place] else (1.1, 2)
                colour = INTERACTIONS[name].colour
                axis.plot(epochs, shares[:, place, i], color=colour, linewidth=width, zorder=order)
            axis.set_title(places[place], fontsize=9, color=INK)
            axis.set_ylim(0, 1.1 * shares.max())
            axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        for axis in drawn[len(drawn) - across :] if len(blank) else ():
            axis.tick_params(labelbottom=True)  # Nothing stands below it that would have the labels.
        for axis in blank:
            axis.set_visible(False)
        figure.supxlabel("epoch", fontsize=9, color=INK)
        figure.supylabel("share", fontsize=9, color=INK)
        return _svg(figure, "Share of each interaction at each place over the epochs of the search")


def charts_across(count: int) -> int:
    """Return how many of several charts stand beside each other: three to five, so that few places stay blank."""
    return min(count, min((4, 3, 5), key=lambda across: -count % across))


def similarities(pairs: Histogram, label: str = "cosine similarity") -> str:
    """Draw same and different pairs by their similarity, each kind as shares of its own number."""
    counts = np.stack([pairs.same, pairs.different])
    filled = np.flatnonzero(counts.sum(0))
    first, last = (filled[0], filled[-1] + 1) if len(filled) else (0, counts.shape[1])
    wide = -(-(last - first) // BARS)
    starts = np.arange(first, last, wide)
    edges = [*np.asarray(pairs.edges)[starts], pairs.edges[min(int(starts[-1]) + wide, counts.shape[1])]]
    same, different = np.add.reduceat(counts[:, :last], starts, axis=1)
    with _figure(5.4, 2.9) as (figure, axes):
        axis: Axes = axes[0, 0]
        for bars, name, colour in ((different, "different identities", DIFFERENT), (same, "same identity", SAME)):
            share = bars / max(1, bars.sum())
            axis.stairs(share, edges, fill=True, alpha=0.45, color=colour, label=name)
            axis.stairs(share, edges, color=colour)
        axis.set_xlabel(label)
        axis.set_ylabel("share of pairs")
        axis.legend()
        return _svg(figure, "Similarities of pairs of the same and of different identities")
