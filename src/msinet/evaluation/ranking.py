"""Ranking: how many wrong gallery images stand before each right one. Every score follows from these counts.

A wrong image exactly as similar as a right one stands before it, so ties never help: where all similarities are the same,
the score is the worst there is, whatever the order of the gallery. Exactly means to the last bit of a float32, and the
product of equal embeddings may differ there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from msinet.errors import DatasetError
from msinet.evaluation import counting
from msinet.evaluation.judgement import Judgement, PositionLists, lists_of
from msinet.evaluation.pair_counts import BINS, PairCounts
from msinet.evaluation.similarities import Similarities, as_array

BLOCK_BYTES = 64 * 2**20
FEWEST_ROWS = 64
"""Queries at once where a gallery is huge: fewer would read all of it for little."""

COSINES = (-1.0, 1.0)


@dataclass(frozen=True)
class Ranking:
    """Where the right answers of every query stand in its ranking of the gallery, junk left out."""

    wrong_before: np.ndarray
    """(right answers of all queries, one query after the other,) int64, ascending within a query."""
    lengths: np.ndarray
    """(Q,) right answers of each query; may be 0."""
    pairs: PairCounts | None = None
    """How alike right and wrong answers are, where it was counted."""


def rank(similarities: Similarities, judgement: Judgement, queries: slice | None = None, pairs: bool = False) -> Ranking:
    """Rank the gallery for each query, a block of queries at a time: memory grows with the gallery alone.

    Args:
        similarities: (Q, G), greater is more alike.
        judgement: what is right and what is junk.
        queries: the part of the queries to rank; all by default.
        pairs: count similarities as well; they must lie from -1 to 1, as cosines do.
    """
    start, stop, _ = (queries or slice(None)).indices(similarities.shape[0])
    counts = _PairCounter(judgement) if pairs else None
    parts = []
    for first, rows in blocks(similarities, start, stop):
        parts.append(_wrong_before(rows, first, judgement))
        if counts:
            counts.add(rows, first)
    wrong_before = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return Ranking(wrong_before, judgement.right.lengths[start:stop], counts.result() if counts else None)


def rank_within(similarities: Similarities, judgement: Judgement, groups: Sequence[np.ndarray]) -> list[Ranking]:
    """Rank only a part of the gallery at a time, given by positions: a ranking for each group, from one pass."""
    size = similarities.shape[1]
    within = [Judgement(judgement.right.within(g, size), judgement.junk.within(g, size)) for g in groups]
    parts: list[list[np.ndarray]] = [[] for _ in groups]
    for first, rows in blocks(similarities, 0, similarities.shape[0]):
        whole = as_array(rows)
        for group, judged, found in zip(groups, within, parts, strict=True):
            found.append(_wrong_before(np.ascontiguousarray(whole[:, group]), first, judged))
    return [Ranking(np.concatenate(part), j.right.lengths) for part, j in zip(parts, within, strict=True)]


def join_rankings(parts: Sequence[Ranking]) -> Ranking:
    """Put the rankings of consecutive parts of the queries together."""
    pairs = [part.pairs for part in parts if part.pairs]
    return Ranking(
        np.concatenate([part.wrong_before for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        sum(pairs[1:], start=pairs[0]) if pairs else None,
    )


def blocks(similarities: Similarities, start: int, stop: int) -> Iterator[tuple[int, Any]]:
    """Yield the rows of some queries, (first query, rows), as many at a time as fit into `BLOCK_BYTES`."""
    height = max(FEWEST_ROWS, BLOCK_BYTES // max(1, 4 * similarities.shape[1]))
    for first in range(start, stop, height):
        yield first, similarities.rows(first, min(first + height, stop))


def check_finite(matrix: np.ndarray, query: Sequence[Any], gallery: Sequence[Any]) -> None:
    """Raise DatasetError where a similarity (Q, G) of these records is not finite as float32."""
    for first in range(0, len(matrix), FEWEST_ROWS):
        with np.errstate(over="ignore"):
            rows = matrix[first : first + FEWEST_ROWS].astype(np.float32, copy=False)
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            where = f"{query[first + row].path} and {gallery[column].path}"
            raise DatasetError(f"the similarity of {where} is not a finite number, or too large for float32")


def _wrong_before(rows: Any, first: int, judgement: Judgement) -> np.ndarray:
    if not isinstance(rows, np.ndarray):
        from msinet.evaluation import counting_on_gpu

        return counting_on_gpu.count_wrong_before(rows, first, judgement)
    right, junk = judgement.right, judgement.junk
    begin, end = right.starts[first], right.starts[first + len(rows)]
    mine, mine_of_junk = _part(right, first, len(rows)), _part(junk, first, len(rows))
    out = np.empty(end - begin, np.int64)
    counting.count_wrong_before(rows, 0, mine.starts, mine.positions, mine_of_junk.starts, mine_of_junk.positions, out)
    return out


def _part(lists: PositionLists, first: int, count: int) -> PositionLists:
    """Return the lists of some consecutive queries."""
    begin, end = lists.starts[first], lists.starts[first + count]
    return lists_of(lists.lengths[first : first + count], lists.positions[begin:end])


class _PairCounter:
    """Counts pairs by cosine: all of a block, from which right answers and junk are taken away."""

    def __init__(self, judgement: Judgement) -> None:
        import numba

        self.judgement = judgement
        low, high = COSINES
        self.scale = BINS / (high - low)
        self.everything = np.zeros((numba.get_num_threads(), BINS), np.int64)
        self.right, self.junk = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)

    def add(self, rows: Any, first: int) -> None:
        low = COSINES[0]
        if isinstance(rows, np.ndarray):
            counting.count_by_similarity(rows, low, self.scale, self.everything)
        else:
            from msinet.evaluation import counting_on_gpu

            self.everything[0] += counting_on_gpu.count_by_similarity(rows, low, self.scale, BINS)
        found = as_array(rows)
        for lists, counts in ((self.judgement.right, self.right), (self.judgement.junk, self.junk)):
            part = _part(lists, first, len(found))
            values = found[part.owners, part.positions].astype(np.float64)
            counts += np.bincount(((values - low) * self.scale).astype(np.int64).clip(0, BINS - 1), minlength=BINS)

    def result(self) -> PairCounts:
        different = self.everything.sum(0) - self.right - self.junk
        return PairCounts(*COSINES, self.right, different)
