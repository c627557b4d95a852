"""A front: mAP over the milliseconds that one image takes on this machine, of a network beside others."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import mean

import torch
from markupsafe import Markup

from msinet.errors import ResultError, SettingsError
from msinet.evaluation.result import RetrievalResult
from msinet.files.paths import user_path
from msinet.model.cost import count_multiply_adds, count_parameters
from msinet.model.model_files import load_model
from msinet.model.msinet.latencies import times_in_turns
from msinet.model.network import Network
from msinet.report.charts import scores_by_time

OWN = "this network"

SECONDS = 20.0
"""Time for measuring all networks."""


@dataclass
class Point:
    """Trainings of one network."""

    group: str
    network: Network
    scores: list[float] = field(default_factory=list)
    """mAP of each, from 0 to 1."""

    @property
    def mAP(self) -> float:
        """Mean mAP of the trainings."""
        return mean(self.scores)


@dataclass(frozen=True)
class Row:
    """A network of the front, in numbers."""

    group: str
    network: str
    parameters: int
    multiply_adds: int
    """Of one image."""
    milliseconds: float
    """Of one image, by PyTorch on this machine."""
    mAP: float
    trainings: int


@dataclass(frozen=True)
class FrontPart:
    """A network beside others."""

    chart: Markup
    rows: list[Row]
    """By their milliseconds."""


def front_part(folder: Path, result: RetrievalResult, groups: Sequence[str]) -> FrontPart:
    """Return a network beside others, measured in turns on this machine.

    Args:
        folder: of the network.
        result: its scores.
        groups: as for `points_of`.

    Raises:
        SettingsError: a group is not NAME=FOLDER.
        ResultError: a group is empty, or was scored on other data or by another protocol.
        ModelError: a network cannot be read.
    """
    points = [Point(OWN, load_model(folder), [result.mAP]), *points_of(groups, result)]
    rows = [
        Row(
            point.group,
            in_words(point.network),
            count_parameters(point.network),
            count_multiply_adds(point.network),
            spent,
            point.mAP,
            len(point.scores),
        )
        for point, spent in zip(points, milliseconds_of(points), strict=True)
    ]
    by_group = {
        group: sorted((row.milliseconds, row.mAP) for row in rows if row.group == group)
        for group in dict.fromkeys(row.group for row in rows)
    }
    return FrontPart(Markup(scores_by_time(by_group)), sorted(rows, key=lambda row: row.milliseconds))


def points_of(groups: Sequence[str], beside: RetrievalResult | None = None) -> list[Point]:
    """Return the networks of groups; trainings of one network that differ by their seed alone are one point.

    Args:
        groups: NAME=FOLDER each; FOLDER holds a model and its result.json, and may have * in it.
        beside: a result that those of the groups are compared with.

    Raises:
        SettingsError: a group is not NAME=FOLDER.
        ResultError: a group is empty, or was scored on other data or by another protocol.
        ModelError: a network cannot be read.
    """
    points: dict[tuple[str, str], Point] = {}
    for group in groups:
        name, sign, pattern = group.partition("=")
        if not (name and sign and pattern):
            raise SettingsError(f"beside is {group!r}: write NAME=FOLDER, such as random=runs/trainings/scales-*", "beside")
        files = [folder / "result.json" for folder in _folders(pattern) if (folder / "model.json").is_file()]
        files = [file for file in files if file.is_file()]
        if not files:
            raise ResultError(f"no folder {pattern} holds a model and its result.json: write one by msinet evaluate --json")
        for file in files:
            result = RetrievalResult.load(file)
            if beside:
                _require_alike(file, result, beside)
            network = load_model(file.parent)
            arguments = {key: value for key, value in network.arguments().items() if key != "identities"}
            key = name, json.dumps(arguments, sort_keys=True)
            points.setdefault(key, Point(name, network)).scores.append(result.mAP)
    return list(points.values())


def milliseconds_of(points: Sequence[Point]) -> list[float]:
    """Return the milliseconds that one image takes each network, all in turns."""
    with torch.inference_mode():
        return times_in_turns([_once(point.network) for point in points], SECONDS).tolist()


def in_words(network: Network) -> str:
    """Return the kind of a network and, where it has them, its channels."""
    channels = network.arguments().get("channels")
    return " ".join([network.kind, *(["-".join(map(str, channels))] if channels else [])])


def _folders(pattern: str) -> list[Path]:
    """Return the folders of a pattern, in order; a name with brackets that is there is no pattern."""
    path = user_path(pattern).absolute()
    if path.is_dir():
        return [path]
    try:
        return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    except ValueError:  # ** within a name.
        return []


def _once(network: Network) -> Callable[[], object]:
    """Return what embeds one image."""
    return partial(network.eval(), torch.rand(1, 3, *network.image_size))


def _require_alike(file: Path, result: RetrievalResult, beside: RetrievalResult) -> None:
    """Raise ResultError unless two results are of the same data, by the same protocol."""
    data, other = result.record.data, beside.record.data
    same = data and other and data.fingerprint == other.fingerprint
    if not same or (result.protocol, result.queries) != (beside.protocol, beside.queries):
        raise ResultError(f"{file} was scored on other data or by another protocol: score both by the same msinet evaluate")
