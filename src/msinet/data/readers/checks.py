"""Checks that every dataset must pass: repeated files, empty splits, identities in two splits, published sizes."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations

from msinet.data.records import ImageRecord, ReidSplits, Skipped, identities
from msinet.errors import DatasetError, listed


def drop_repeats(splits: ReidSplits) -> ReidSplits:
    """Keep the first record of each file in a part, and leave out the others. Query and gallery may share files."""
    skipped: list[Skipped] = []
    once: dict[str, tuple[ImageRecord, ...]] = {}
    for part, records in splits.parts().items():
        first: dict[str, ImageRecord] = {}
        for record in records:
            kept = first.setdefault(os.path.normpath(record.path), record)
            if kept is not record:
                labels = "" if kept.identity == record.identity else f", as {kept.identity!r} and {record.identity!r}"
                skipped.append(Skipped(record.path, f"more than once in {part}{labels}"))
        once[part] = tuple(first.values())
    return splits.with_parts(once, skipped)


def check_splits(splits: ReidSplits) -> None:
    """Check that there are images to train on or to score, and that no identity is in two of train, validation and test.

    Raises:
        DatasetError: there are no images, only validation images, queries without a gallery or a gallery without queries,
            or an identity is in two of train, validation and query with gallery.
    """
    parts = splits.parts()
    if not any(parts.values()):
        raise DatasetError(f"no images in {splits.name}{_left_out(splits)}")
    if bool(splits.query) != bool(splits.gallery):
        empty, other = ("gallery", "query") if splits.query else ("query", "gallery")
        raise DatasetError(f"{splits.name} has {other} images but no {empty} images: scoring needs both{_left_out(splits)}")
    if not splits.train and not splits.query:
        raise DatasetError(f"{splits.name} has only validation images: add images to train on or to score")
    roles: Mapping[str, Iterable[ImageRecord]] = {
        "train": splits.train,
        "validation": splits.validation,
        "query or gallery": [record for part in parts if part not in ("train", "validation") for record in parts[part]],
    }
    for one, other in combinations(roles, 2):
        shared = sorted(set(identities(roles[one])) & set(identities(roles[other])))
        if shared:
            raise DatasetError(
                f"identities in both {one} and {other} of {splits.name}: keep all images of an identity in one split, since "
                f"scores count on identities that never appear in training{listed(shared)}"
            )


def remark_on_sizes(splits: ReidSplits, name: str, published: Mapping[str, tuple[int, int]]) -> ReidSplits:
    """Return the dataset, with a remark if its sizes differ from the published ones.

    Args:
        splits: the dataset as it was read.
        name: name of the published dataset.
        published: published numbers of identities and of images by part, as in `ReidSplits.parts`.
    """
    parts = splits.parts()
    found = {part: (len(identities(parts.get(part, ()))), len(parts.get(part, ()))) for part in published}
    differences = [
        f"{part} is missing"
        if found[part] == (0, 0)
        else f"{part} has {found[part][0]:,} identities and {found[part][1]:,} images instead of {count:,} and {images:,}"
        for part, (count, images) in published.items()
        if found[part] != (count, images)
    ]
    if not differences:
        return splits
    return replace(splits, remarks=(*splits.remarks, f"differs from the published {name}: {'; '.join(differences)}"))


def _left_out(splits: ReidSplits) -> str:
    if not splits.skipped:
        return ""
    return f"; {len(splits.skipped)} left out:" + listed([f"{left.path}: {left.reason}" for left in splits.skipped], limit=3)
