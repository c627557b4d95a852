"""Curves as SVG that take the colours of the page they stand in, light or dark."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from msinet.model.architecture import INTERACTION_NAMES
from msinet.model.architecture_picture import COLORS

INK = "#0a0b0c"
"""Stands for the page's text colour, and is replaced by it."""

BARS = 48
"""Most bars of a histogram."""

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
"""Name -> x and y."""


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
    """Draw lines over a common axis."""
    with _figure(5.4, 2.9) as (figure, axes):
        axis: Axes = axes[0, 0]
        for (name, (places, values)), color in zip(series.items(), LINES * 3, strict=False):
            axis.plot(places, values, color=color, label=name, marker="o" if len(places) < 12 else "", markersize=3)
        axis.set_xlabel(x)
        axis.set_ylabel(y)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(series) > 1:
            axis.legend()
        return _svg(figure, alt)


def roc(false_positive: Sequence[float], true_positive: Sequence[float]) -> str:
    """Draw the share of same pairs that a threshold finds over the share of different ones that it lets through."""
    with _figure(5.4, 2.9) as (figure, axes):
        axis: Axes = axes[0, 0]
        axis.semilogx(false_positive, 100 * np.asarray(true_positive), color=LINES[0])
        axis.set_xlabel("different pairs let through")
        axis.set_ylabel("same pairs found, %")
        axis.set_ylim(0, 102)
        return _svg(figure, "ROC curve")


def alphas_over_time(shares: np.ndarray, taken: Sequence[str], names: Sequence[str]) -> str:
    """Draw the shares of the operations at each place, (epochs, places, operations), and which was taken there."""
    count = shares.shape[1]
    columns = 4 if count % 4 == 0 else count
    with _figure(9.2, 1.75 * count / columns + 0.4, count // columns, columns) as (figure, axes):
        for place, axis in enumerate(axes.ravel()):
            for i, operation in enumerate(INTERACTION_NAMES):
                epochs = np.arange(1, len(shares) + 1)
                # The one that was taken lies on top: attention starts as none, and their lines may be the same.
                width, order = (2.2, 3) if operation == taken[place] else (1.1, 2)
                axis.plot(epochs, shares[:, place, i], color=COLORS[operation], linewidth=width, zorder=order)
            axis.set_title(names[place], fontsize=9, color=INK)
            axis.set_ylim(0, 1.1 * shares.max())
            axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        figure.supxlabel("epoch", fontsize=9, color=INK)
        figure.supylabel("share", fontsize=9, color=INK)
        return _svg(figure, "The interactions' shares at each place over the epochs of the search")


def similarities(edges: Sequence[float], same: Sequence[int], different: Sequence[int]) -> str:
    """Draw how alike pairs of images are, each kind scaled to its own number; only where there are any."""
    counts_of = np.stack([same, different])
    filled = np.flatnonzero(counts_of.sum(0))
    first, last = (filled[0], filled[-1] + 1) if len(filled) else (0, len(same))
    wide = -(-(last - first) // BARS)
    starts = np.arange(first, last, wide)
    edges = [*np.asarray(edges)[starts], edges[min(int(starts[-1]) + wide, len(same))]]
    same, different = np.add.reduceat(counts_of[:, :last], starts, axis=1)
    with _figure(5.4, 2.9) as (figure, axes):
        axis: Axes = axes[0, 0]
        for counts, name, color in ((different, "different identities", DIFFERENT), (same, "same identity", SAME)):
            share = np.asarray(counts) / max(1, sum(counts))
            axis.stairs(share, edges, fill=True, alpha=0.45, color=color, label=name)
            axis.stairs(share, edges, color=color)
        axis.set_xlabel("cosine similarity")
        axis.set_ylabel("share of pairs")
        axis.legend()
        return _svg(figure, "Similarities of pairs of the same and of different identities")
