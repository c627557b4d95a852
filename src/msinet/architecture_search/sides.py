"""The two sides of a search: which images and identities train the weights, and which the alphas."""

from collections.abc import Sequence
from dataclasses import dataclass

from msinet.architecture_search.settings import SearchSettings
from msinet.data.identity_splits import SearchSplit, split_for_search
from msinet.data.records import ImageRecord, identities


@dataclass(frozen=True)
class Sides:
    """The images of both sides, and the identities of both memories."""

    split: SearchSplit
    weight_identities: list[str]
    """Identities in the memory of the weights, sorted; the labels of that side count them."""
    alpha_identities: list[str]
    """Identities in the memory of the alphas, sorted."""


def twin_sides(settings: SearchSettings, records: Sequence[ImageRecord]) -> Sides:
    """Return the sides of the twins contrastive mechanism: identities of their own, and some shared ones halved."""
    split = split_for_search(records, settings.overlap, settings.seed)
    return Sides(split, identities(split.weight_images), identities(split.alpha_images))
