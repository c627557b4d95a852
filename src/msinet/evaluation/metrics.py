"""Metrics: mAP, rank-k and mINP of a ranking, as one result that can be printed, saved and compared."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.confidence import intervals
from msinet.evaluation.protocols import PROTOCOLS, Protocol
from msinet.evaluation.ranking import Ranking
from msinet.whole_files import write_whole

MAX_RANK = 50
RANKS = (1, 5, 10, 20)
"""Those that people compare."""


@dataclass(frozen=True, eq=False)
class PerQuery:
    """How each scored query fared, in the order of the queries."""

    path: tuple[str, ...]
    identity: tuple[str, ...]
    average_precision: np.ndarray
    """(queries,) mean precision at the hits."""
    inverse_penalty: np.ndarray
    """(queries,) right answers over the position of the last one."""
    first_right: np.ndarray
    """(queries,) position of the first right answer, from 1; of several draws, the mean."""

    def __len__(self) -> int:
        return len(self.path)

    def to_dict(self) -> dict[str, list]:
        """Return the columns as JSON values."""
        arrays = {name: getattr(self, name).tolist() for name in ("average_precision", "inverse_penalty", "first_right")}
        return {"path": list(self.path), "identity": list(self.identity), **arrays}

    @classmethod
    def from_dict(cls, columns: dict[str, list]) -> "PerQuery":
        """Read what `to_dict` returned."""
        labels = [tuple(columns[name]) for name in ("path", "identity")]
        arrays = [np.array(columns[name], np.float64) for name in ("average_precision", "inverse_penalty", "first_right")]
        return cls(labels[0], labels[1], *arrays)


@dataclass(frozen=True, eq=False)
class RetrievalResult:
    """How well queries find the images of their identity in a gallery. All scores lie in 0 to 1.

    Queries without a right answer in the gallery are named and not scored.
    """

    protocol: str
    """Name of the rule that says which gallery images are junk."""
    mAP: float
    """Mean over queries of the average precision: the mean precision at the hits, not the area under the curve."""
    mAP_trapezoid: float
    """The same by the trapezoidal rule, as the MATLAB scripts of VeRi-776 and Market-1501 reckon it."""
    cmc: np.ndarray
    """(K,) cmc[k - 1] is rank-k, K = 50 or the gallery's size where smaller."""
    mINP: float
    """Mean inverse negative penalty: right answers over the position of the last one (Ye et al., AGW, 2021)."""
    queries: int
    """Queries scored."""
    gallery: int
    """Images, or tracks, in the gallery."""
    per_query: PerQuery
    task: str = ""
    """Which of the dataset's test sizes, where it has several."""
    without_right_answer: tuple[str, ...] = ()
    """Paths of the queries that could not be scored."""
    deviations: dict[str, float] = field(default_factory=dict)
    """Where scores are the mean over draws of the gallery, their standard deviations."""
    info: dict[str, Any] = field(default_factory=dict)
    """What else belongs to the numbers, as JSON values: model, settings, fingerprint of the data, versions."""

    @property
    def average_precision(self) -> np.ndarray:
        """(queries,) of each scored query, in the order of the queries."""
        return self.per_query.average_precision

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % intervals of the scores by bootstrap over identities; none where scores are means over draws."""
        if self.deviations:
            return {}
        columns = {"mAP": self.per_query.average_precision, "mINP": self.per_query.inverse_penalty}
        columns |= {f"rank-{k}": self.per_query.first_right <= k for k in RANKS}
        return intervals(self.per_query.identity, columns)

    def rank(self, k: int) -> float:
        """Return rank-k: the share of queries with a right answer among the first k images.

        Beyond the gallery's size it stays what it is at the end. Raises SettingsError where rank-k was not computed.
        """
        if k < 1 or len(self.cmc) < min(k, self.gallery):
            raise SettingsError(f"rank-{k} was not computed: choose k from 1 to {len(self.cmc)}")
        return float(self.cmc[min(k, len(self.cmc)) - 1])

    def scores(self) -> dict[str, float]:
        """Return what people compare, by name."""
        return {"mAP": self.mAP, "mINP": self.mINP, **{f"rank-{k}": self.rank(k) for k in RANKS}}

    def table(self) -> list[tuple[str, float]]:
        """Return the rows people compare: (name, value in %)."""
        scores = self.scores()
        return [(name, 100 * scores[name]) for name in (*(f"rank-{k}" for k in RANKS), "mAP", "mINP")]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values, with the protocol's rule in words."""
        return {
            "protocol": self.protocol,
            "task": self.task,
            "mAP": self.mAP,
            "mAP_trapezoid": self.mAP_trapezoid,
            "mINP": self.mINP,
            "intervals_95": {name: list(bounds) for name, bounds in self.intervals.items()},
            "deviations": self.deviations,
            "queries": self.queries,
            "gallery": self.gallery,
            "rules": {
                "mAP": "mean precision at the hits",
                "mAP_trapezoid": "area under precision over recall by the trapezoidal rule",
                "junk": PROTOCOLS[self.protocol].description,
                "ties": "a wrong image as similar as a right one stands before it",
                "intervals": "bootstrap over identities",
            },
            "info": self.info,
            "cmc": self.cmc.tolist(),
            "without_right_answer": list(self.without_right_answer),
            "per_query": self.per_query.to_dict(),
        }

    def save(self, path: str | Path) -> None:
        """Write the result as JSON: equal results give equal files, and a file is never left half written."""
        write_whole(Path(path), json_of(self.to_dict()))

    @classmethod
    def load(cls, path: str | Path) -> "RetrievalResult":
        """Read a result that `save` wrote. Raises DatasetError where the file holds something else."""
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            if several := values.get("results"):
                raise DatasetError(f"{path} holds {len(several)} results: pass a file with one, of one size and protocol")
            for words in ("rules", "intervals_95"):  # for the reader; they follow from the rest
                del values[words]
            cmc, per_query = np.array(values.pop("cmc"), np.float64), PerQuery.from_dict(values.pop("per_query"))
            return cls(
                cmc=cmc, per_query=per_query, without_right_answer=tuple(values.pop("without_right_answer")), **values
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DatasetError(f"{path} is not a result that msinet saved: evaluate again to make it") from error


def json_of(values: dict[str, Any]) -> bytes:
    """Return JSON in which what people read is indented, and long columns are a line each."""

    def text(value: Any, depth: int) -> str:
        if isinstance(value, dict) and value:
            space = "  " * depth
            names = sorted(value) if depth else value  # the result's own order on top, the same for equal results below
            inner = (f"{space}  {json.dumps(name, ensure_ascii=False)}: {text(value[name], depth + 1)}" for name in names)
            return "{\n" + ",\n".join(inner) + f"\n{space}}}"
        return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)

    return (text(values, 0) + "\n").encode()


