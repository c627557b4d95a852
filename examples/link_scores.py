"""Scores of linking against labels: average linkage, DBSCAN and connected components, each image a pass.

The threshold of each method is the one with the best pairwise F1 on the training identities; query and gallery are scored.
Cameras and times are not used. DBSCAN with min_samples 1 gives the connected components.

python examples/link_scores.py DATA msinet-vehicles        (pip install scikit-learn)
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.cluster import DBSCAN

import msinet
from msinet.data.records import ImageRecord
from msinet.gallery.linking.clustering_scores import ClusteringScores, clustering_scores
from msinet.gallery.linking.link_passes import link
from msinet.gallery.linking.passes import passes_of

THRESHOLDS = np.arange(0.40, 0.98, 0.02).round(2).tolist()
"""Cosines that are tried."""

Method = Callable[[np.ndarray, float], Sequence[int]]
"""Groups (N,) of vectors (N, D) by a threshold."""


def main() -> None:
    """Print a row of scores for each method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="Folder or table of labelled images with a training split.")
    parser.add_argument("model", help="Folder of the model, or a name that msinet models lists.")
    options = parser.parse_args()
    splits, model = msinet.load_splits(options.data), msinet.Predictor(options.model)
    test = list({record.path: record for record in (*splits.query, *splits.gallery)}.values())
    print_table(*embedded(model, splits.train), *embedded(model, test))


def embedded(model: msinet.Predictor, records: Sequence[ImageRecord]) -> tuple[np.ndarray, list[str]]:
    """Return vectors (N, D) and identities of images."""
    embeddings = msinet.embed(model, records)
    return embeddings.vectors, [record.identity for record in embeddings.records]


def print_table(train: np.ndarray, train_identities: Sequence[str], test: np.ndarray, identities: Sequence[str]) -> None:
    """Choose the threshold of each method on the one part, and print its scores on the other."""
    print("| method | threshold | pairwise P / R / F1 | B-cubed P / R / F1 | groups of identities | best F1 possible |")
    print("|---|---|---|---|---|---|")
    for name, method in METHODS.items():
        chosen = best(method, train, train_identities)
        scores = clustering_scores(method(test, chosen), identities)
        ceiling = clustering_scores(method(test, best(method, test, identities)), identities).pairwise.f1
        print(f"| {name} | {chosen:.2f} | {in_row(scores)} | {ceiling:.1%} |", flush=True)


def best(method: Method, vectors: np.ndarray, identities: Sequence[str]) -> float:
    """Return the threshold with the best pairwise F1."""
    return max(THRESHOLDS, key=lambda threshold: clustering_scores(method(vectors, threshold), identities).pairwise.f1)


def in_row(scores: ClusteringScores) -> str:
    """Return scores as cells of a table."""
    parts = [" / ".join(f"{value:.1%}" for value in (part.precision, part.recall, part.f1)) for part in scores_of(scores)]
    return f"{parts[0]} | {parts[1]} | {scores.groups} of {scores.identities}"


def scores_of(scores: ClusteringScores) -> tuple:
    """Return the pairwise and the B-cubed scores."""
    return scores.pairwise, scores.bcubed


def average_linkage(vectors: np.ndarray, threshold: float) -> list[int]:
    """Return the groups of `link`."""
    unknown = [None] * len(vectors)
    numbers = [0] * len(vectors)
    for number, group in enumerate(link(passes_of(vectors, unknown, unknown, unknown, unknown, unknown), threshold)):
        for place in group.members:
            numbers[place] = number
    return numbers


def dbscan(samples: int) -> Method:
    """Return DBSCAN with a number of neighbours that makes a core; what it calls noise is a group of its own."""

    def groups(vectors: np.ndarray, threshold: float) -> list[int]:
        distances = np.clip(1 - vectors @ vectors.T, 0, None)
        found = DBSCAN(eps=1 - threshold, min_samples=samples, metric="precomputed").fit_predict(distances)
        return [-2 - place if number < 0 else int(number) for place, number in enumerate(found)]

    return groups


METHODS: dict[str, Method] = {
    "average linkage": average_linkage,
    "DBSCAN, min_samples 2": dbscan(2),
    "DBSCAN, min_samples 3": dbscan(3),
    "connected components (DBSCAN, min_samples 1)": dbscan(1),
}

if __name__ == "__main__":
    main()
