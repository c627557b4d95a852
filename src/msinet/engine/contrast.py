"""What the features of a search are held against, and which images each side of it sees: three ways, to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from msinet.data.identity_splits import SearchSplit, halve_for_search, split_for_search
from msinet.data.records import ImageRecord, identities
from msinet.engine.settings import SearchSettings
from msinet.errors import DatasetError
from msinet.losses.softmax_classifier import SoftmaxClassifier
from msinet.losses.twins_memory import CentroidMemory

Memory = CentroidMemory | SoftmaxClassifier
"""What gives a loss of features and identities: `memory(features, identities)`, and learns of them: `memory.update`."""


@dataclass(frozen=True)
class Sides:
    """The two sides of a search and their identities, which the labels of each side's images count."""

    split: SearchSplit
    weights: list[str]
    """Identities of the weights' memory, sorted."""
    alphas: list[str]
    """Identities of the alphas' memory, sorted: with one memory for both, all of them."""


def sides_of(settings: SearchSettings, records: Sequence[ImageRecord]) -> Sides:
    """Return the training records on the two sides that the settings' contrast asks for.

    Raises:
        DatasetError: every identity has a single image, which cannot be halved.
    """
    if settings.contrast != "shared":
        split = split_for_search(records, settings.overlap, settings.seed)
        return Sides(split, identities(split.weights), identities(split.alphas))
    split = halve_for_search(records, settings.seed)
    if split.weights and not split.alphas:
        raise DatasetError("--contrast shared halves the images of each identity, and here all have one: take another")
    return Sides(split, identities(split.weights), identities(split.weights))


def make_memories(settings: SearchSettings, counts: tuple[int, int], dim: int) -> tuple[Memory, Memory]:
    """Return what the weights and what the alphas learn against; with contrast `shared` it is the same memory.

    Args:
        settings: of the search.
        counts: identities of the weights' side and of the alphas'.
        dim: length of a feature.
    """
    if settings.contrast == "classifiers":
        weights, alphas = (SoftmaxClassifier(count, dim) for count in counts)
        return weights, alphas
    weights, alphas = (CentroidMemory(count, dim, settings.temperature, settings.memory_keep) for count in counts)
    return weights, weights if settings.contrast == "shared" else alphas
