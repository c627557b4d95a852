"""What stands behind the scores: the rankings of a few queries, and how alike same and different identities are."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.evaluation.protocols import Protocol

SHOWN = 3
"""Queries of the best, the middle and the worst."""

LENGTH = 10
"""Gallery images of each that are no junk."""

BINS = 400
PAIRS_AT_ONCE = 4_000_000
QUERIES = 2_000
"""Queries, evenly chosen, whose similarities are counted where there are more."""


def example_rankings(
    query: Embeddings, gallery: Embeddings, protocol: Protocol, scored: Sequence[int], average_precision: np.ndarray
) -> list[dict[str, Any]]:
    """Return the first gallery images of the best, the median and the worst queries, as JSON values.

    Args:
        query: Q images.
        gallery: G images.
        protocol: which gallery images are junk: they are shown where they stand, and not counted.
        scored: positions of the scored queries.
        average_precision: (scored,) of each.
    """
    order = np.argsort(-average_precision, kind="stable")
    middle = max(0, len(order) // 2 - SHOWN // 2)
    groups = {"best": order[:SHOWN], "median": order[middle : middle + SHOWN], "worst": order[-SHOWN:]}
    return [
        {"group": group, "average_precision": float(average_precision[place])}
        | _ranking(query, scored[place], gallery, protocol)
        for group, places in groups.items()
        for place in places
    ]


def _ranking(query: Embeddings, position: int, gallery: Embeddings, protocol: Protocol) -> dict[str, Any]:
    """Return one query and the images that stand first, until so many are no junk. A wrong image wins a tie."""
    asked = query.records[position]
    similarities = gallery.vectors @ query.vectors[position]  # (G,)
    right = np.array([record.identity == asked.identity for record in gallery.records])
    answers: list[dict[str, Any]] = []
    counted = 0
    for place in np.lexsort((right, -similarities)):
        record = gallery.records[place]
        junk = protocol.junk_key(record) == protocol.junk_key(asked)
        verdict = "junk" if junk else "right" if right[place] else "wrong"
        answers.append(_described(record) | {"similarity": float(similarities[place]), "verdict": verdict})
        counted += not junk
        if counted == LENGTH:
            break
    return {"query": _described(asked), "answers": answers}


def _described(record: ImageRecord) -> dict[str, Any]:
    return {"path": record.path.as_posix(), "identity": record.identity, "camera": record.camera}


def similarity_histograms(query: Embeddings, gallery: Embeddings, protocol: Protocol) -> dict[str, list]:
    """Count the pairs of query and gallery images by cosine similarity, those of one identity apart; junk is left out.

    Of many queries, `QUERIES` are taken, evenly.

    Returns:
        `edges` (BINS + 1,) from -1 to 1, and the counts `same` and `different` (BINS,).
    """
    query = query.select(np.isin(np.arange(len(query)), np.linspace(0, len(query) - 1, QUERIES).astype(int)))
    edges = np.linspace(-1, 1, BINS + 1)
    identities = np.array([record.identity for record in gallery.records])
    keys = [protocol.junk_key(record) for record in gallery.records]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    numbered = np.array([numbers[key] for key in keys])
    counts = {"same": np.zeros(BINS, int), "different": np.zeros(BINS, int)}
    block = max(1, PAIRS_AT_ONCE // max(1, len(gallery)))
    for start in range(0, len(query), block):
        records = query.records[start : start + block]
        similarities = query.vectors[start : start + block] @ gallery.vectors.T  # (block, G)
        same = identities == np.array([record.identity for record in records])[:, None]
        junk = numbered == np.array([numbers.get(protocol.junk_key(record), -1) for record in records])[:, None]
        for name, chosen in (("same", same & ~junk), ("different", ~same & ~junk)):
            counts[name] += np.histogram(similarities[chosen].clip(-1, 1), edges)[0]
    return {"edges": edges.tolist(), **{name: count.tolist() for name, count in counts.items()}}
