"""Trials whose networks have weights of their own: each is trained by itself, and scored on identities it did not learn.

Networks that share the weights of a supernet learn slowly, most of all from few images. The same minutes train eight of
them alone, and further (docs/experiments.md, "Trials with weights of their own").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from msinet.architecture_search.effects import Trial
from msinet.architecture_search.settings import TRIALS, SearchSettings
from msinet.architecture_search.sides import Sides
from msinet.architecture_search.trials import scores_of, write_trials
from msinet.architecture_search.twins import TwinsSearch, space_of
from msinet.data.records import ImageRecord
from msinet.engine.checkpoint import RunFolder
from msinet.engine.feed import Caches, Feed
from msinet.engine.interrupts import Stop, stop_on_interrupt
from msinet.engine.loop import Loop, Shown
from msinet.engine.machine import Log, Machine
from msinet.engine.run_data import RunData
from msinet.model.batch_statistics import kept_statistics
from msinet.model.msinet.search_space import Cells, SearchSpace

SCORES, UNTRAINED = "trial_scores", "untrained_scores"
"""Names of the scores in a checkpoint."""

UNTRAINED_NETWORKS = 3
"""Networks that are scored before they learn as well."""

SPREAD = 0.5
"""Concentration of the Dirichlet distribution that each network draws its chances from."""


def draw_apart(space: SearchSpace, count: int, seed: int) -> list[Cells]:
    """Draw networks that differ as wholes: each draws its chances of the options first, then the option at each place.

    With equal chances everywhere all networks would be alike on average, and a few of them would tell little of what an
    option does everywhere.
    """
    drawn = []
    for number in range(count):
        random = np.random.default_rng((seed, 3, number))
        values = np.zeros((space.places, len(space.columns)))
        for decision in space.decisions:
            chances = random.dirichlet([SPREAD] * len(decision.options))
            values[range(space.places), decision.columns.start + random.choice(len(chances), space.places, p=chances)] = 1
        drawn.append(space.largest(values.tolist()))
    return drawn


def with_whole_identities(sides: Sides, records: Sequence[ImageRecord]) -> Sides:
    """Return the sides with all images of the weights' identities: no alphas need the half of those that are on both.

    Where the alphas have no identities of their own, those images are scored, and the sides stay.
    """
    learnt = set(sides.weight_identities)
    if learnt.issuperset(sides.alpha_identities):
        return sides
    images = tuple(record for record in records if record.identity in learnt)
    return replace(sides, split=replace(sides.split, weight_images=images))


@dataclass(frozen=True)
class OwnTraining:
    """How networks are trained by themselves: what all trainings have in common."""

    method: type[TwinsSearch]
    settings: SearchSettings
    sides: Sides
    machine: Machine
    caches: Caches
    """Decoded images."""
    data: RunData
    out: Path
    """Folder of the search."""

    def begin(self, says: bool = False) -> TwinsSearch:
        """Return untrained weights, the same in every call."""
        twins = self.method(self.settings, space_of(self.settings), self.sides, self.machine)
        twins.begin_from_model(says)
        return twins

    @property
    def made_from(self) -> dict[str, Any]:
        """Whatever fixes a training besides the network, as plain values."""
        variant = {"variant": self.method.name} if self.method.name else {}
        return self.settings.of_weights | variant | self.data.marks()

    def folder(self, out: Path) -> RunFolder:
        """Return the files of a run."""
        return RunFolder(out, "search", self.made_from, self.data, self.settings.checkpoint_minutes, self.machine.is_first)

    def longer(self, times: int) -> "OwnTraining":
        """Return the same training with some times the epochs."""
        settings = self.settings
        milestones = tuple(times * epoch for epoch in settings.milestones)
        epochs = {"epochs": times * settings.epochs, "small_epochs": times * settings.small_epochs, "milestones": milestones}
        return replace(self, settings=replace(settings, **epochs))


class TrainedTrials:
    """Networks of the space, trained one after the other: a run of as many steps as all of them take together.

    Every network starts from the same weights and sees the same batches, so that scores differ by the networks alone.

    Args:
        training: how each is trained.
        networks: the cells of each.
        folder: of the run.
        what: name of the work, for the progress bar.
        then: what follows it and takes time of its own, in words.
        untrained: how many networks are scored before they learn as well. Where none is, other networks have shown how the
            training begins, and what its start lacks is not told again.
    """

    def __init__(
        self,
        training: OwnTraining,
        networks: Sequence[Cells],
        folder: RunFolder,
        what: str = "search",
        then: str = "",
        untrained: int = UNTRAINED_NETWORKS,
    ) -> None:
        self.training, self.networks, self.untrained_networks = training, networks, untrained
        self.what, self.then = what, then
        self.settings, self.machine, self.caches = training.settings, training.machine, training.caches
        self.feed = Feed(training.sides.split.weight_images, self.settings, training.sides.weight_identities)
        self.loop = Loop(folder, len(networks) * self.steps, len(self.feed), self.machine)
        self.twins = training.begin(says=untrained > 0 and not folder.has_checkpoint)
        self.scores: list[float] = []
        """Those of the networks that are done."""
        self.untrained: list[float] = []
        """Those of the first networks before they learned."""

    @property
    def trials(self) -> list[Trial]:
        """The networks that are done, no more than were asked for."""
        return [Trial(cells, score) for cells, score in zip(self.networks, self.scores, strict=False)]

    def resume(self) -> bool:
        """Go on from the run's checkpoint, if there is one, and return whether all networks are done."""
        if tensors := self.loop.resume():
            self.scores, self.untrained = (tensors.pop(name).tolist() for name in (SCORES, UNTRAINED))
            self.twins.restore(tensors)
        return len(self.trials) == len(self.networks)

    def run(self) -> list[Trial]:
        """Train and score the networks that are left, and return all. Writes `trials.jsonl`, the log and checkpoints."""
        loop, machine = self.loop, self.machine
        loop.begin(self.what, self.work, self.then)
        tracker = machine.tracker(self.settings.tracker, "search", loop.folder.out)
        with tracker as log, stop_on_interrupt(machine.processes) as stop:
            while len(self.scores) < len(self.networks):
                self.train(len(self.scores), log, stop)
        return self.trials

    def train(self, number: int, log: Log, stop: Stop) -> None:
        """Train a network to its end, from where it is, and score it."""
        loop, cells, first = self.loop, self.networks[number], self.loop.step % self.steps
        if not first:
            self.twins = self.training.begin()
            self.twins.fill(self.twins.weight_memory, self.feed.records, self.caches, cells)
            if number < self.untrained_networks:
                with kept_statistics(self.twins.supernet):
                    self.untrained.append(scores_of(self.twins, self.caches).score(cells))
                self.twins.supernet.train()
        twins = self.twins
        twins.only_learning(twins.weights)
        for step, batch in enumerate(self.feed.batches(range(first, self.steps), self.machine, self.caches), first):
            twins.follow_schedules(step, loop.steps_per_epoch)
            loss = twins.learn(batch, cells)
            more: dict[str, float] = {"network": number + 1}
            loop.record({"loss": loss}, {"loss": Shown(batch.positions, self.feed.records)})
            if step + 1 == self.steps:
                self.scores.append(scores_of(twins, self.caches).score(cells))
                more["mAP"] = self.scores[-1]
                if self.machine.is_first:
                    write_trials(loop.folder.out / TRIALS, self.trials)
            if loop.ends_epoch:
                loop.log_epoch(log, **more)
            stops = loop.end_step(stop)
            if stops or loop.save_is_due:
                known = {SCORES: self.scores, UNTRAINED: self.untrained}
                loop.save(twins.tensors() | {name: torch.tensor(own, dtype=torch.float64) for name, own in known.items()})
            if stops:
                raise KeyboardInterrupt

    @property
    def steps(self) -> int:
        """Steps of one network."""
        return self.settings.epochs * len(self.feed)

    def work(self, steps: range) -> float:
        """Return what some steps of the run cost, in steps with images of full size."""
        begins = range(0, self.loop.total, self.steps)
        own = (range(max(steps.start - begin, 0), min(steps.stop - begin, self.steps)) for begin in begins)
        return sum(self.feed.work(of_network) for of_network in own if of_network)
