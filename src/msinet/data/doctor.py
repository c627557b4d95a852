"""What is wrong with a data set, in words: how much of it, why it matters, and what to do."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from msinet.data.picture_looks import Look, look_at, same_bytes, same_pictures
from msinet.data.records import SPLIT_NAMES, ImageRecord, ReidSplits, identities

SHOWN = 3
"""Examples of each finding."""

TINY = 24
"""Pixels of the shorter side below which little can be told apart."""

HUGE = 4_000_000
"""Pixels above which an image is hardly a crop of one object."""

UNEVEN = 20
"""How many times the median an identity may have of images, and the median a camera's."""

FEW = 32
"""Identities of a batch in the recipes."""


class Trouble(NamedTuple):
    """A kind of finding."""

    spoils: bool
    """Whether training or scores are wrong with it; if not, it costs quality, or is worth knowing."""
    why: str
    advice: str


TROUBLES = {
    "no images": Trouble(
        True,
        "there is nothing to learn from or to score",
        "see what was left out",
    ),
    "missing images": Trouble(
        True,
        "labels name files that are not there",
        "copy the files, or take their lines out of the labels",
    ),
    "unreadable images": Trouble(
        True,
        "broken files are left out of training and scores",
        "fetch or export them again, or delete them",
    ),
    "files that were left out": Trouble(
        False,
        "they are not part of the data set as it is read",
        "rename, label or list them if they should be",
    ),
    "not the published data set": Trouble(
        False,
        "results on it cannot be compared with published ones",
        "fetch it again, or say with every result how much of it you have",
    ),
    "identities in both train and test": Trouble(
        True,
        "scores count on identities never seen in training, and these would look better than they are",
        "keep all images of an identity in one of them",
    ),
    "identities for validation that are elsewhere, too": Trouble(
        True,
        "what is chosen on them is chosen on training or test",
        "keep all images of an identity in one of them",
    ),
    "one picture as two identities": Trouble(
        True,
        "the network is told that the same picture is two objects",
        "correct the labels, or delete one",
    ),
    "one picture in train and test": Trouble(
        True,
        "it is scored on what it has learned by heart",
        "delete one",
    ),
    "one picture as query and as its answer": Trouble(
        True,
        "a query finds itself, and counts it as a right answer",
        "correct the camera, or delete one",
    ),
    "duplicate images": Trouble(
        False,
        "the same picture again teaches nothing, and weighs twice",
        "delete one",
    ),
    "training identities with one image": Trouble(
        False,
        "the triplet loss finds no second image of them, and takes the same one again",
        "add images, or leave them out",
    ),
    "training identities in one camera": Trouble(
        False,
        "nothing about them teaches what changes from camera to camera",
        "add images from other cameras",
    ),
    "identities with far more images than others": Trouble(
        False,
        f"they have more than {UNEVEN} times as many as the one in the middle: much of what is shown is the same object",
        "keep fewer of them",
    ),
    "few training identities": Trouble(
        False,
        f"a network learns what tells objects apart from many of them, and recipes take batches of up to {FEW} identities",
        "add identities, or set --identities-per-batch",
    ),
    "no query images": Trouble(
        True,
        "queries are looked for in a gallery: without both there are no scores",
        "add query images",
    ),
    "no gallery images": Trouble(
        True,
        "queries are looked for in a gallery: without both there are no scores",
        "add gallery images",
    ),
    "no query identity appears in gallery": Trouble(
        True,
        "no query has a right answer, and nothing can be scored",
        "check that query and gallery belong together and write identities alike, leading zeros too",
    ),
    "query identities that do not appear in gallery": Trouble(
        False,
        "there is no right answer to them, so they are not scored",
        "add images of them to the gallery, or see whether identities are written alike",
    ),
    "no query has a right answer in another camera": Trouble(
        True,
        "images of the query's own camera are junk by the Market rule, and nothing can be scored",
        "check the cameras' labels, or add images from other cameras to the gallery",
    ),
    "queries without a right answer in another camera": Trouble(
        False,
        "images of the query's own camera are junk by the Market rule, so these are not scored",
        "add images from other cameras to the gallery",
    ),
    "no query has a right answer besides itself": Trouble(
        True,
        "a query's own file is no answer to it, and nothing can be scored",
        "add other images of the identities to the gallery",
    ),
    "queries without a right answer besides themselves": Trouble(
        False,
        "a query's own file is no answer to it, so these are not scored",
        "add other images of the identities to the gallery",
    ),
    "no cameras": Trouble(
        False,
        "right answers from the query's own camera are easy and cannot be told: scores look better than across cameras",
        "label the cameras, if there are several; without, scores follow the protocol no-camera",
    ),
    "images without a camera, beside others that have one": Trouble(
        True,
        "the Market rule needs the camera of every image",
        "label the cameras of all images, or of none",
    ),
    "cameras with far fewer images than others": Trouble(
        False,
        "what they see is hardly learned and hardly scored",
        "add images from them",
    ),
    "tiny images": Trouble(
        False,
        f"with less than {TINY} pixels on a side there is little to tell objects apart by",
        "leave them out, or cut them from better pictures",
    ),
    "huge images": Trouble(
        False,
        "a crop of one object is rarely that large: these may be whole pictures, and they take long to decode",
        "cut the objects out",
    ),
    "images turned by EXIF": Trouble(
        False,
        "msinet turns them as they are meant to be seen, but other programs may not",
        "save them upright",
    ),
}
"""Everything that can be found, by name."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found."""

    name: str
    """One of `TROUBLES`."""
    spoils: bool
    count: int
    examples: tuple[str, ...]
    """The first few."""
    why: str
    advice: str


