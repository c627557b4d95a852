"""k-reciprocal re-ranking as one would first write it down: every matrix whole, an image at a time."""

import numpy as np


def reranked_distances(query: np.ndarray, gallery: np.ndarray, k1: int = 20, k2: int = 6, keep: float = 0.3) -> np.ndarray:
    """Return the mixed distances (Q, G) of unit-length vectors (Q, D) and (G, D); Zhong et al., CVPR 2017."""
    vectors = np.concatenate([query, gallery])
    original = 2 - 2 * vectors @ vectors.T
    original /= original.max(axis=1, keepdims=True)
    ranked = np.argsort(original, axis=1)
    described = np.zeros_like(original)
    for image in range(len(vectors)):
        own = _reciprocal(ranked, image, k1)
        everyone = own
        for other in own:
            theirs = _reciprocal(ranked, other, round(k1 / 2))
            if len(np.intersect1d(theirs, own)) > 2 / 3 * len(theirs):
                everyone = np.append(everyone, theirs)
        everyone = np.unique(everyone)
        weights = np.exp(-original[image, everyone])
        described[image, everyone] = weights / weights.sum()
    averaged = np.empty_like(described)
    for image in range(len(vectors)):
        averaged[image] = described[ranked[image, :k2]].mean(axis=0)
    holders = [np.flatnonzero(averaged[:, column]) for column in range(len(vectors))]
    jaccard = np.empty((len(query), len(vectors)), np.float32)
    for image in range(len(query)):
        shared = np.zeros(len(vectors), np.float32)
        for column in np.flatnonzero(averaged[image]):
            others = holders[column]
            shared[others] += np.minimum(averaged[image, column], averaged[others, column])
        jaccard[image] = 1 - shared / (2 - shared)
    count = len(query)
    return (1 - keep) * jaccard[:, count:] + keep * original[:count, count:]


def _reciprocal(ranked: np.ndarray, image: int, k: int) -> np.ndarray:
    """Return those of an image's first k + 1 neighbours that have it among their own."""
    forward = ranked[image, : k + 1]
    return forward[np.any(ranked[forward, : k + 1] == image, axis=1)]
