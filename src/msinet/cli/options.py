"""Options that several verbs share, and what the command line makes of a setting's name."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from msinet.architecture_search.settings import SearchSettings
from msinet.engine.settings import (
    COMPILE_HELP,
    DETERMINISTIC_HELP,
    DEVICE_HELP,
    IMAGE_CACHE_HELP,
    PRECISION_HELP,
    SEED_HELP,
    SYNC_BATCH_NORM_HELP,
    WORKERS_HELP,
    Precision,
)
from msinet.errors import MSINetError
from msinet.experiments.settings import OtherDomainsSettings, SearchWorthSettings, SyntheticVehiclesSettings
from msinet.panels import DATA, MACHINE, OUTPUT, SCHEDULE
from msinet.recipes import RECIPE_HELP
from msinet.training.settings import TrainSettings

MODEL_HELP = (
    "Folder with model.safetensors and model.json, or a name that msinet models lists; or a file that msinet export or "
    "others wrote: FILE.onnx, FILE.xml, FILE.pt2, or OpenVINO's folder."
)

Data = Annotated[Path, DATA, Parameter(help="Folder or table of labelled images.")]
Model = Annotated[Path, DATA, Parameter(help=MODEL_HELP)]
Recipe = Annotated[str | None, SCHEDULE, Parameter(help=RECIPE_HELP)]
Out = Annotated[Path, OUTPUT]
SEVERAL = Parameter(negative=(), show_default=False)
"""An option that may be given several times."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SharedOptions:
    """Settings of both the search and the training of a run, given once."""

    seed: Annotated[int | None, SCHEDULE, Parameter(help=SEED_HELP)] = None
    device: Annotated[str | None, MACHINE, Parameter(help=DEVICE_HELP)] = None
    precision: Annotated[Precision | None, MACHINE, Parameter(help=PRECISION_HELP)] = None
    workers: Annotated[int | None, MACHINE, Parameter(help=WORKERS_HELP)] = None
    deterministic: Annotated[bool | None, MACHINE, Parameter(help=DETERMINISTIC_HELP)] = None
    image_cache: Annotated[bool | None, MACHINE, Parameter(help=IMAGE_CACHE_HELP)] = None
    compile: Annotated[bool | None, MACHINE, Parameter(help=COMPILE_HELP)] = None
    sync_batch_norm: Annotated[bool | None, MACHINE, Parameter(help=SYNC_BATCH_NORM_HELP)] = None

    @property
    def given(self) -> dict[str, Any]:
        """The settings that were given."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def as_options(error: MSINetError, verb: str, tokens: Sequence[str] = ()) -> str:
    """Return an error's message with its settings written as the options of a verb: learning_rate -> --learning-rate.

    Args:
        error: any error; the first mention of each of its settings, outside of paths, becomes an option.
        verb: the verb that raised it; settings that it has no option for stay as they are.
        tokens: the words of the command line; where `run` has a setting twice, those that were given are named.
    """
    message = str(error)
    for setting in error.settings:
        if setting in _OF_A_VERB.get(verb, {setting}):
            message = re.sub(rf"(?<![\w/.-]){setting}(?![\w/-]|\.\w)", _option(setting, verb, tokens), message, count=1)
    return message


def _option(setting: str, verb: str, tokens: Sequence[str]) -> str:
    dashed = setting.replace("_", "-")
    owners = [owner for owner, names in _OF_A_RUN.items() if verb == "run" and setting in names]
    options = [f"--{owner}.{dashed}" for owner in owners] or [f"--{dashed}"]
    words = {token.partition("=")[0] for token in tokens}
    if f"--{dashed}" in words:
        return f"--{dashed}"
    return " or ".join([option for option in options if option in words] or options)


def _names(settings: type) -> set[str]:
    return {field.name for field in fields(settings)}


_OF_A_RUN = {"search": _names(SearchSettings), "train": _names(TrainSettings)}

_OF_A_VERB = {
    "demo": {"out", "seed"},
    "rerun": {"out", "data"},
    "search-worth": _names(SearchWorthSettings),
    "other-domains": _names(OtherDomainsSettings),
    "synthetic-vehicles": _names(SyntheticVehiclesSettings),
}
"""Verbs that do work of others, whose settings they do not have, and the settings that they have."""
