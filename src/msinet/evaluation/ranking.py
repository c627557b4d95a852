"""Ranking: how many wrong gallery images stand before each right one. Every score follows from these counts.

A wrong image exactly as similar as a right one stands before it, so ties never help: a network that gives every image
the same embedding gets the worst score, whatever the order of the gallery.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError
from msinet.evaluation.protocols import Protocol

BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Ranking:
    """Where the right answers of every query stand in its ranking of the gallery, junk left out."""

    wrong_before: tuple[np.ndarray, ...]
    """For each query (R,) integers, ascending: the wrong images before each of its R right answers; R may be 0."""
    query: Sequence[ImageRecord]
    gallery: Sequence[ImageRecord]
    protocol: Protocol


def rank_embeddings(query: Embeddings, gallery: Embeddings, protocol: Protocol, block_bytes: int = BLOCK_BYTES) -> Ranking:
    """Rank the gallery for every query by cosine similarity.

    Works in blocks of queries whose similarities to the whole gallery fit into `block_bytes` (one query at least), so
    memory grows with the gallery alone.

    Raises:
        DatasetError: a vector is not finite or not of unit length, or the two sides have different lengths D.
    """
    _check_vectors(query)
    _check_vectors(gallery)
    if query.vectors.shape[1] != gallery.vectors.shape[1]:
        raise DatasetError(
            f"query embeddings have {query.vectors.shape[1]} dimensions and gallery embeddings "
            f"{gallery.vectors.shape[1]}: embed both with the same model"
        )
    block = max(1, block_bytes // max(1, gallery.vectors.itemsize * len(gallery)))
    rows = (
        row
        for start in range(0, len(query), block)
        for row in query.vectors[start : start + block] @ gallery.vectors.T  # (block, G)
    )
    return _rank(rows, query.records, gallery.records, protocol)


def rank_similarities(
    similarities: np.ndarray, query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], protocol: Protocol
) -> Ranking:
    """Rank the gallery for every query by similarities made elsewhere.

    Args:
        similarities: (Q, G), finite, greater is more alike; for distances pass `-distances`.
        query: Q records.
        gallery: G records.
        protocol: which gallery images are junk.

    Raises:
        ValueError: the shape is not (Q, G).
        DatasetError: a similarity is not finite.
    """
    if similarities.shape != (len(query), len(gallery)):
        raise ValueError(f"similarities must have shape {(len(query), len(gallery))}, not {similarities.shape}")
    broken = np.argwhere(~np.isfinite(similarities))
    if len(broken):
        row, column = broken[0]
        raise DatasetError(f"the similarity of {query[row].path} and {gallery[column].path} is not a finite number")
    return _rank(similarities, query, gallery, protocol)


def _rank(
    rows: Iterable[np.ndarray], query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], protocol: Protocol
) -> Ranking:
    query_identities, identities = _numbered([r.identity for r in query], [r.identity for r in gallery])
    query_keys, keys = _numbered([protocol.junk_key(r) for r in query], [protocol.junk_key(r) for r in gallery])

    wrong_before = tuple(
        _wrong_before(row, identities == identity, keys == key)
        for row, identity, key in zip(rows, query_identities, query_keys, strict=True)
    )
    return Ranking(wrong_before, query, gallery, protocol)


def _wrong_before(similarities: np.ndarray, same: np.ndarray, junk: np.ndarray) -> np.ndarray:
    """Count, for one query and all (G,), the wrong images before each right one. Returns (R,), ascending."""
    right = similarities[same & ~junk]
    wrong = np.sort(similarities[~(same | junk)])
    return np.sort(len(wrong) - np.searchsorted(wrong, right, side="left"))  # side="left": a tie stands before


def _numbered(query: Sequence[Hashable], gallery: Sequence[Hashable]) -> tuple[np.ndarray, np.ndarray]:
    """Return integers (Q,) and (G,) that are equal where the labels are."""
    numbers: dict[Hashable, int] = {}
    numbered = [numbers.setdefault(label, len(numbers)) for label in (*query, *gallery)]
    return np.array(numbered[: len(query)], dtype=np.int32), np.array(numbered[len(query) :], dtype=np.int32)


def _check_vectors(embeddings: Embeddings) -> None:
    lengths = np.linalg.norm(embeddings.vectors, axis=1)
    broken = np.flatnonzero(~(np.abs(lengths - 1) < 1e-2))  # NaN and infinity fail the comparison
    if len(broken):
        path, length = embeddings.records[broken[0]].path, lengths[broken[0]]
        fault = f"has length {length:.3g}: scale it to 1" if np.isfinite(length) else "is not finite: embed it again"
        raise DatasetError(f"the embedding of {path}, the first of {len(broken)} such images, {fault}")
