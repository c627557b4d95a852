"""Splits of the training identities: between weights and alphas of a search, and into training and validation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from msinet.data.records import ImageRecord, ReidSplits, images_by_identity
from msinet.errors import DatasetError, SettingsError


@dataclass(frozen=True)
class SearchSplit:
    """Images that train the supernet's weights, and images that train its alphas; none is in both."""

    weight_images: tuple[ImageRecord, ...]
    alpha_images: tuple[ImageRecord, ...]


def split_for_search(records: Sequence[ImageRecord], overlap: float = 0.4, seed: int = 0) -> SearchSplit:
    """Split training records by identity. Some identities are shared: each side gets half of their images.

    Args:
        records: the training records.
        overlap: share of the identities that both sides get. A third of the others goes to the weights, the rest to the
            alphas; 0.4 is the published split. Identities with a single image are never shared, so that fewer may be.
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
    """Halve the images of every identity between the sides: the usual split of a search (Liu et al., DARTS, 2019).

    Identities with a single image train the weights only, so that the weights see all identities.

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
    """Return the split of given images on either side, with each shared identity's images halved between both."""
    sides = list(weights), list(alphas)
    for images in shared:
        halves = halve_by_camera([records[image] for image in images], random)
        for side, half in zip(sides, halves, strict=True):
            side.extend(images[i] for i in half)
    first, second = (tuple(records[i] for i in sorted(side)) for side in sides)
    return SearchSplit(first, second)


def halve_by_camera(records: Sequence[ImageRecord], random: np.random.Generator) -> tuple[list[int], list[int]]:
    """Return the positions of two halves; each camera's images go to both in equal numbers, to within one.

    Where every camera has one image, the halves have different cameras.
    """
    cameras = sorted({record.camera or "" for record in records})
    dealt = [
        int(i)
        for camera in random.permutation(cameras)
        for i in random.permutation([i for i, record in enumerate(records) if (record.camera or "") == camera])
    ]
    return (dealt[::2], dealt[1::2]) if random.random() < 0.5 else (dealt[1::2], dealt[::2])


def hold_out_validation(splits: ReidSplits, share: float) -> ReidSplits:
    """Move a share of the training identities to the validation split, the same ones for every seed of a run.

    Raises:
        DatasetError: there is a validation split already.
        SettingsError: the share leaves no identity on one side.
    """
    if share == 0:
        return splits
    if splits.validation:
        raise DatasetError(f"{splits.name} has a validation split of its own: set validation_share to 0", "validation_share")
    images = images_by_identity(splits.train)
    shuffled = np.random.default_rng(2).permutation(list(images))
    held_out = set(shuffled[: round(share * len(images))].tolist())
    if not held_out or len(held_out) == len(images):
        raise SettingsError(
            f"validation_share is {share}: of {len(images)} identities it leaves none on one side. Choose another share, or "
            "add identities",
            "validation_share",
        )
    return replace(
        splits,
        train=tuple(record for record in splits.train if record.identity not in held_out),
        validation=tuple(record for record in splits.train if record.identity in held_out),
    )
