"""The start of a training: a model that ships or noise, whichever does better on identities that are held out.

Both are trained for a quarter of their epochs. A model that has learned the images cannot be judged by them, and takes no
part.
"""

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from msinet.data.identity_splits import hold_out_validation
from msinet.data.image_hashes import image_hashes
from msinet.data.records import ImageRecord, ReidSplits
from msinet.engine.evaluate import evaluate_among
from msinet.engine.machine import Machine
from msinet.engine.settings import MachineSettings, settings_dict
from msinet.errors import DatasetError, ModelError, SettingsError, TrainingError
from msinet.evaluation.result import RetrievalResult
from msinet.files.atomic import write_atomically
from msinet.model import zoo
from msinet.model.initial_weights import architecture_of, learned_images, size_of
from msinet.model.model_files import load_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.network import Network
from msinet.recipes import fine_tuning, load_recipe
from msinet.training.adaptation import adapt
from msinet.training.settings import TrainSettings
from msinet.training.train import train

logger = logging.getLogger(__name__)

HELD_OUT = 0.25
"""Share of the training identities that judge, where the data has no validation split of its own."""

LENGTH = 0.25
"""Part of the epochs that both are trained for."""

PLAIN = "all:none:1,1x1"
"""What begins from noise: the architecture that a search of a few hundred identities comes close to."""

FILE = "start.json"


@dataclass(frozen=True)
class Start:
    """What a training starts from, and why."""

    init: str | None
    """The name of a model that ships; None for noise."""
    model: str | None
    """The model that was compared with noise; None where none could be."""
    mAP: float
    """mAP of the model after its trial, on the identities that judge, 0 to 1."""
    mAP_from_noise: float
    """The same from noise."""
    error: float
    """Standard error of their difference over identities."""
    identities: int
    """Number of identities that judge."""
    unjudged: tuple[str, ...]
    """Models that have learned these images."""
    why_not: str = ""
    """Why nothing could be compared."""

    def in_words(self) -> str:
        """Return what was chosen and why, in one or two sentences."""
        if self.model is None:
            words = f"from noise: no model that ships could be compared with it ({self.why_not})"
        else:
            way = f"from {self.init}" if self.init else f"from noise, not from {self.model}"
            words = (
                f"{way}: after a quarter of the epochs and an adaptation, mAP on {self.identities} held-out identities is "
                f"{self.mAP:.1%} from {self.model} and {self.mAP_from_noise:.1%} from noise (standard error of their "
                f"difference: {self.error:.1%})"
            )
        if self.unjudged:
            words += f". Not compared, as they have learned these images: {', '.join(self.unjudged)}; --init takes one"
        return words


def choose_start(splits: ReidSplits, settings: TrainSettings, out: Path, machine: Machine) -> Start:
    """Return whether training on a dataset had better start from a model that ships.

    Of the models, the one that does best after an adaptation is compared with noise. Leaves `start.json` in `out`, which
    the next call with the same data and settings reads; stopped before, it resumes.

    Args:
        splits: the data; query and gallery are not looked at.
        settings: settings of a training from noise.
        out: folder of the run.
        machine: what computes.

    Raises:
        What `train` raises.
    """
    made_from = {"data": splits.fingerprint(), "settings": settings_dict(settings), "models": zoo.names()}
    file, trials = out / FILE, out / "start"
    if (before := _read(file, made_from)) is not None:
        return before
    start = _compare(splits, settings, trials, machine)
    if machine.is_first:
        text = json.dumps({"made_from": made_from, "start": asdict(start)}, indent=2)
        write_atomically(file, lambda opened: opened.write(text.encode()))
        shutil.rmtree(trials, ignore_errors=True)
    machine.wait()
    return start


def _read(file: Path, made_from: dict[str, object]) -> Start | None:
    """Return what an earlier call chose from the same; None where there is nothing of the kind."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["made_from"] != json.loads(json.dumps(made_from)):
            return None
        return Start(**{**kept["start"], "unjudged": tuple(kept["start"]["unjudged"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _compare(splits: ReidSplits, settings: TrainSettings, trials: Path, machine: Machine) -> Start:
    hashes = list(image_hashes(record.path for record in splits.train))
    cards = zoo.cards()
    overlaps = {name: card.learned.overlap(hashes) if card.learned else None for name, card in cards.items()}
    unjudged = tuple(name for name, overlap in overlaps.items() if overlap and overlap.is_large)
    judged = [name for name in cards if name not in unjudged]
    try:
        if not judged:
            raise DatasetError("all have learned these images")
        held = splits if splits.validation else hold_out_validation(splits, HELD_OUT)
        judges, learning = held.validation, replace(held, validation=())
        adapted = {name: _score(load_model(name), learning.train, judges, machine) for name in judged}
        best = max(judged, key=lambda name: adapted[name].mAP)
        ways = {
            best: (architecture_of(best), replace(_fine_tuning(best, settings), init=best)),
            "noise": (Architecture.find(PLAIN), replace(settings, validation_share=0.0)),
        }
        scores = []
        for name, (architecture, each) in ways.items():
            trained = train(learning, architecture, _shortened(each), trials / name, machine).network
            scores.append(_score(trained, learning.train, judges, machine))
    except (DatasetError, SettingsError, ModelError, TrainingError) as error:
        return Start(None, None, 0.0, 0.0, 0.0, 0, unjudged, str(error))
    means = [_by_identity(score) for score in scores]
    differences = means[0] - means[1]
    error = float(differences.std(ddof=1) / np.sqrt(len(differences))) if len(differences) > 1 else 0.0
    mAP, noise = (score.mAP for score in scores)
    return Start(best if mAP > noise else None, best, mAP, noise, error, len(differences), unjudged)


def _fine_tuning(name: str, settings: TrainSettings) -> TrainSettings:
    """Return how a model is trained on, with the seed, the batches and the machine of other settings, and no longer."""
    own = load_recipe(fine_tuning(learned_images(name)).name)["train"]
    names = (*(field.name for field in fields(MachineSettings)), "seed", "identities_per_batch", "images_per_identity")
    kept = {each: getattr(settings, each) for each in names}
    return TrainSettings(**{**own, **size_of(name), **kept, "epochs": min(own["epochs"], settings.epochs)})


def _shortened(settings: TrainSettings) -> TrainSettings:
    """Return the settings of a trial: a part of all epochs, and none with smaller images."""
    epochs = max(1, round(settings.epochs * LENGTH))
    warmup = settings.warmup_epochs * LENGTH
    milestones = tuple(round(each * LENGTH) for each in settings.milestones)
    return replace(settings, epochs=epochs, small_epochs=0, warmup_epochs=warmup, milestones=milestones)


def _score(
    network: Network, labelled: Sequence[ImageRecord], judges: Sequence[ImageRecord], machine: Machine
) -> RetrievalResult:
    """Return the scores on identities that judge, after an adaptation to others where that helps."""
    try:
        network = adapt(network, labelled, machine).network
    except (DatasetError, TrainingError) as error:
        logger.info("as it is: %s", error)
    return evaluate_among(network, judges, machine)


def _by_identity(result: RetrievalResult) -> np.ndarray:
    """Return the mean average precision of each identity, by the order of their names."""
    _, groups, counts = np.unique(result.per_query.identity, return_inverse=True, return_counts=True)
    return np.bincount(groups, result.per_query.average_precision) / counts