Found = Iterator[tuple[str, Sequence[object]]]
"""Names of troubles, and all examples of each."""


def examine(splits: ReidSplits, advance: Callable[[], object] | None = None) -> list[Finding]:
    """Look at every image and label of a data set; return what was found, the worst first.

    Args:
        splits: from `read_as_it_is`, which leaves in what `load_splits` refuses.
        advance: called after each distinct file, for a progress bar.
    """
    looks = look_at((record.path for record in every_record(splits)), advance)
    found = chain(
        _files(splits, looks),
        _roles(splits),
        _copies(splits, looks),
        _training(splits.train),
        _scoring(splits),
        _cameras(splits),
        _sizes(looks),
    )
    findings = [_finding(name, [str(example) for example in examples]) for name, examples in found if examples]
    return sorted(findings, key=lambda finding: not finding.spoils)


def report_of(splits: ReidSplits, findings: Sequence[Finding]) -> str:
    """Return the findings as JSON, for programs."""
    sizes = {name: len(getattr(splits, name)) for name in SPLIT_NAMES}
    usable = not any(finding.spoils for finding in findings)
    report = {"name": splits.name, "images": sizes, "usable": usable, "findings": [asdict(finding) for finding in findings]}
    return json.dumps(report, indent=2)


def every_record(splits: ReidSplits) -> list[ImageRecord]:
    """Return the records of all parts."""
    return [record for records in splits.parts().values() for record in records]


def _finding(name: str, examples: Sequence[str]) -> Finding:
    trouble = TROUBLES[name]
    return Finding(name, trouble.spoils, len(examples), tuple(examples[:SHOWN]), trouble.why, trouble.advice)


def _files(splits: ReidSplits, looks: Mapping[Path, Look]) -> Found:
    unread = {path: look.problem for path, look in looks.items() if look.problem}
    there = {path for path in chain(unread, (skipped.path for skipped in splits.skipped)) if _is_there(path)}
    gone = [path for path in unread if path not in there]
    yield "missing images", gone + [skipped.path for skipped in splits.skipped if skipped.path not in there]
    yield "unreadable images", [f"{path}: {problem}" for path, problem in unread.items() if path in there]
    left_out = [skipped for skipped in splits.skipped if skipped.path in there]
    yield "files that were left out", [f"{skipped.path}: {skipped.reason}" for skipped in left_out]
    yield "not the published data set", splits.remarks
    yield "no images", [] if every_record(splits) else [splits.name]


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where a name is too long


