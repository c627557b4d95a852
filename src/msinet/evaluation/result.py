"""The result of scoring: scores, the scores of each query, the record of what made them, the evidence behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from msinet.evaluation.confidence import intervals
from msinet.evaluation.evidence import Evidence
from msinet.evaluation.metrics import RANKS, PerQuery, Scores
from msinet.evaluation.plain_values import from_plain, to_plain
from msinet.evaluation.protocols import PROTOCOLS
from msinet.evaluation.record import Record
from msinet.evaluation.result_files import FORMAT, read_result, write_result, write_results
from msinet.files.paths import user_path


@dataclass(frozen=True, eq=False)
class RetrievalResult:
    """How well queries find the images of their identity in a gallery."""

    scores: Scores
    per_query: PerQuery
    record: Record
    """What made the scores."""
    evidence: Evidence = field(default_factory=Evidence)
    """What stands behind the scores."""

    @property
    def mAP(self) -> float:
        """Mean average precision, from 0 to 1: the mean precision at the hits, not the area under the curve."""
        return self.scores.mAP

    @property
    def mAP_trapezoid(self) -> float:
        """Mean average precision by the trapezoidal rule, from 0 to 1."""
        return self.scores.mAP_trapezoid

    @property
    def mINP(self) -> float:
        """Mean inverse negative penalty, from 0 to 1."""
        return self.scores.mINP

    @property
    def cmc(self) -> np.ndarray:
        """(K,) cmc[k - 1] is rank-k, from 0 to 1."""
        return np.array(self.scores.cmc)

    @property
    def queries(self) -> int:
        """Number of queries scored."""
        return self.scores.queries

    @property
    def gallery(self) -> int:
        """Number of images, or tracks, in the gallery."""
        return self.scores.gallery

    @property
    def without_right_answer(self) -> tuple[str, ...]:
        """Paths of the queries without a match, which are not scored."""
        return self.scores.without_right_answer

    @property
    def deviations(self) -> Mapping[str, float]:
        """Standard deviations by name, where scores are means over draws of the gallery."""
        return self.scores.deviations

    @property
    def average_precision(self) -> np.ndarray:
        """(queries,) of each scored query, in the order of the queries."""
        return self.per_query.average_precision

    @property
    def protocol(self) -> str:
        """Name of the rule that says which gallery images are junk."""
        return self.record.protocol

    @property
    def task(self) -> str:
        """Name of the test size, where the dataset has several."""
        return self.record.task

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % intervals of the scores by bootstrap over identities; none where scores are means over draws."""
        if self.deviations:
            return {}
        columns = {"mAP": self.per_query.average_precision, "mINP": self.per_query.inverse_penalty}
        columns |= {f"rank-{k}": self.per_query.first_right <= k for k in RANKS}
        return intervals(self.per_query.identity, columns)

    def rank(self, k: int) -> float:
        """Return rank-k, from 0 to 1: the share of queries with a match among the first k images.

        Raises:
            SettingsError: rank-k was not computed.
        """
        return self.scores.rank(k)

    def table(self) -> list[tuple[str, float]]:
        """Return the scores that papers report: (name, value in %)."""
        by_name = self.scores.by_name()
        return [(name, 100 * by_name[name]) for name in (*(f"rank-{k}" for k in RANKS), "mAP", "mINP")]

    def with_record(self, **changes: Any) -> "RetrievalResult":
        """Return the result with other fields of its record: `result.with_record(command=command)`."""
        return replace(self, record=replace(self.record, **changes))

    def with_evidence(self, **changes: Any) -> "RetrievalResult":
        """Return the result with other fields of its evidence: `result.with_evidence(baselines=baselines)`."""
        return replace(self, evidence=replace(self.evidence, **changes))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON, with the protocol's rule in words."""
        scores, record = to_plain(self.scores), to_plain(self.record)
        columns = {name: scores.pop(name) for name in ("cmc", "without_right_answer")}
        return {
            "format": FORMAT,
            **{name: record.pop(name) for name in ("protocol", "task")},
            **{name: scores.pop(name) for name in ("mAP", "mAP_trapezoid", "mINP")},
            "intervals_95": to_plain(self.intervals),
            **scores,
            "rules": {
                "mAP": "mean precision at the hits",
                "mAP_trapezoid": "area under precision over recall by the trapezoidal rule",
                "junk": PROTOCOLS[self.protocol].description,
                "ties": "a non-match as similar as a match stands before it",
                "intervals": "bootstrap over identities",
            },
            "record": record,
            "evidence": to_plain(self.evidence),
            **columns,
            "per_query": to_plain(self.per_query),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RetrievalResult":
        """Return the result of the plain values that `to_dict` gave, without its words for the reader.

        Raises:
            KeyError, TypeError, ValueError: a value is missing, unknown or of another type.
        """
        scores = dict(values)
        record = {name: scores.pop(name) for name in ("protocol", "task")} | scores.pop("record")
        parts = {"per_query": scores.pop("per_query"), "record": record, "evidence": scores.pop("evidence")}
        return from_plain(cls, {"scores": scores, **parts})

    def save(self, path: str | Path) -> None:
        """Write the result as JSON: equal results give equal files, and a file is never left half written.

        Raises:
            FileError: the file cannot be written.
        """
        write_result(self.to_dict(), user_path(path))

    @classmethod
    def load(cls, path: str | Path) -> "RetrievalResult":
        """Read a result that `save` wrote, in this version or the one before.

        Raises:
            ResultError: the file is missing, holds several results, is of a later version or is no result.
        """
        return read_result(user_path(path), cls.from_dict)


def save_results(results: Sequence[RetrievalResult], path: str | Path) -> None:
    """Write several results into one file, as a list under the name results.

    Raises:
        FileError: the file cannot be written.
    """
    write_results([result.to_dict() for result in results], user_path(path))
