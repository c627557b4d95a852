"""How sure a search is of what it chose: shares, margins and entropies of its mixtures. Imports no torch."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from msinet.model.architecture import INTERACTION_NAMES, Architecture

UNSURE = 0.02
"""Shares that lie closer together than this are as good as equal."""

COLLAPSED = 10 / 12
"""Where so many of the places take one interaction, the search has hardly chosen at each of them."""


@dataclass(frozen=True)
class Choice:
    """What a search took at one place, and what stands beside it."""

    taken: str
    """The interaction that was taken."""
    share: float
    """Its share of the mixture, from 0 to 1."""
    rival: str
    """The one of the others with the largest share."""
    rival_share: float
    """The rival's share: above that of what was taken where something else than the shares decided."""
    margin: float
    """The largest share less the second."""
    entropy: float
    """Of the shares, in bits: 0 where one has all, 2 where all four are alike."""


def shares_of(alphas: Sequence[Sequence[float]], temperature: float = 1.0) -> list[list[float]]:
    """Return softmax(alpha / T) of each place, (L, 4): how much of the mixture each interaction is."""
    rows = []
    for row in alphas:
        powers = [math.exp((alpha - max(row)) / temperature) for alpha in row]
        rows.append([power / sum(powers) for power in powers])
    return rows


def choices_of(shares: Sequence[Sequence[float]], architecture: Architecture) -> list[Choice]:
    """Return what an architecture takes at each place, beside the shares of the search's mixture there.

    Args:
        shares: (L, 4), columns as `INTERACTION_NAMES`, each row adding up to 1.
        architecture: with L places.
    """
    choices = []
    for row, taken in zip(shares, architecture.interactions, strict=True):
        of: dict[str, float] = dict(zip(INTERACTION_NAMES, row, strict=True))
        rival = max((name for name in of if name != taken), key=of.__getitem__)
        second, first = sorted(row)[-2:]
        entropy = sum(-share * math.log2(share) for share in row if share > 0)
        choices.append(Choice(taken, of[taken], rival, of[rival], first - second, entropy))
    return choices


def doubts_about(choices: Sequence[Choice]) -> list[str]:
    """Return in sentences why a search's result should not be trusted; empty where nothing speaks against it."""
    doubts = []
    [(name, count)] = Counter(choice.taken for choice in choices).most_common(1)
    if count / len(choices) >= COLLAPSED:
        doubts.append(f"The search collapsed: {count} of {len(choices)} places took {name}; compare it with {name} alone.")
    middle = median(choice.margin for choice in choices)
    if middle < UNSURE:
        doubts.append(
            f"The alphas did not decide: at half of the places the first two shares lie {middle:.3f} or less apart, and "
            "another seed may choose otherwise. Train all:none and random:0 as well, to see what the search gains."
        )
    return doubts