def _roles(splits: ReidSplits) -> Found:
    """Identities that have two roles."""
    train, validation = ({record.identity for record in part} for part in (splits.train, splits.validation))
    tasks = [records for part, records in splits.parts().items() if part not in ("train", "validation")]
    scored = {record.identity for records in tasks for record in records}
    yield "identities in both train and test", sorted(train & scored)
    yield "identities for validation that are elsewhere, too", sorted(validation & (train | scored))


def _copies(splits: ReidSplits, looks: Mapping[Path, Look]) -> Found:
    """Files with the same bytes, and files that show the same picture."""
    uses: dict[Path, list[tuple[str, ImageRecord]]] = {}
    for part, records in splits.parts().items():
        role = part.split()[0]
        for record in records:
            used = uses.setdefault(record.path, [])
            if (role, record) not in used:  # Tasks of several sizes show the same images again.
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
    """Return what goes wrong with one picture in two files, or in one, by their splits and records, if anything does."""
    together = [*one, *other]
    roles = {"test" if split in ("query", "gallery") else split for split, _ in together}
    cameras = {record.camera for _, record in together}
    if len({record.identity for _, record in together}) > 1:
        return "one picture as two identities"
    if "train" in roles and len(roles) > 1:
        return "one picture in train and test"
    if {split for split, _ in together} == {"query", "gallery"}:
        if len(cameras) > 1 or (cameras == {None} and other):
            return "one picture as query and as its answer"
        if len(together) == 2:
            return None  # As in VeRi-776: the query lies in the gallery as well, and is junk there.
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
    yield "few training identities", identities(train) if len(images) < FEW else []


def _scoring(splits: ReidSplits) -> Found:
    """Queries without a right answer, each once, though tasks of several sizes ask for it."""
    by_cameras = splits.protocol is None
    together: dict[str, dict[object, None]] = {}
    for task in splits.scored().values():
        for name, examples in _unanswered(task.query, task.gallery, by_cameras):
            together.setdefault(name, {}).update(dict.fromkeys(examples))
    yield from ((name, list(examples)) for name, examples in together.items())


def _unanswered(query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], by_cameras: bool) -> Found:
    """Queries without a right answer: in another camera or, where no camera is known or asked for, in another file."""
    if not query or not gallery:
        yield "no gallery images", [f"{len(query)} query images"] if query else []
        yield "no query images", [f"{len(gallery)} gallery images"] if gallery else []
        return
    cameras = by_cameras and any(record.camera for record in chain(query, gallery))

    def own(record: ImageRecord) -> str | None:
        return record.camera if cameras else os.path.normpath(record.path)

    answers: dict[str, set[str | None]] = {}
    for record in gallery:
        answers.setdefault(record.identity, set()).add(own(record))
    absent = [record.path for record in query if record.identity not in answers]
    alone = [record.path for record in query if answers.get(record.identity) == {own(record)}]
    if len(absent) == len(query):
        yield "no query identity appears in gallery", absent
        return
    yield "query identities that do not appear in gallery", absent
    besides = ("in another camera", "in another camera") if cameras else ("besides itself", "besides themselves")
    if len(absent) + len(alone) == len(query):
        yield f"no query has a right answer {besides[0]}", alone
    else:
        yield f"queries without a right answer {besides[1]}", alone


def _cameras(splits: ReidSplits) -> Found:
    records = every_record(splits)
    without = [record.path for record in records if record.camera is None]
    if len(without) == len(records):
        yield "no cameras", without if splits.protocol is None else []
        return
    yield "images without a camera, beside others that have one", without
    images = Counter(record.camera for record in records if record.camera)
    few = [f"{camera}: {count} images" for camera, count in sorted(images.items()) if count * UNEVEN < _median(images)]
    yield "cameras with far fewer images than others", few


def _sizes(looks: Mapping[Path, Look]) -> Found:
    sizes = {path: look.size for path, look in looks.items() if look.problem is None}
    yield "tiny images", [f"{path}: {w} x {h} pixels" for path, (w, h) in sizes.items() if min(w, h) < TINY]
    yield "huge images", [f"{path}: {w} x {h} pixels" for path, (w, h) in sizes.items() if w * h > HUGE]
    yield "images turned by EXIF", [path for path, look in looks.items() if look.turned]


def _median(counts: Mapping[str, int]) -> int:
    return sorted(counts.values())[len(counts) // 2] if counts else 0
