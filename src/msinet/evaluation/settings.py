"""Settings of scoring. Imports no torch: the command line reads it."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from msinet.errors import SettingsError
from msinet.panels import SCORING


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ScoringSettings:
    """What is done with embeddings before they are ranked. It stands in the result, and all of it can be combined."""

    flip: Annotated[bool, SCORING] = False
    """Mean of the embeddings of each image and its mirror image: twice the time for slightly better scores."""
    track_pooling: Annotated[bool, SCORING] = False
    """Mean of the images of each track, in query and gallery, in place of the images."""
    query_expansion: Annotated[int, SCORING] = 0
    """Number of gallery images that each query finds first and is averaged with; 0 for none."""
    rerank: Annotated[bool, SCORING] = False
    """Re-ranking by k-reciprocal neighbours (Zhong et al., 2017): slower and better; it needs all queries at once."""
    rerank_neighbours: Annotated[int, SCORING] = 20
    """Number of neighbours that may be reciprocal in re-ranking (k1)."""
    rerank_expansion: Annotated[int, SCORING] = 6
    """Number of neighbours whose sets are averaged in re-ranking (k2)."""
    rerank_keep: Annotated[float, SCORING] = 0.3
    """Weight of the original distance beside the Jaccard distance in re-ranking (lambda)."""

    def __post_init__(self) -> None:
        if self.query_expansion < 0:
            raise SettingsError(f"query_expansion is {self.query_expansion}: it cannot be negative", "query_expansion")
        if not 1 <= self.rerank_expansion <= self.rerank_neighbours:
            raise SettingsError(
                f"rerank_expansion is {self.rerank_expansion}: it lies from 1 to rerank_neighbours, "
                f"which is {self.rerank_neighbours}",
                "rerank_expansion",
                "rerank_neighbours",
            )
        if not 0 <= self.rerank_keep <= 1:
            raise SettingsError(f"rerank_keep is {self.rerank_keep}: a weight lies from 0 to 1", "rerank_keep")

    def in_words(self) -> str:
        """Return what is done with embeddings before they are ranked, as words after "with"; empty where nothing is."""
        neighbours = f"k1 {self.rerank_neighbours}, k2 {self.rerank_expansion}, lambda {self.rerank_keep}"
        words = {
            "flip": self.flip,
            "track pooling": self.track_pooling,
            f"query expansion {self.query_expansion}": self.query_expansion,
            f"re-ranking ({neighbours})": self.rerank,
        }
        return ", ".join(text for text, done in words.items() if done)
