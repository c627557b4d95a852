"""Tables in Markdown: rank-1 / mAP in %, mean (lowest-highest) over seeds."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msinet.experiments.statistics import Spread


class RankAndMAP(NamedTuple):
    """Scores of one network, from 0 to 1."""

    rank_1: float
    mAP: float


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def scores_cell(runs: Sequence[RankAndMAP]) -> str:
    """Return rank-1 / mAP of several seeds, at least one: `36.3 (28.3-45.6) / 31.1 (27.0-37.4)`."""
    return " / ".join(percent(Spread.of(values)) for values in zip(*runs, strict=True))


def percent(spread: Spread) -> str:
    """Return the mean in % and, of more than one seed, the range."""
    mean = f"{100 * spread.mean:.1f}"
    return mean if spread.count == 1 else f"{mean} ({100 * spread.lowest:.1f}-{100 * spread.highest:.1f})"
