"""Average query expansion: a query is asked again as the mean of itself and what it found first (Chum et al., 2007)."""

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.evaluation.neighbours import nearest
from msinet.evaluation.similarities import Cosine


def expand_queries(query: Embeddings, gallery: Embeddings, count: int, device: str = "cpu") -> Embeddings:
    """Return queries whose vectors are the mean of their own and of the `count` most similar gallery images, unit length.

    No label is looked at: a gallery image of the query's own camera takes part as any other.
    """
    positions = nearest(Cosine(query, gallery, device), count).nearest
    total = query.vectors.copy()
    for column in positions.T:
        total += gallery.vectors[column]
    return Embeddings(total / np.linalg.norm(total, axis=1, keepdims=True), query.records)
