"""Average query expansion: a query becomes the mean of itself and the gallery images it finds first (Chum et al., 2007)."""

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.evaluation.neighbours import nearest
from msinet.evaluation.similarities import cosine


def expand_queries(query: Embeddings, gallery: Embeddings, count: int, device: str = "cpu") -> Embeddings:
    """Return queries whose vectors are the mean of their own and of the `count` most similar gallery images, unit length.

    Labels play no part: gallery images of the query's own camera take part as others do.
    """
    positions = nearest(cosine(query, gallery, device), count).nearest
    total = query.vectors.copy()
    for column in positions.T:
        total += gallery.vectors[column]
    return Embeddings(total / np.linalg.norm(total, axis=1, keepdims=True), query.records)
