"""Decision of a search by the effects of its options: the best network, or the cheapest that cannot be told from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from msinet.architecture_search.effects import Effects
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.costs import CostTable
from msinet.model.msinet.search_space import Cells, Decision, Place, SearchSpace

HALVINGS = 60
"""Steps of the bisection for the price that meets a budget."""


class Network(NamedTuple):
    """A network of the space, with what would stand in the cells that it leaves out."""

    places: tuple[Place, ...]
    """All L places."""
    kept: tuple[int, ...]
    """Number of cells of each stage."""

    def having(self, decision: Decision, row: int, option: Any) -> "Network":
        """Return the network with another option in a row: of the places, or of the stages."""
        if decision.is_of_stage:
            return self._replace(kept=(*self.kept[:row], option, *self.kept[row + 1 :]))
        place = self.places[row]._replace(**{decision.name: option})
        return self._replace(places=(*self.places[:row], place, *self.places[row + 1 :]))

    def option(self, decision: Decision, row: int) -> str | int:
        """Return the option that the network has in a row."""
        return self.kept[row] if decision.is_of_stage else getattr(self.places[row], decision.name)

    def rows(self, decision: Decision, space: SearchSpace) -> Iterator[int]:
        """Return the rows that a decision is taken for: all stages, or the places of the cells that are kept."""
        for stage, count in enumerate(self.kept):
            if decision.is_of_stage:
                yield stage
            else:
                first = stage * space.places_per_stage
                yield from range(first, first + count * space.interactions_per_cell)


@dataclass(frozen=True)
class Comparison:
    """An option that was taken, and the one that came closest to being taken in its stead."""

    decision: str
    """`interaction`, `depth_a`, `depth_b` or `cells`."""
    row: int
    """Number of the place, or of the stage for `cells`, from 0."""
    taken: str | int
    rival: str | int
    gain: float
    """Expected mAP (0 to 1) of the network less that with the rival; below 0 where cost or finals decided."""
    error: float
    """Standard error of the gain."""


@dataclass(frozen=True)
class Decisions:
    """Takes networks of a space by the effects of its options and by their costs."""

    effects: Effects
    costs: CostTable

    def take(self, budget: float | None = None) -> Network:
        """Return the network with the highest expected score, made cheaper where the effects cannot tell.

        Cheaper options replace better ones as long as the network as a whole loses no more than one standard error of the
        difference (the one-standard-error rule of Breiman et al., Classification and Regression Trees, 1984). Of options
        that cost the same, the first counts as cheaper: no interaction before an exchange. A budget, in the unit of the
        costs, is met at a small loss of score: all decisions pay the same price for cost, the lowest that meets it. Where
        no network meets the budget, the cheapest is returned.
        """
        found = self.simplified(self.best(price=0))
        if budget is None or self.cost(found) <= budget:
            return found
        low, high = 0.0, self.price_of_the_cheapest()
        for _ in range(HALVINGS):
            price = (low + high) / 2
            low, high = (low, price) if self.cost(self.best(price)) <= budget else (price, high)
        return self.simplified(self.best(high))

    def best(self, price: float) -> Network:
        """Return the network with the highest score less what its cost is worth at a price in mAP per unit."""
        space = self.effects.space
        worth = self.effects.values - price * np.array(self.costs.options)
        of_places = [decision for decision in space.decisions if not decision.is_of_stage]
        of_stages = [decision for decision in space.decisions if decision.is_of_stage]
        largest = np.array([sum(row[decision.columns].max() for decision in of_places) for row in worth])
        by_cell = largest.reshape(space.stages, space.cells_per_stage, -1).sum(2) - price * np.array(self.costs.cells)
        kept = [space.cells_per_stage] * space.stages
        for decision in of_stages:
            first_rows = worth[:: space.places_per_stage, decision.columns]
            totals = first_rows + np.cumsum(by_cell, 1)[:, [int(count) - 1 for count in decision.options]]
            kept = [int(decision.options[column]) for column in totals.argmax(1)]
        return Network(tuple(space.largest_places(worth.tolist())), tuple(kept))

    def simplified(self, network: Network) -> Network:
        """Return the network with ever cheaper options, as long as they lose together no more than one standard error."""
        best = network
        for decision in self.effects.space.decisions:
            for row in network.rows(decision, self.effects.space):
                others = [network.having(decision, row, option) for option in decision.options]
                within = [other for other in others if self.is_as_good(other, best)]
                network = min(within, key=self.cost)
        return network

    def is_as_good(self, other: Network, network: Network) -> bool:
        """Return whether a network loses no more than one standard error against another."""
        loss, error = self.difference(network, other)
        return loss <= error

    def comparisons(self, network: Network) -> list[Comparison]:
        """Return each decision of a network with the rival that has the highest score."""
        found = []
        for decision in self.effects.space.decisions:
            for row in network.rows(decision, self.effects.space):
                taken = network.option(decision, row)
                rivals = [option for option in decision.options if option != taken]
                gains = {rival: self.difference(network, network.having(decision, row, rival)) for rival in rivals}
                if gains:
                    rival = min(rivals, key=lambda option: gains[option][0])
                    found.append(Comparison(decision.name, row, taken, rival, *gains[rival]))
        return found

    def difference(self, one: Network, other: Network) -> tuple[float, float]:
        """Return the expected mAP of one network less that of another, and its standard error."""
        return self.effects.difference(self.cells(one), self.cells(other))

    def cost(self, network: Network) -> float:
        """Return the cost of a network."""
        return self.costs.of(Architecture.from_cells(self.cells(network)))

    def cells(self, network: Network) -> Cells:
        """Return the cells of a network."""
        return self.effects.space.cut(network.places, network.kept)

    def price_of_the_cheapest(self) -> float:
        """Return a price at which cost alone decides."""
        options, space = np.array(self.costs.options), self.effects.space
        steps = [np.diff(np.sort(options[:, decision.columns])).ravel() for decision in space.decisions]
        steps = np.concatenate([*steps, options.ravel(), np.ravel(self.costs.cells)])
        return 4 * float(np.abs(self.effects.values).sum() + 1e-9) / min(steps[steps > 0], default=1.0)
