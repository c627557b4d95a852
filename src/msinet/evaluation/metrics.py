"""Metrics: mAP, rank-k and mINP of a ranking, as one result that can be printed, saved and compared."""

import json
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.errors import DatasetError, SettingsError
from msinet.evaluation.protocols import PROTOCOLS, choose_protocol, require_answers
from msinet.evaluation.ranking import Ranking, rank_embeddings
from msinet.whole_files import write_whole

MAX_RANK = 50


@dataclass(frozen=True, eq=False)
class RetrievalResult:
    """How well queries find the images of their identity in a gallery. All scores lie in 0 to 1.

    Queries without a right answer in the gallery are named and not scored.
    """

    protocol: str
    """Name of the rule that says which gallery images are junk."""
    mAP: float
    """Mean over queries of the average precision: the mean precision at the hits, not the area under the curve."""
    cmc: np.ndarray
    """(K,) cmc[k - 1] is rank-k, K = 50 or the gallery's size where smaller."""
    mINP: float
    """Mean inverse negative penalty: right answers over the position of the last one (Ye et al., AGW, 2021)."""
    queries: int
    """Queries scored."""
    gallery: int
    """Images in the gallery."""
    average_precision: np.ndarray
    """(queries,) of each scored query, in the order of the queries."""
    without_right_answer: tuple[str, ...] = ()
    """Paths of the queries that could not be scored."""
    info: dict[str, Any] = field(default_factory=dict)
    """What else belongs to the numbers, as JSON values: model, settings, fingerprint of the data, versions."""

    def rank(self, k: int) -> float:
        """Return rank-k: the share of queries with a right answer among the first k images.

        Beyond the gallery's size it stays what it is at the end. Raises SettingsError where rank-k was not computed.
        """
        if k < 1 or len(self.cmc) < min(k, self.gallery):
            raise SettingsError(f"rank-{k} was not computed: choose k from 1 to {len(self.cmc)}")
        return float(self.cmc[min(k, len(self.cmc)) - 1])

    def table(self) -> list[tuple[str, float]]:
        """Return the rows people compare: (name, value in %)."""
        ranks = [(f"rank-{k}", 100 * self.rank(k)) for k in (1, 5, 10)]
        return [*ranks, ("mAP", 100 * self.mAP), ("mINP", 100 * self.mINP)]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values, with the protocol's rule in words."""
        return {
            "protocol": self.protocol,
            "mAP": self.mAP,
            "mINP": self.mINP,
            "queries": self.queries,
            "gallery": self.gallery,
            "rules": {
                "average precision": "mean precision at the hits",
                "junk": PROTOCOLS[self.protocol].description,
                "ties": "a wrong image as similar as a right one stands before it",
            },
            "info": self.info,
            "cmc": self.cmc.tolist(),
            "without_right_answer": list(self.without_right_answer),
            "average_precision": self.average_precision.tolist(),
        }

    def save(self, path: str | Path) -> None:
        """Write the result as JSON: equal results give equal files, and a file is never left half written."""
        rows = []
        for name, value in self.to_dict().items():
            indent = None if isinstance(value, list) else 2
            text = json.dumps(value, indent=indent, sort_keys=True, allow_nan=False, ensure_ascii=False)
            rows.append(f'  "{name}": ' + text.replace("\n", "\n  "))
        write_whole(Path(path), ("{\n" + ",\n".join(rows) + "\n}\n").encode())

    @classmethod
    def load(cls, path: str | Path) -> "RetrievalResult":
        """Read a result that `save` wrote. Raises DatasetError where the file holds something else."""
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            del values["rules"]  # words for the reader; the protocol's name says it
            arrays = {name: np.array(values.pop(name), dtype=np.float64) for name in ("cmc", "average_precision")}
            return cls(**arrays, without_right_answer=tuple(values.pop("without_right_answer")), **values)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{path} is not a result that msinet saved: evaluate again to make it") from error


def score(ranking: Ranking) -> RetrievalResult:
    """Return mAP, rank-k and mINP over the queries that have a right answer.

    With R right answers at the positions p_1 < ... < p_R (from 1, junk left out), the average precision is the mean of
    i / p_i, the inverse negative penalty R / p_R, and the query counts for rank-k where p_1 <= k.

    Raises:
        DatasetError: no query has a right answer.
    """
    require_answers(ranking.query, ranking.gallery, ranking.protocol)
    scored = [wrong_before for wrong_before in ranking.wrong_before if len(wrong_before)]
    hits = [np.arange(1, len(wrong_before) + 1) for wrong_before in scored]
    positions = [wrong_before + hit for wrong_before, hit in zip(scored, hits, strict=True)]
    first = np.array([position[0] for position in positions])
    last = np.array([position[-1] for position in positions])
    average_precision = np.array([np.mean(hit / position) for hit, position in zip(hits, positions, strict=True)])
    ranks = np.arange(1, min(MAX_RANK, len(ranking.gallery)) + 1)
    return RetrievalResult(
        protocol=ranking.protocol.name,
        mAP=float(average_precision.mean()),
        cmc=(first[:, None] <= ranks).mean(axis=0),
        mINP=float(np.mean([len(hit) for hit in hits] / last)),
        queries=len(scored),
        gallery=len(ranking.gallery),
        average_precision=average_precision,
        without_right_answer=tuple(
            record.path.as_posix()
            for record, wrong_before in zip(ranking.query, ranking.wrong_before, strict=True)
            if not len(wrong_before)
        ),
    )


def evaluate_embeddings(query: Embeddings, gallery: Embeddings, protocol: str | None = None) -> RetrievalResult:
    """Score query embeddings against gallery embeddings, under the named protocol or the one that fits the records.

    Raises:
        SettingsError: there is no such protocol.
        DatasetError: the protocol needs cameras that are not there, an embedding is broken, or no query has a right
            answer in the gallery.
    """
    return score(rank_embeddings(query, gallery, choose_protocol(query.records, gallery.records, protocol)))


def scores_by_camera_pair(query: Embeddings, gallery: Embeddings) -> dict[tuple[str, str], RetrievalResult]:
    """Score the queries of each camera against the gallery images of each camera, under the Market rule.

    Returns for (query camera, gallery camera) a result where at least one query has a right answer; a camera with
    itself never does, as its right answers are junk.

    Raises:
        DatasetError: a record has no camera, or an embedding is broken.
    """
    market = choose_protocol(query.records, gallery.records, "market")
    query_cameras = np.array([str(record.camera) for record in query.records])
    gallery_cameras = np.array([str(record.camera) for record in gallery.records])
    results = {}
    for seeking, sought in product(sorted(set(query_cameras.tolist())), sorted(set(gallery_cameras.tolist()))):
        ranking = rank_embeddings(query.select(query_cameras == seeking), gallery.select(gallery_cameras == sought), market)
        if any(len(wrong_before) for wrong_before in ranking.wrong_before):
            results[seeking, sought] = score(ranking)
    return results
