"""Scores of architectures by the supernet of a finished search, without training them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from msinet.architecture_search.conclusion import ARCHITECTURE
from msinet.architecture_search.one_shot import OneShotScores
from msinet.architecture_search.settings import SearchSettings
from msinet.architecture_search.twins import space_of
from msinet.batches.loading import RecordImages, embedding_batches
from msinet.data.identity_splits import hold_out_validation
from msinet.data.records import ReidSplits
from msinet.engine.checkpoint import load_checkpoint, restore_module
from msinet.engine.feed import open_caches
from msinet.engine.machine import Machine
from msinet.engine.run_data import MARKS
from msinet.errors import CheckpointError, DatasetError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.supernet import Supernet
from msinet.model.msinet.widths import channels_at
from msinet.progress import track

STATISTICS_IMAGES = 512
"""Training images that the batch norms take each architecture's statistics from."""


def supernet_scores(
    folder: str | Path, splits: ReidSplits, architectures: Sequence[Architecture], machine: Machine | None = None
) -> list[float]:
    """Return the mAP (0 to 1) of architectures on the validation identities, by the weights of a finished search.

    Their batch norms take new statistics from training images without augmentation: see `OneShotScores`.

    Args:
        folder: folder that `search` wrote to.
        splits: the data of the search; what it held out for validation is scored.
        architectures: with the supernet's places.
        machine: by default the one that the search's settings ask for.

    Raises:
        CheckpointError: there is no finished search, it is of other data, or damaged.
        DatasetError: the search held no identities out.
        SettingsError: an architecture has other places.
    """
    supernet, settings = load_supernet(Path(folder), splits)
    splits = hold_out_validation(splits, settings.validation_share)
    if not splits.validation:
        raise DatasetError(
            "the search held no identities out to score on: search with a validation_share", "validation_share"
        )
    for architecture in architectures:
        supernet.space.require(architecture.cells)
    machine = machine or Machine(settings.machine)
    machine.place(supernet)
    caches = open_caches([*splits.train, *splits.validation], settings, machine)
    size, own = settings.batch_size, machine.share(len(splits.validation))
    drawn = np.random.default_rng(settings.seed).permutation(len(splits.train))[:STATISTICS_IMAGES].tolist()
    whole, asked = drawn[: max(1, len(drawn) // size) * size], range(own.start, own.stop)
    training, validation = (
        RecordImages(part, settings.image_size, caches=caches) for part in (splits.train, splits.validation)
    )
    for_statistics = embedding_batches(training, size, machine.device, machine.workers, whole)
    scored = embedding_batches(validation, size, machine.device, machine.workers, asked)

    scores = OneShotScores(supernet, for_statistics, scored, splits.validation, machine)
    return [scores.score(architecture.cells) for architecture in track(architectures, "score architectures")]


def load_supernet(folder: Path, splits: ReidSplits) -> tuple[Supernet, SearchSettings]:
    """Return the supernet of a finished search, and the search's settings.

    Raises:
        CheckpointError: there is no finished search, it is of other data, or damaged.
    """
    path = folder / "search.checkpoint.safetensors"
    if not (folder / ARCHITECTURE).is_file():
        raise CheckpointError(f"there is no finished search in {folder}: pass the folder that msinet search wrote")
    checkpoint = load_checkpoint(path)
    made_from = {name: value for name, value in checkpoint.values["made_from"].items() if name not in (*MARKS, "variant")}
    if (data := checkpoint.values["made_from"]["data"]) != splits.fingerprint():
        raise CheckpointError(f"{path} is a search on other data ({data}, not {splits.fingerprint()}): pass the same data")
    try:
        settings = SearchSettings(**made_from)
    except TypeError as error:
        raise CheckpointError(f"{path} was made with settings of another version, search anew: {error}") from error
    supernet = Supernet(channels_at(settings.width), space_of(settings))
    restore_module(supernet, checkpoint.tensors, "supernet")
    return supernet, settings
