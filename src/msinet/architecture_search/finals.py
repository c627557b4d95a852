"""The finals of a search: the network that its trials decide on is trained longer, beside a deeper one that may win.

Short trainings prefer what learns fast, and the trials are short. So the question that they answer worst is asked again:
does a step deeper gain, given more time? While it does, the next one is tried (docs/experiments.md, "Where depth pays").
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from msinet.architecture_search.decision import Decisions, Network
from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.trained_trials import OwnTraining, TrainedTrials
from msinet.architecture_search.trials import scores_of
from msinet.evaluation.result import RetrievalResult
from msinet.files.lock import sole_writer
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.search_space import Decision, Place, SearchSpace

LONGER = 5
"""How many times the epochs of a trial a finalist is trained."""

FINALS = "finals"
"""Name of the folder of finals in a search's folder."""

SURE = 2.0
"""How many standard errors a deeper network has to gain: they are over identities; trainings have chance of their own."""


@dataclass(frozen=True)
class Finalist:
    """A network of the finals, and its scores on identities that it did not learn."""

    network: Network
    convolutions: int
    """Light 3x3 convolutions in its branches."""
    result: RetrievalResult

    def gain_over(self, other: "Finalist") -> tuple[float, float]:
        """Return the mAP (0 to 1) less that of another finalist, and the standard error over identities.

        Both answer the same queries, and the differences of an identity's queries rise and fall together (cluster-robust:
        Liang and Zeger, Biometrika 1986).
        """
        own, others = self.result.per_query, other.result.per_query
        gains = own.average_precision - others.average_precision
        _, owner = np.unique(own.identity, return_inverse=True)
        apart, count = np.bincount(owner, gains - gains.mean()), owner.max() + 1
        error = np.sqrt((apart**2).sum() * count / (count - 1)) / len(gains) if count > 1 else np.inf
        return float(gains.mean()), float(error)


@dataclass(frozen=True)
class Final:
    """The finalists of one decision."""

    finalists: tuple[Finalist, ...]
    """From the network that the trials decide on to the deepest that was tried."""
    winner: Finalist
    epochs: int
    """That each was trained for."""

    def in_words(self) -> str:
        """Return the scores in a sentence."""
        scores = [f"{one.result.mAP:.1%} with {one.convolutions}" for one in self.finalists]
        gain, error = (100 * value for value in self.finalists[-1].gain_over(self.finalists[-2]))
        taken = "as the trials say" if self.has_confirmed else "more than the trials say"
        return (
            f"Finals: after {self.epochs} epochs, the mAP is {', '.join(scores)} light 3x3 convolutions. The last step "
            f"{'loses' if gain < 0 else 'gains'} {abs(gain):.1f} points (standard error {error:.1f}): "
            f"{self.winner.convolutions} are taken, {taken}."
        )

    @property
    def has_confirmed(self) -> bool:
        """Whether the network that the trials decide on has won."""
        return self.winner is self.finalists[0]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"epochs": self.epochs, "scores": [[one.convolutions, one.result.mAP] for one in self.finalists]}


def in_prospect(settings: SearchSettings) -> str:
    """Return in words what finals will train, nothing where there are none."""
    if not settings.finals:
        return ""
    count = "2" if settings.finals == 2 else f"2 to {settings.finals}"
    return f"{count} finalists of {LONGER * settings.epochs} epochs each"


class Finals:
    """Trains finalists, each in a folder of its own, so that what is trained serves another decision as well.

    Args:
        training: how the networks of the trials are trained.
        most: finalists of one decision.
    """

    def __init__(self, training: OwnTraining, most: int) -> None:
        self.training, self.most, self.machine = training.longer(LONGER), most, training.machine
        self.has_trained = False

    def play(self, decisions: Decisions, network: Network, budget: float | None = None) -> Final | None:
        """Train a network and a deeper one and, as long as the deeper one surely gains, one deeper yet.

        Args:
            decisions: say which step promises most, and what a network costs.
            network: that the trials decide on.
            budget: in the unit of the costs; no deeper network exceeds it.

        Returns:
            The finalists; None where there is no deeper network to try.
        """
        network, step = self.machine.gather_objects([(network, deeper(decisions, network, budget))])[0]
        if step is None:
            return None
        finalists = [self.finalist(decisions, network)]
        winner = finalists[0]
        while step and len(finalists) < self.most:
            finalists.append(self.finalist(decisions, step))
            gain, error = finalists[-1].gain_over(winner)
            [has_won, *_] = self.machine.gather_objects([gain > SURE * error])
            if not has_won:
                break
            winner = finalists[-1]
            step = self.machine.gather_objects([deeper(decisions, step, budget)])[0]
        return Final(tuple(finalists), winner, self.training.settings.epochs)

    def finalist(self, decisions: Decisions, network: Network) -> Finalist:
        """Train a network, as far as it was not trained before, and score it."""
        training, cells = self.training, decisions.cells(network)
        convolutions = sum(sum(place.depths) for place in Architecture.from_cells(cells).places)
        made_from = json.dumps([cells, training.made_from], sort_keys=True)
        out = training.out / FINALS / hashlib.sha256(made_from.encode()).hexdigest()[:12]
        with sole_writer(out, self.machine.is_first):
            run = TrainedTrials(training, [cells], training.folder(out), "finalist", untrained=0)
            if not run.resume():
                self.has_trained = True
                run.run()
            return Finalist(network, convolutions, scores_of(run.twins, training.caches).measure(cells))


def deeper(decisions: Decisions, network: Network, budget: float | None = None) -> Network | None:
    """Return the network one step deeper that promises most, of those within a budget; None where there is none.

    A step takes everywhere the next depth of one branch, or one cell more in each stage, like the cell before.
    """
    space = decisions.effects.space
    steps = [raised(network, decision, space) for decision in space.decisions if decision.name != Place._fields[0]]
    steps = [step for step in steps if decisions.cells(step) != decisions.cells(network)]
    affordable = [step for step in steps if budget is None or decisions.cost(step) <= budget]
    return max(affordable, key=lambda step: decisions.effects.expected(decisions.cells(step)), default=None)


def raised(network: Network, decision: Decision, space: SearchSpace) -> Network:
    """Return a network that has the next option of a decision wherever there is one."""
    for row in [*network.rows(decision, space)]:
        following = decision.options[[*decision.options].index(network.option(decision, row)) + 1 :]
        if not following:
            continue
        if decision.is_of_stage:
            places, of_cell = [*network.places], space.interactions_per_cell
            end = row * space.places_per_stage + network.kept[row] * of_cell
            places[end : end + of_cell] = places[end - of_cell : end]
            network = network._replace(places=tuple(places))
        network = network.having(decision, row, following[0])
    return network
