"""What scoring can be told. Imports no torch."""

from dataclasses import asdict, dataclass
from typing import Any

from cyclopts import Parameter

from msinet.errors import SettingsError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ScoringSettings:
    """What is done with embeddings before they are ranked; all of it is stated in the result, and all can be combined."""

    flip: bool = False
    """Embed each image and its mirror image, and take the mean: twice the time for a little better scores."""
    track_pooling: bool = False
    """Replace the images of a track, in the query and in the gallery, by their mean."""
    query_expansion: int = 0
    """Replace each query by the mean of it and of so many images that it finds first; 0 for none."""
    rerank: bool = False
    """Re-rank by k-reciprocal neighbours (Zhong et al., 2017): slower, better, of no use where queries come one by one."""
    rerank_neighbours: int = 20
    """k1: neighbours that may be reciprocal."""
    rerank_expansion: int = 6
    """k2: neighbours whose sets are averaged."""
    rerank_keep: float = 0.3
    """lambda: weight of the original distance beside the Jaccard distance."""

    def __post_init__(self) -> None:
        if self.query_expansion < 0:
            raise SettingsError("--query-expansion cannot be negative")
        if not 1 <= self.rerank_expansion <= self.rerank_neighbours:
            limits = f"from 1 to --rerank-neighbours, which is {self.rerank_neighbours}"
            raise SettingsError(f"--rerank-expansion lies {limits}, and not at {self.rerank_expansion}")
        if not 0 <= self.rerank_keep <= 1:
            raise SettingsError("--rerank-keep is a weight from 0 to 1")

    def to_dict(self) -> dict[str, Any]:
        """Return what changes the scores, as JSON values; without re-ranking, nothing of it."""
        values = asdict(self)
        return values if self.rerank else {name: value for name, value in values.items() if not name.startswith("rerank_")}
