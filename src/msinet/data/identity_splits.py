"""Splits of the training identities: for the search, and for validation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from msinet.data.records import ImageRecord, ReidSplits, images_by_identity
from msinet.errors import DatasetError


@dataclass(frozen=True)
class SearchSplit:
    """What trains the supernet's weights, and what its alphas; no image is in both."""

    weights: tuple[ImageRecord, ...]
    alphas: tuple[ImageRecord, ...]


def split_for_search(records: Sequence[ImageRecord], overlap: float = 0.4, seed: int = 0) -> SearchSplit:
    """Split training records by identity, some identities shared with their images halved.

    Args:
        records: the training records.
        overlap: share of the identities that both sides get; of the others a third goes to the weights, the rest to the
            alphas (0.4 is the published split). Identities with a single image cannot be shared: where too few have
            two, fewer are.
        seed: shuffles the identities and the halves.
    """
    random = np.random.default_rng((seed, 1))
    images = images_by_identity(records)
    shuffled = [list(images)[i] for i in random.permutation(len(images))]
    shared = [identity for identity in shuffled if len(images[identity]) > 1][: round(overlap * len(shuffled))]
    set_of_shared = set(shared)
    apart = [identity for identity in shuffled if identity not in set_of_shared]
    third = round(len(apart) / 3)
    weights = [image for identity in apart[:third] for image in images[identity]]
    alphas = [image for identity in apart[third:] for image in images[identity]]
    return _with_halves(records, weights, alphas, [images[identity] for identity in shared], random)


def halve_for_search(records: Sequence[ImageRecord], seed: int = 0) -> SearchSplit:
    """Give both sides every identity, with its images halved: the ordinary split of a search (Liu et al., DARTS, 2019).

    Identities with a single image train the weights alone, so that the weights' side has all identities.

    Args:
        records: the training records.
        seed: shuffles the halves.
    """
    images = images_by_identity(records).values()
    single = [identity[0] for identity in images if len(identity) == 1]
    several = [identity for identity in images if len(identity) > 1]
    return _with_halves(records, single, [], several, np.random.default_rng((seed, 1)))


def _with_halves(
    records: Sequence[ImageRecord],
    weights: Sequence[int],
    alphas: Sequence[int],
    shared: Sequence[Sequence[int]],
    random: np.random.Generator,
) -> SearchSplit:
    """Return the split that has images on either side and, of each shared identity's images, half on both."""
    sides = list(weights), list(alphas)
    for images in shared:
        halves = halve_by_camera([records[image] for image in images], random)
        for side, half in zip(sides, halves, strict=True):
            side.extend(images[i] for i in half)
    first, second = (tuple(records[i] for i in sorted(side)) for side in sides)
    return SearchSplit(first, second)


def halve_by_camera(records: Sequence[ImageRecord], random: np.random.Generator) -> tuple[list[int], list[int]]:
    """Return the positions of two halves; each camera's images go to both sides in equal numbers, to within one.

    Where every camera has one image, each side gets other cameras.
    """
    cameras = sorted({record.camera or "" for record in records})
    dealt = [
        int(i)
        for camera in random.permutation(cameras)
        for i in random.permutation([i for i, record in enumerate(records) if (record.camera or "") == camera])
    ]
    return (dealt[::2], dealt[1::2]) if random.random() < 0.5 else (dealt[1::2], dealt[::2])


def hold_out_validation(splits: ReidSplits, share: float) -> ReidSplits:
    """Move a share of the training identities to the validation split: the same ones for every seed of a run.

    Raises:
        DatasetError: there is a validation split already, or too few identities for one.
    """
    if share == 0:
        return splits
    if splits.validation:
        raise DatasetError(f"{splits.name} has a validation split of its own: leave out --validation-share")
    images = images_by_identity(splits.train)
    shuffled = np.random.default_rng(2).permutation(list(images))
    held_out = set(shuffled[: round(share * len(images))].tolist())
    if not held_out or len(held_out) == len(images):
        raise DatasetError(f"a share of {share} of {len(images)} identities leaves one side empty")
    return replace(
        splits,
        train=tuple(record for record in splits.train if record.identity not in held_out),
        validation=tuple(record for record in splits.train if record.identity in held_out),
    )
