"""Calibration: the similarity at which an unknown query is taken for a known one as often as the user allows."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, overload

import numpy as np

from msinet.errors import DatasetError, ResultError, SettingsError
from msinet.files.sketch import Overlap
from msinet.gallery.calibration.false_positives import (
    Choice,
    Curve,
    FoundRate,
    Scores,
    bootstrap_interval,
    choices_of,
    curve_of,
    exact_interval,
    least_threshold,
)
from msinet.gallery.calibration.growth import GrowthPoint, growth_of
from msinet.gallery.calibration.known_queries import LEAST_IDENTITIES, KnownQueries, known_queries
from msinet.gallery.calibration.labelled_vectors import LabelledVectors
from msinet.gallery.calibration.nearest_identities import nearest_identities
from msinet.gallery.calibration.probability import Knots, fit_probability

GROWN = 2
"""Growth of the gallery above which a calibration has a warning."""


@dataclass(frozen=True)
class Calibration:
    """What a similarity means in a gallery of this size.

    Raises:
        ValueError: numbers that no calibration has, such as a rate above 1.
    """

    threshold: float
    """Similarity from which on the best match is taken for the queried object."""
    rate: float
    """Rate of false positives that was asked for, 0 to 1."""
    false_positives: FoundRate
    """FPIR at the threshold: share of unknown queries that are taken for known ones, with the exact 95 % interval."""
    detections: FoundRate
    """DIR at rank 1: share of known queries whose best match is right and reaches the threshold, with its 95 % interval by
    bootstrap over identities."""
    entries: int
    """Size of the gallery."""
    other_cameras: bool
    """Whether entries of a query's own camera were left out."""
    identities: int
    """Number of labelled identities."""
    images: int
    """Number of labelled images, which are the unknown queries."""
    known_identities: int
    """Number of labelled identities with images in two cameras."""
    known_queries: int
    """Number of known queries: an image is one for each other camera of its identity."""
    curve: Curve
    choices: tuple[Choice, ...]
    """Thresholds of other rates, the highest rate first."""
    growth: tuple[GrowthPoint, ...]
    """The gallery's size from a sixteenth to a hundred times, rising."""
    knots: Knots
    """Probability that the best match is right, where known and unknown queries are equally frequent."""
    learned: Overlap | None = None
    """Labelled images that the model learned; None where that is not known."""

    def __post_init__(self) -> None:
        rates = (self.false_positives, self.detections)
        rising = (self.curve.thresholds, self.knots.similarities, self.knots.probabilities)
        sound = (
            0 < self.rate < 1
            and all(0 <= each.low <= each.found + 1e-9 and each.found - 1e-9 <= each.high <= 1 for each in rates)
            and min(self.entries, self.images, self.known_queries) >= 1
            and len(self.curve.thresholds) == len(self.curve.false_positives) == len(self.curve.detections) > 1
            and len(self.knots.similarities) == len(self.knots.probabilities) > 1
            and all(np.isfinite(np.diff(values)).all() and (np.diff(values) >= 0).all() for values in rising)
            and self.knots.probabilities[0] > 0
            and self.knots.probabilities[-1] < 1
            and any(point.times == 1 for point in self.growth)
            and math.isfinite(self.threshold)
        )
        if not sound:
            raise ValueError("its numbers contradict each other")

    @property
    def promises_detections(self) -> bool:
        """Whether as many known ones will be found as `detections` says; not where the model learned the labelled images."""
        return self.learned is None or not self.learned.is_large

    @property
    def warning(self) -> str | None:
        """What speaks against the calibration, in two sentences; None where nothing does."""
        if self.learned is None or self.promises_detections:
            return None
        return (
            f"the model learned about {self.learned.share:.0%} of the labelled images: how many other known ones it "
            "finds is not promised, since they are fewer; the rate of false positives holds. Calibrate with images of "
            "identities that the model has not learned"
        )

    def warning_for(self, entries: int) -> str | None:
        """What speaks against the calibration in a gallery that has as many entries by now; None where nothing does."""
        grown = None
        if entries > GROWN * self.entries:
            sizes, rates = zip(*((point.entries, point.false_positives) for point in self.growth), strict=True)
            grown = (
                f"the gallery has {entries:,} entries, and was calibrated with {self.entries:,}: by its growth about "
                f"{np.interp(entries, sizes, rates):.1%} of unknown ones are taken for known ones. Calibrate again"
            )
        return ". ".join(filter(None, (self.warning, grown))) or None

    @overload
    def known(self, similarity: float) -> bool: ...
    @overload
    def known(self, similarity: np.ndarray) -> np.ndarray: ...
    def known(self, similarity: float | np.ndarray) -> bool | np.ndarray:
        """Return whether the best match of this similarity is taken for the queried object; arrays give arrays."""
        reached = np.asarray(similarity) >= self.threshold
        return reached if isinstance(similarity, np.ndarray) else bool(reached)

    @overload
    def probability(self, similarity: float) -> float: ...
    @overload
    def probability(self, similarity: np.ndarray) -> np.ndarray: ...
    def probability(self, similarity: float | np.ndarray) -> float | np.ndarray:
        """Return the probability that the best match of this similarity is right, never 0 or 1; arrays give arrays."""
        probability = self.knots.at(similarity)
        return probability if isinstance(similarity, np.ndarray) else float(probability)

    def to_plain(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return _lists(asdict(self))

    @classmethod
    def of_plain(cls, values: Any) -> "Calibration":
        """Return the calibration that `to_plain` gave.

        Raises:
            ResultError: the values are of something else, or damaged.
        """
        try:
            parts = {
                "false_positives": FoundRate(**_numbers(values["false_positives"])),
                "detections": FoundRate(**_numbers(values["detections"])),
                "curve": Curve(**_number_rows(values["curve"])),
                "choices": tuple(Choice(**_numbers(choice)) for choice in values["choices"]),
                "growth": tuple(GrowthPoint(**_numbers(point)) for point in values["growth"]),
                "knots": Knots(**_number_rows(values["knots"])),
                "learned": Overlap(**_numbers(values["learned"])) if values.get("learned") else None,
            }
            return cls(**_numbers({name: value for name, value in values.items() if name not in parts}), **parts)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ResultError(f"this is no calibration ({error}): calibrate the gallery again") from error


def calibrate(
    gallery: LabelledVectors | Iterable[LabelledVectors],
    labelled: LabelledVectors,
    rate: float = 0.01,
    other_cameras: bool = False,
    seed: int = 0,
) -> Calibration:
    """Find the threshold of a gallery from images of objects that are not in it.

    Unknown queries are the labelled images. Known queries are those of identities with images in two cameras (or, where they
    name no camera, two images): the images of each camera in turn are enrolled in the gallery, and the others are queries.
    Only the identity that is queried is enrolled. All identities weigh the same. Images that no entry is compared with, as
    all are of their own camera, are no queries.

    Args:
        gallery: N entries, or blocks of them that are read once; identities may be unknown.
        labelled: images of objects that are not in the gallery, all with identities.
        rate: rate of false positives that is allowed (FPIR), such as 0.01.
        other_cameras: leave out entries of a query's own camera, as queries do that look in other cameras.
        seed: seed of the bootstrap.

    Raises:
        DatasetError: the gallery is empty, labelled identities are in it or too few, or vectors differ in their number of
            values.
        SettingsError: the rate is not between 0 and 1, or no labelled image names the camera that is to be left out.
    """
    _require_labels(labelled, rate, other_cameras)
    blocks = [gallery] if isinstance(gallery, LabelledVectors) else gallery
    nearest, queries = nearest_identities(labelled, blocks, other_cameras), known_queries(labelled)
    best, right, detected = _known_side(queries.select(nearest.compared[queries.images]), nearest.best)
    nearest, identities = nearest.select(nearest.compared), np.array(labelled.identities, str)[nearest.compared]
    unknown = Scores(nearest.best, np.unique(identities, return_inverse=True)[1])
    _require_enough(unknown, detected, rate, other_cameras)
    threshold = least_threshold(unknown.similarities, unknown.weights, rate)
    return Calibration(
        threshold=threshold,
        rate=rate,
        false_positives=exact_interval(unknown.by_identity(threshold)),
        detections=bootstrap_interval(detected.by_identity(threshold), seed),
        entries=nearest.entries,
        other_cameras=other_cameras,
        identities=unknown.count,
        images=len(identities),
        known_identities=detected.count,
        known_queries=len(right),
        curve=curve_of(unknown, detected),
        choices=choices_of(unknown, detected),
        growth=growth_of(nearest, unknown, threshold, rate),
        knots=fit_probability(best, right, unknown),
    )


def _known_side(queries: KnownQueries, of_gallery: np.ndarray) -> tuple[Scores, np.ndarray, Scores]:
    """Return best matches of known queries, which are right, and the best matches again with wrong ones at -inf."""
    others = of_gallery[queries.images]
    right = queries.similarities > others
    best = Scores(np.maximum(queries.similarities, others), queries.identities)
    return best, right, Scores(np.where(right, queries.similarities, -np.inf), queries.identities)


def _require_labels(labelled: LabelledVectors, rate: float, other_cameras: bool) -> None:
    if not 0 < rate < 1:
        raise SettingsError(f"rate is {rate}: it must lie between 0 and 1, such as 0.01 for 1 %", "rate")
    if nameless := sum(identity is None for identity in labelled.identities):
        raise DatasetError(f"{nameless} of {len(labelled)} labelled images have no identity: name it, or leave them out")
    if other_cameras and not any(labelled.seen_by):
        raise SettingsError(
            "other_cameras leaves out a query's own camera, and no labelled image names one", "other_cameras"
        )


def _require_enough(unknown: Scores, known: Scores, rate: float, other_cameras: bool) -> None:
    found, needed = unknown.count, math.ceil(1 / rate - 1e-9)
    which = "labelled identities with entries of other cameras" if other_cameras else "labelled identities"
    if found < needed:
        raise DatasetError(f"{found} {which} cannot show a rate of {rate:g}: label {needed}, or allow more false positives")
    if known.count < LEAST_IDENTITIES:
        raise DatasetError(
            f"{known.count} labelled identities have images in two cameras: label {LEAST_IDENTITIES}, which are searched for"
        )


def _lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _lists(inner) for name, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, tuple) else value


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that are all numbers; true and false are among them."""
    for name, value in values.items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{name} is {value!r}")
    return dict(values)


def _number_rows(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(_numbers(dict(enumerate(row))).values()) for name, row in values.items()}  # pyright: ignore
