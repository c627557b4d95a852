"""Training for other domains: a network trained on one dataset and scored on others as well."""

from collections.abc import Sequence
from pathlib import Path

from msinet.data.records import ReidSplits
from msinet.engine.machine import Machine
from msinet.evaluation.draws import DrawnGalleries
from msinet.evaluation.result import RetrievalResult, save_results
from msinet.jobs.score import Plan, Source, score_models
from msinet.model.msinet.architecture import Architecture
from msinet.training.settings import TrainSettings
from msinet.training.train import Trained, train

TARGETS = "targets.json"


def train_for_targets(
    source: Source, targets: Sequence[Source], architecture: Architecture | str, settings: TrainSettings, out: Path
) -> tuple[Trained, list[RetrievalResult]]:
    """Train on one dataset and score on others, none of which is trained on, and on its own test set if it has one.

    The results are also written to `targets.json` in `out`; without targets there are none.

    Raises:
        What `train` and `evaluate` raise; what cannot be scored is an error before the training.
    """
    scored = [source, *targets] if targets and has_test(source.splits) else list(targets)
    for one in scored:
        Plan().prepare(one.splits, DrawnGalleries())
    machine = Machine(settings.machine)
    trained = train(source.splits, architecture, settings, out, machine)
    if not scored:
        return trained, []
    results = score_models({out: trained.network}, scored, settings=settings)
    if machine.is_first:
        save_results(results, out / TARGETS)
    return trained, results


def has_test(splits: ReidSplits) -> bool:
    """Return whether a dataset has images to score on."""
    return bool(splits.query and splits.gallery)
