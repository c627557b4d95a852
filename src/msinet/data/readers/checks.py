"""What must hold of every dataset, whoever read it."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations

from msinet.data.records import ImageRecord, ReidSplits, Skipped, identities
from msinet.errors import DatasetError


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
    """Check that there is something to learn from or to score, and that no identity is in two roles.

    Raises:
        DatasetError: No images, only validation images, query without gallery or gallery without query, or an identity
            in more than one of train, validation and query with gallery.
    """
    parts = splits.parts()
    if not any(parts.values()):
        raise DatasetError(f"no images in {splits.name}{_left_out(splits)}")
    if bool(splits.query) != bool(splits.gallery):
        empty, other = ("gallery", "query") if splits.query else ("query", "gallery")
        raise DatasetError(f"{splits.name} has {other} images, but no {empty} images to go with them{_left_out(splits)}")
    if not splits.train and not splits.query:
        raise DatasetError(f"{splits.name} has only validation images: nothing to train on and nothing to score")
    roles: Mapping[str, Iterable[ImageRecord]] = {
        "train": splits.train,
        "validation": splits.validation,
        "query or gallery": [record for part in parts if part not in ("train", "validation") for record in parts[part]],
    }
    for one, other in combinations(roles, 2):
        _check_apart(splits.name, one, roles[one], other, roles[other])


def remark_on_sizes(splits: ReidSplits, name: str, published: Mapping[str, tuple[int, int]]) -> ReidSplits:
    """Return the dataset with a remark if it is another or only a part of the published one.

    Args:
        splits: The dataset as it was read.
        name: Of the published one.
        published: The number of identities and of images of its parts, as `ReidSplits.parts` names them.
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


def _check_apart(
    name: str, one: str, records: Iterable[ImageRecord], other: str, other_records: Iterable[ImageRecord]
) -> None:
    shared = sorted(set(identities(records)) & set(identities(other_records)))
    if not shared:
        return
    some = ", ".join(map(repr, shared[:3])) + (" ..." if len(shared) > 3 else "")
    what = "identity is" if len(shared) == 1 else "identities are"
    raise DatasetError(
        f"{len(shared)} {what} in both {one} and {other} of {name}: {some}. "
        "Scores count on identities never seen in training: keep all images of an identity in one of them"
    )


def _left_out(splits: ReidSplits) -> str:
    if not splits.skipped:
        return ""
    first = splits.skipped[0]
    return f" ({len(splits.skipped)} left out, the first: {first.path}: {first.reason})"
