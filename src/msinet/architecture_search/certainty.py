"""Certainty of a search: shares, margins and entropies of its mixtures, and doubts in words. Imports no torch."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

UNSURE = 0.02
"""Margin below which two shares are as good as equal."""

COLLAPSED = 10 / 12
"""Share of the places with the same interaction from which on a search counts as collapsed."""


@dataclass(frozen=True)
class Choice:
    """What a search chose in one decision, and its rival."""

    taken: str
    """The chosen option, such as an interaction."""
    share: float
    """Its share of the mixture, from 0 to 1."""
    rival: str
    """The other option with the largest share or, where trials decided, with the highest expected score."""
    rival_share: float
    """The rival's share: above that of the chosen one where something else than the shares decided."""
    margin: float
    """The largest share less the second."""
    entropy: float
    """Entropy of the shares in bits: 0 where one has all, 2 where four are equal."""
    decision: str = "interaction"
    """What was decided: `interaction`, `depth_a`, `depth_b` or, for a stage, `cells`."""
    row: int = 0
    """Number of the place or of the stage, from 0."""
    gain: float | None = None
    """Expected mAP (0 to 1) of the network less that with the rival, where trials decided; below 0 where cost did."""
    error: float | None = None
    """Standard error of the gain."""


def shares_of(alphas: Sequence[Sequence[float]], temperature: float = 1.0) -> list[list[float]]:
    """Return softmax(alpha / T) of each place, (L, choices): how much of the mixture each interaction is."""
    rows = []
    for row in alphas:
        powers = [math.exp((alpha - max(row)) / temperature) for alpha in row]
        rows.append([power / sum(powers) for power in powers])
    return rows


def choices_of(
    shares: Sequence[Sequence[float]], taken: Sequence[str], columns: Sequence[str], decision: str = "interaction"
) -> list[Choice]:
    """Return the choice in each row.

    Args:
        shares: (rows, options), each row adding up to 1.
        taken: (rows,) names of the chosen options.
        columns: names of the options, in the order of the columns of `shares`; at least two.
        decision: what is decided.
    """
    choices = []
    for number, (row, name) in enumerate(zip(shares, taken, strict=True)):
        of: dict[str, float] = dict(zip(columns, row, strict=True))
        rival = max((other for other in of if other != name), key=of.__getitem__)
        second, first = sorted(row)[-2:]
        entropy = sum(-share * math.log2(share) for share in row if share > 0)
        choices.append(Choice(name, of[name], rival, of[rival], first - second, entropy, decision, number))
    return choices


def doubts_about(choices: Sequence[Choice]) -> list[str]:
    """Return in sentences why a search's result should not be trusted; none where nothing speaks against it."""
    doubts = []
    interactions = [choice.taken for choice in choices if choice.decision == "interaction"]
    [(name, count)] = Counter(interactions).most_common(1)
    if count / len(interactions) >= COLLAPSED:
        doubts.append(
            f"The search collapsed: {count} of {len(interactions)} places chose {name}. Compare it with {name} alone."
        )
    middle = median(choice.margin for choice in choices)
    if middle < UNSURE:
        doubts.append(
            f"The alphas did not decide: at half of the places the first two shares differ by {middle:.3f} or less, and "
            "another seed may choose differently. Train all:none and random:0 as well, to see what the search gains."
        )
    return doubts