def save_results(results: Sequence[RetrievalResult], path: str | Path) -> None:
    """Write several results into one file, as a list under the name results."""
    write_whole(Path(path), json_of({"results": [result.to_dict() for result in results]}))


def score(ranking: Ranking, query: Sequence[ImageRecord], protocol: Protocol, gallery_size: int) -> RetrievalResult:
    """Return mAP, rank-k and mINP over the queries that have a right answer; at least one has.

    With R right answers at the positions p_1 < ... < p_R (from 1, junk left out), the average precision is the mean of
    i / p_i, the inverse negative penalty R / p_R, and the query counts for rank-k where p_1 <= k. The trapezoidal average
    precision takes at each hit the mean of i / p_i and the precision one place before, (i - 1) / (p_i - 1) or 1 at the top.

    Args:
        ranking: of Q queries.
        query: Q records.
        protocol: the rule that it was made under.
        gallery_size: images, or tracks, that were searched.
    """
    lengths = ranking.lengths
    scored = np.flatnonzero(lengths)
    lengths = lengths[scored]
    ends = np.cumsum(lengths)
    owner = np.repeat(np.arange(len(scored)), lengths)
    hit = np.arange(len(owner)) - (ends - lengths)[owner] + 1  # i
    position = ranking.wrong_before + hit  # p_i
    precision = hit / position
    before = np.where(position > 1, (hit - 1) / np.maximum(position - 1, 1), 1.0)
    average_precision = np.bincount(owner, precision, len(scored)) / lengths
    trapezoid = np.bincount(owner, (before + precision) / 2, len(scored)) / lengths
    first, last = position[ends - lengths], position[ends - 1]
    inverse_penalty = lengths / last
    ranks = np.arange(1, min(MAX_RANK, gallery_size) + 1)
    asked = [query[place] for place in scored.tolist()]
    return RetrievalResult(
        protocol=protocol.name,
        mAP=float(average_precision.mean()),
        mAP_trapezoid=float(trapezoid.mean()),
        cmc=np.searchsorted(np.sort(first), ranks, "right") / len(scored),
        mINP=float(inverse_penalty.mean()),
        queries=len(scored),
        gallery=gallery_size,
        per_query=PerQuery(
            tuple(record.path.as_posix() for record in asked),
            tuple(record.identity for record in asked),
            average_precision,
            inverse_penalty,
            first.astype(np.float64),
        ),
        without_right_answer=tuple(query[place].path.as_posix() for place in np.flatnonzero(ranking.lengths == 0).tolist()),
    )
