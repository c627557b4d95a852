"""The whole job in one restartable run: search, train, score."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from msinet.data.identity_splits import hold_out_validation
from msinet.data.records import ReidSplits
from msinet.engine.evaluate import evaluate, require_answers
from msinet.engine.loop import make_sampler
from msinet.engine.runtime import Progress, make_accelerator
from msinet.engine.search import search
from msinet.engine.settings import SearchSettings, TrainSettings, settings_dict
from msinet.engine.train import train
from msinet.errors import SettingsError
from msinet.evaluation.metrics import RetrievalResult

SHOWN_CAMERAS = 24
"""Up to so many cameras each pair is scored as well."""


def run(
    splits: ReidSplits,
    search_settings: SearchSettings,
    train_settings: TrainSettings,
    out: str | Path,
    protocol: str | None = None,
    progress: Progress | None = None,
    command: dict[str, Any] | None = None,
) -> RetrievalResult:
    """Search an architecture, train it and score it.

    Leaves `architecture.json`, `model.safetensors`, `model.json`, `result.json`, the logs `search.jsonl` and `train.jsonl`
    and both checkpoints in `out`. Called again with the same arguments, it goes on where it stopped. The result's `info`
    says what was done with which settings, and by which command, if it is told one.

    Raises:
        What `search`, `train` and `evaluate` raise; what can be known beforehand is raised before the search.
    """
    held_out = train_settings.validation_share  # from the search as well
    if search_settings.validation_share not in (0, held_out):
        raise SettingsError("what is held out from the training is held out from the search: set --train.validation-share")
    search_settings = replace(search_settings, validation_share=held_out)
    make_sampler(hold_out_validation(splits, held_out).train, train_settings)
    scored_by = require_answers(splits, next(iter(splits.scored().values())), protocol)

    architecture = search(splits, search_settings, out, progress)
    model = train(splits, architecture, train_settings, out, progress)
    cameras = {record.camera for record in (*splits.query, *splits.gallery) if record.camera}
    few = (
        not scored_by.by_draws
        and 1 < len(cameras) <= SHOWN_CAMERAS
        and all(record.camera for record in (*splits.query, *splits.gallery))
    )
    result = evaluate(model, splits, protocol, None, train_settings, progress, few)
    if command:
        result.info["command"] = command
    result.info["settings"] = {"search": settings_dict(search_settings), "train": settings_dict(train_settings)}
    if make_accelerator(train_settings).is_main_process:
        result.save(Path(out) / "result.json")
    return result
