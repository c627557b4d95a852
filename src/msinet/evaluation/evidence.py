"""Evidence behind the scores: similarities of pairs, ROC, rankings of a few queries, camera pairs, draws, baselines."""

from dataclasses import dataclass
from typing import Literal

from msinet.errors import SettingsError

Group = Literal["best", "median", "worst"]
Verdict = Literal["match", "non-match", "junk"]


@dataclass(frozen=True)
class Histogram:
    """Pairs of a query and a gallery image by their similarity, without junk."""

    edges: tuple[float, ...]
    """(bars + 1,) ascending."""
    same: tuple[int, ...]
    """(bars,) pairs of one identity."""
    different: tuple[int, ...]
    """(bars,) pairs of two identities."""


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold on the similarity does."""

    false_positive_rate: float
    """Largest share of different pairs that may pass, from 0 to 1."""
    true_positive_rate: float
    """Share of same pairs that pass then."""


@dataclass(frozen=True)
class ROC:
    """True positive rate of pairs over the false positive rate."""

    points: tuple[OperatingPoint, ...]
    """The false positive rates that papers report: 1e-2, 1e-3 and 1e-4."""
    curve: tuple[OperatingPoint, ...]
    """False positive rates from 1e-6 to 1."""

    def true_positive_rate(self, false_positive_rate: float) -> float:
        """Return the true positive rate at one of the points. Raises SettingsError where it is none of them."""
        rates = {point.false_positive_rate: point.true_positive_rate for point in self.points}
        if false_positive_rate not in rates:
            known = ", ".join(f"{rate:.0e}" for rate in rates)
            raise SettingsError(f"false_positive_rate is {false_positive_rate:g}: choose one of {known}")
        return rates[false_positive_rate]


@dataclass(frozen=True)
class ShownImage:
    """An image of a ranking."""

    path: str
    identity: str
    camera: str | None


@dataclass(frozen=True)
class RankedImage(ShownImage):
    """A gallery image in a ranking."""

    similarity: float
    """Greater is more similar: a cosine or, after re-ranking, the negative distance."""
    verdict: Verdict


@dataclass(frozen=True)
class RankedQuery:
    """A query and the gallery images that stand first, junk among them."""

    group: Group
    """Where the query stands among all, by its average precision."""
    average_precision: float
    query: ShownImage
    answers: tuple[RankedImage, ...]


@dataclass(frozen=True)
class CameraPair:
    """Scores of the queries of one camera among the gallery images of one camera."""

    query_camera: str
    gallery_camera: str
    queries: int
    """Queries with a match there; the others are not scored."""
    mAP: float
    rank_1: float


@dataclass(frozen=True)
class DrawFacts:
    """The galleries that were drawn."""

    count: int
    fingerprint: str
    """Short hash of all draws."""


@dataclass(frozen=True)
class Baseline:
    """Scores on the same images of something that was not trained."""

    name: str
    rank_1: float
    mAP: float


@dataclass(frozen=True)
class Evidence:
    """What stands behind the scores of a result; a part that was not computed is None or empty."""

    similarities: Histogram | None = None
    roc: ROC | None = None
    rankings: tuple[RankedQuery, ...] = ()
    camera_pairs: tuple[CameraPair, ...] = ()
    draws: DrawFacts | None = None
    baselines: tuple[Baseline, ...] = ()
