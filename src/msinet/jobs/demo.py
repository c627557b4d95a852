"""The whole job on synthetic vehicles, with the scores of colour histograms and of the untrained network beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from msinet.architecture_search.settings import SearchSettings
from msinet.data.records import ReidSplits
from msinet.data.settings import DataSettings
from msinet.engine.evaluate import evaluate
from msinet.engine.machine import Machine
from msinet.evaluation.evidence import Baseline
from msinet.evaluation.record import RunCommand
from msinet.evaluation.result import RetrievalResult
from msinet.experiments.synthetic_vehicles import best_histogram
from msinet.files.lock import sole_writer
from msinet.jobs.run import run
from msinet.jobs.score import Source
from msinet.model.network import Network
from msinet.model.networks import NETWORKS
from msinet.progress import silence
from msinet.recipes import Recipe, load_recipe
from msinet.report.page import write_report
from msinet.training.settings import TrainSettings
from msinet.world.dataset import make_world
from msinet.world.settings import WorldSettings


@dataclass(frozen=True)
class DemoPlan:
    """What the demo is made of."""

    world: WorldSettings = field(
        default_factory=lambda: WorldSettings(identities=240, cameras=8, size=96, city="day", difficulty=0.3)
    )
    recipe: Recipe = field(default_factory=lambda: load_recipe("demo"))


def demo(out: Path, seed: int = 0, plan: DemoPlan | None = None) -> RetrievalResult:
    """Make vehicles, search, train, score and report; stopped and called again, it resumes.

    The network computes on one thread, so that the demo is hardly slower on a busy machine. The baselines in the result's
    evidence are the best colour histogram and the untrained network, scored on the same images under the same protocol.
    """
    plan, vehicles = plan or DemoPlan(), out / "vehicles"
    search, training = SearchSettings(**plan.recipe["search"], seed=seed), TrainSettings(**plan.recipe["train"], seed=seed)
    machine = Machine(training.machine)
    with sole_writer(out, machine.is_first), one_thread():
        if machine.is_first:
            make_world(vehicles, replace(plan.world, seed=seed))
        machine.wait()
        source = Source.read(vehicles, DataSettings(verify=False))
        command = RunCommand(vehicles.resolve(), source.reading)
        finished = run(source.splits, search, training, out, None, command)
        compared = baselines(source.splits, finished.trained.network, training)
        result = finished.result.with_evidence(baselines=compared)
        if machine.is_first:
            result.save(out / "result.json")
            write_report(out, source.splits.gallery)
    return result


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: the demo's small network gains little from more, and threads that share cores with other
    processes wait for each other in every operation.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def baselines(splits: ReidSplits, trained: Network, settings: TrainSettings) -> tuple[Baseline, ...]:
    """Return the scores of what needs no training: the best colour histogram, and a network's initial weights."""
    torch.manual_seed(settings.seed)
    untrained = NETWORKS[trained.kind].from_arguments({**trained.arguments(), "identities": 2}).eval()
    with silence():
        scored = {
            "best colour histogram (HSV, three strips)": best_histogram(splits)[1],
            "the network, untrained": evaluate(untrained, splits, machine=Machine(settings.machine)),
        }
    return tuple(Baseline(name, result.rank(1), result.mAP) for name, result in scored.items())
