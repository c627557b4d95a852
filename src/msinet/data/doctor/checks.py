"""Checks of a dataset's files, splits, labels and sizes: everything that would spoil training or scores."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from msinet.data.doctor.label_checks import label_troubles
from msinet.data.doctor.looks import Look, look_at, same_bytes, same_pictures
from msinet.data.doctor.picture_checks import check_pictures
from msinet.data.doctor.troubles import FEW, TROUBLES, UNEVEN, Finding
from msinet.data.records import ImageRecord, ReidSplits, identities

SHOWN = 3
"""Examples of each finding."""

Found = Iterator[tuple[str, Sequence[object]]]
"""Names of troubles, and all examples of each."""


def examine(splits: ReidSplits) -> list[Finding]:
    """Check every image and label of a dataset, and return the findings, those that spoil it first.

    Args:
        splits: from `read_as_it_is`, which keeps what `load_splits` refuses.
    """
    looks = look_at(record.path for record in splits.records())
    found = chain(
        _files(splits, looks),
        _roles(splits),
        label_troubles(splits),
        _copies(splits, looks),
        _training(splits.train),
        _scoring(splits),
        _cameras(splits),
        check_pictures(splits.records(), looks),
    )
    findings = [_finding(name, [str(example) for example in examples]) for name, examples in found if examples]
    return sorted(findings, key=lambda finding: not finding.spoils)


def _finding(name: str, examples: Sequence[str]) -> Finding:
    trouble = TROUBLES[name]
    return Finding(name, trouble.spoils, len(examples), tuple(examples[:SHOWN]), trouble.why, trouble.advice)


def _files(splits: ReidSplits, looks: Mapping[Path, Look]) -> Found:
    unread = {path: look.problem for path, look in looks.items() if look.problem}
    there = {path for path in chain(unread, (skipped.path for skipped in splits.skipped)) if _is_there(path)}
    gone = [path for path in unread if path not in there]
    yield "missing images", gone + [skipped.path for skipped in splits.skipped if skipped.path not in there]
    yield "unreadable images", [f"{path}: {problem}" for path, problem in unread.items() if path in there]
    # A test image that is left out of the queries is left out of the gallery too, and is one file.
    once = {(s.path, s.reason.replace(" in gallery", " in query")): s for s in reversed(splits.skipped)}
    left_out = [skipped for skipped in splits.skipped if skipped.path in there and skipped in once.values()]
    yield "files left out", [f"{skipped.path}: {skipped.reason}" for skipped in left_out]
    yield "not the published dataset", splits.remarks
    yield "no images", [] if splits.records() else [splits.name]


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where a name is too long


def _roles(splits: ReidSplits) -> Found:
    """Yield identities in more than one of train, validation and test."""
    train, validation = ({record.identity for record in part} for part in (splits.train, splits.validation))
    tasks = [records for part, records in splits.parts().items() if part not in ("train", "validation")]
    scored = {record.identity for records in tasks for record in records}
    yield "identities in both train and test", sorted(train & scored)
    yield "validation identities in train or test", sorted(validation & (train | scored))


def _copies(splits: ReidSplits, looks: Mapping[Path, Look]) -> Found:
    """Yield files with the same bytes, and files that show the same image."""
    uses: dict[Path, list[tuple[str, ImageRecord]]] = {}
    for part, records in splits.parts().items():
        role = part.split()[0]
        for record in records:
            used = uses.setdefault(record.path, [])
            if (role, record) not in used:  # Tasks of several sizes share images.
                used.append((role, record))
    pairs = [(group[0], other) for group in same_bytes(looks) for other in group[1:]] + same_pictures(looks)
    kinds: dict[str, list[str]] = {}
    for path, used in uses.items():
        if len(used) > 1 and (kind := _harm_of_copies(used, [])):
            kinds.setdefault(kind, []).append(str(path))
    for one, other in pairs:
        if kind := _harm_of_copies(uses[one], uses[other]):
            kinds.setdefault(kind, []).append(f"{one} = {other}")
    yield from kinds.items()


def _harm_of_copies(one: Sequence[tuple[str, ImageRecord]], other: Sequence[tuple[str, ImageRecord]]) -> str | None:
    """Return the trouble with one image in two files, or in one, by the splits and records of each; None without any."""
    together = [*one, *other]
    roles = {"test" if split in ("query", "gallery") else split for split, _ in together}
    cameras = {record.camera for _, record in together}
    if len({record.identity for _, record in together}) > 1:
        return "same image under two identities"
    if "train" in roles and len(roles) > 1:
        return "same image in train and test"
    if {split for split, _ in together} == {"query", "gallery"}:
        if len(cameras) > 1 or (cameras == {None} and other):
            return "query images that are their own match"
        if len(together) == 2:
            return None  # As in VeRi-776: the query is in the gallery as well, and is junk there.
    return "duplicate images"


def _training(train: Sequence[ImageRecord]) -> Found:
    images = Counter(record.identity for record in train)
    cameras: dict[str, set[str | None]] = {}
    for record in train:
        cameras.setdefault(record.identity, set()).add(record.camera)
    yield "training identities with one image", sorted(i for i, count in images.items() if count == 1)
    if any(record.camera for record in train):
        yield "training identities in one camera", sorted(i for i, seen in cameras.items() if len(seen) == 1 < images[i])
    middle = _median(images)
    many = [f"{identity}: {count} images" for identity, count in images.most_common() if count > UNEVEN * middle]
    yield "identities with far more images than others", many
    yield "only one training identity", list(images) if len(images) == 1 else []
    yield "few training identities", identities(train) if 1 < len(images) < FEW else []


def _scoring(splits: ReidSplits) -> Found:
    """Yield queries without a match; a query of several tasks counts once."""
    if splits.train and not splits.query and not splits.gallery:
        yield "nothing to score", [f"{len(splits.train)} training images, no query and no gallery"]
        return
    by_cameras = splits.protocol is None
    together: dict[str, dict[object, None]] = {}
    for task in splits.scored().values():
        for name, examples in _unmatched(task.query, task.gallery, by_cameras):
            together.setdefault(name, {}).update(dict.fromkeys(examples))
    yield from ((name, list(examples)) for name, examples in together.items())


def _unmatched(query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], by_cameras: bool) -> Found:
    """Yield queries without a match: in another camera or, where cameras are unknown or do not count, in another file."""
    if not query or not gallery:
        yield "no gallery images", [f"{len(query)} query images"] if query else []
        yield "no query images", [f"{len(gallery)} gallery images"] if gallery else []
        return
    cameras = by_cameras and any(record.camera for record in chain(query, gallery))

    def own(record: ImageRecord) -> str | None:
        return record.camera if cameras else os.path.normpath(record.path)

    matches: dict[str, set[str | None]] = {}
    for record in gallery:
        matches.setdefault(record.identity, set()).add(own(record))
    absent = [record.path for record in query if record.identity not in matches]
    alone = [record.path for record in query if matches.get(record.identity) == {own(record)}]
    if len(absent) == len(query):
        yield "no query identity in the gallery", absent
        return
    yield "query identities missing from the gallery", absent
    if len(absent) + len(alone) == len(query):
        yield "no query has a match in another camera" if cameras else "no query has a match besides itself", alone
    else:
        name = "queries without a match in another camera" if cameras else "queries without a match besides themselves"
        yield name, alone


def _cameras(splits: ReidSplits) -> Found:
    records = list({record.path: record for record in splits.records()}.values())
    without = [record.path for record in records if record.camera is None]
    if len(without) == len(records):
        yield "no cameras", without if splits.protocol is None else []
        return
    yield "images without a camera", without
    images = Counter(record.camera for record in records if record.camera)
    few = [f"{camera}: {count} images" for camera, count in sorted(images.items()) if count * UNEVEN < _median(images)]
    yield "cameras with far fewer images than others", few


def _median(counts: Mapping[str, int]) -> int:
    return sorted(counts.values())[len(counts) // 2] if counts else 0
