"""The whole job in one resumable run: search, train, score."""

from dataclasses import dataclass, replace
from pathlib import Path

from msinet.architecture_search.conclusion import Searched
from msinet.architecture_search.search import search
from msinet.architecture_search.settings import SearchSettings
from msinet.data.identity_splits import hold_out_validation
from msinet.data.records import ReidSplits
from msinet.engine.evaluate import evaluate, prepare_splits
from msinet.engine.feed import Feed
from msinet.engine.machine import Machine
from msinet.engine.run_data import pictures_of
from msinet.engine.settings import settings_dict
from msinet.errors import SettingsError
from msinet.evaluation.record import DataFacts, RunCommand
from msinet.evaluation.result import RetrievalResult
from msinet.files.lock import sole_writer
from msinet.files.paths import user_path
from msinet.training.settings import TrainSettings
from msinet.training.train import Trained, train

MAX_CAMERAS = 24
"""Number of cameras up to which the pairs of cameras are scored as well."""


@dataclass(frozen=True)
class Finished:
    """The results of a run."""

    searched: Searched
    trained: Trained
    result: RetrievalResult

    @property
    def finished_before(self) -> bool:
        """Whether an earlier call with the same settings and data had finished search and training."""
        return self.searched.finished_before and self.trained.finished_before


def run(
    splits: ReidSplits,
    search_settings: SearchSettings,
    train_settings: TrainSettings,
    out: str | Path,
    protocol: str | None = None,
    command: RunCommand | None = None,
) -> Finished:
    """Search an architecture, train it and score it.

    Leaves `architecture.json`, `model.safetensors`, `model.json`, `result.json`, the logs `search.jsonl` and `train.jsonl`
    and both checkpoints in `out`. Called again with the same arguments, it resumes.

    Args:
        splits: the data.
        search_settings: settings of the search; a width that it fits to a budget is that of the training.
        train_settings: settings of training; the identities that it holds out for validation are held out from the search.
        out: folder of the files.
        protocol: by default the one that fits the data.
        command: the command that `rerun` repeats, recorded in the result.

    Raises:
        What `search`, `train` and `evaluate` raise; what can be known beforehand is raised before the search.
    """
    search_settings = _holding_out(search_settings, train_settings.validation_share)
    _require_one_size(search_settings, train_settings)
    Feed(hold_out_validation(splits, train_settings.validation_share).train, train_settings)
    prepared = prepare_splits(splits, None, protocol)

    out, machine = user_path(out), Machine(search_settings.machine)
    with sole_writer(out, machine.is_first):
        found = search(splits, search_settings, out, machine)
        if train_settings.machine != search_settings.machine:
            machine = Machine(train_settings.machine)
        if search_settings.fit_width:
            train_settings = replace(train_settings, width=found.width)
        trained = train(splits, found.architecture, train_settings, out, machine)
        camera_pairs = not prepared.protocol.by_draws and has_few_cameras(splits)
        result = evaluate(trained.network, splits, protocol, machine=machine, camera_pairs=camera_pairs).with_record(
            data=DataFacts.of(splits, pictures_of(splits, machine)),
            command=command,
            search=settings_dict(search_settings),
            training=settings_dict(train_settings),
        )
        if machine.is_first:
            result.save(out / "result.json")
    return Finished(found, trained, result)


def _holding_out(settings: SearchSettings, share: float) -> SearchSettings:
    """Return the settings of a search that leaves out the identities which training holds out for validation."""
    if settings.validation_share not in (0, share):
        raise SettingsError(
            f"validation_share is {settings.validation_share} for the search and {share} for training: "
            "set that of training, and the search leaves out the same identities",
            "validation_share",
        )
    return replace(settings, validation_share=share)


def _require_one_size(search: SearchSettings, training: TrainSettings) -> None:
    """Check that a budget, which counts the network at the size of the search, holds for the trained one."""
    if search.has_budget:
        for name in ("width",) * (not search.fit_width) + ("image_height", "image_width"):
            counted, trained = getattr(search, name), getattr(training, name)
            if counted != trained:
                raise SettingsError(
                    f"{name} is {counted} for the search, where the budget counts, and {trained} for training: give both "
                    f"the same, such as --search.{name.replace('_', '-')} {trained}",
                    name,
                )


def has_few_cameras(splits: ReidSplits) -> bool:
    """Return whether every test image has a camera, and there are several, but not too many for a table of pairs."""
    cameras = {record.camera for record in (*splits.query, *splits.gallery)}
    return None not in cameras and 1 < len(cameras) <= MAX_CAMERAS
