"""Ranking of a gallery: the number of non-matches before each match. Every score follows from these counts.

A non-match exactly as similar as a match stands before it, so ties never help: where all similarities are equal, the
score is the worst there is, whatever the order of the gallery. Exactly means to the last bit of a float32, where the
products of equal embeddings may differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from msinet.evaluation import counting
from msinet.evaluation.pair_counts import PairCounter, PairCounts
from msinet.evaluation.relevance import Relevance
from msinet.evaluation.similarities import Similarities, as_array

BLOCK_BYTES = 64 * 2**20
"""Size of the similarities that are in memory at once."""
FEWEST_ROWS = 64
"""Queries at once where a gallery is huge: with fewer, all of its vectors would be read for little."""


@dataclass(frozen=True)
class Ranking:
    """Where the matches of every query stand in its ranking of the gallery, junk left out."""

    before: np.ndarray
    """(matches of all queries, one query after the other,) int64: non-matches before each, ascending within a query."""
    lengths: np.ndarray
    """(Q,) matches of each query; may be 0."""
    pairs: PairCounts | None = None
    """Pairs by similarity, where they were counted."""

    def of(self, mask: np.ndarray) -> "Ranking":
        """Return the ranking of the queries that `mask`, (Q,) bool, marks, without pairs."""
        return Ranking(self.before[np.repeat(mask, self.lengths)], self.lengths[mask])


def rank(
    similarities: Similarities,
    relevance: Relevance,
    queries: slice | None = None,
    pairs: bool = False,
    height: int | None = None,
) -> Ranking:
    """Rank the gallery for each query, a block of queries at a time: memory grows with the gallery alone.

    Args:
        similarities: (Q, G), greater is more similar.
        relevance: matches and junk of all Q queries.
        queries: the part of the queries to rank; all by default.
        pairs: count pairs by similarity as well, which must lie from -1 to 1 as cosines do.
        height: queries in a block; by default as many as `BLOCK_BYTES` hold.
    """
    start, stop, _ = (queries or slice(None)).indices(similarities.shape[0])
    counter = PairCounter(relevance) if pairs else None
    parts = []
    for first, rows in blocks(similarities, start, stop, height):
        parts.append(_count_before(rows, first, relevance))
        if counter:
            counter.add(rows, first)
    before = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return Ranking(before, relevance.matches.lengths[start:stop], counter.result() if counter else None)


def rank_within(similarities: Similarities, relevance: Relevance, groups: Sequence[np.ndarray]) -> list[Ranking]:
    """Rank parts of the gallery, each given by its positions: a ranking for each part, from one pass."""
    size = similarities.shape[1]
    within = [relevance.within(group, size) for group in groups]
    parts: list[list[np.ndarray]] = [[] for _ in groups]
    for first, rows in blocks(similarities, 0, similarities.shape[0]):
        whole = as_array(rows)
        for group, part, found in zip(groups, within, parts, strict=True):
            found.append(_count_before(np.ascontiguousarray(whole[:, group]), first, part))
    return [Ranking(np.concatenate(found), part.matches.lengths) for found, part in zip(parts, within, strict=True)]


def join_rankings(parts: Sequence[Ranking]) -> Ranking:
    """Put the rankings of consecutive parts of the queries together."""
    pairs = [part.pairs for part in parts if part.pairs]
    return Ranking(
        np.concatenate([part.before for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        sum(pairs[1:], start=pairs[0]) if pairs else None,
    )


def blocks(similarities: Similarities, start: int, stop: int, height: int | None = None) -> Iterator[tuple[int, Any]]:
    """Yield (first query, rows) of some queries, `height` of them at a time; by default as many as `BLOCK_BYTES` hold."""
    height = height or max(FEWEST_ROWS, BLOCK_BYTES // max(1, 4 * similarities.shape[1]))
    for first in range(start, stop, height):
        yield first, similarities.rows(first, min(first + height, stop))


def _count_before(rows: Any, first: int, relevance: Relevance) -> np.ndarray:
    if not isinstance(rows, np.ndarray):
        from msinet.evaluation import gpu

        return gpu.count_before(rows, first, relevance)
    matches, junk = (lists.part(first, len(rows)) for lists in (relevance.matches, relevance.junk))
    out = np.empty(len(matches.positions), np.int64)
    counting.count_before(rows, 0, matches.starts, matches.positions, junk.starts, junk.positions, out)
    return out
