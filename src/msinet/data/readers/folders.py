"""Reader of your own images in folders, one folder per identity."""

import re
from collections.abc import Sequence
from pathlib import Path

from msinet.data.labels import normalise
from msinet.data.readers.folder_levels import IGNORED, decide_levels, describe
from msinet.data.readers.folder_tree import Leaf, walk
from msinet.data.readers.own_data import gallery_if_queries_are_apart, split_by_identity, split_word, splits_from_words
from msinet.data.records import ImageRecord, ReidSplits, Skipped
from msinet.errors import DatasetError, listed

LAYOUT = (
    "folders of images, <identity>/*.jpg, <identity>/<camera>/*.jpg or <camera>/<identity>/*.jpg, "
    "optionally below train/, validation/, query/, gallery/ or test/"
)

NO_FIELDS = ("split", "identity", "camera", "track")
"""Levels that have a place of their own in a record."""

UNREAD = "a table of a kind that is not read: save it as CSV UTF-8 or as Parquet"
UNREAD_TABLES = frozenset((".xlsx", ".xls", ".ods", ".gz", ".json", ".jsonl", ".pkl", ".feather"))
"""Suffixes of tables that people keep labels in."""

CAMERA_IN_NAME = re.compile(r"_(c\d+)(?!\d)")
JUNK = "-1"
ALL_OF_TRAIN = "train_all"
"""Folder that holds the images of train/ and val/ as well, in data prepared for a well-known baseline of the field."""


def recognises(path: Path) -> bool:
    """Return whether any folder in it holds an image."""
    return path.is_dir() and any(isinstance(found, Leaf) and found.folders for found in walk(path))


def read(path: Path, seed: int = 0, levels: str | None = None) -> ReidSplits:
    """Read images whose labels are the names of the folders that they lie in.

    `levels` says what each level of folders is: split, identity, camera, track, or a label of another name, such as
    split/camera/identity. Without it the names decide, as `decide_levels` says. File names are not interpreted, with one
    exception: where all begin with the identity's folder and a camera, 0002/0002_c1s1_000451_03.jpg, they give the camera,
    and the identity -1 is junk and left out. Without splits, the seed halves the identities.

    Raises:
        DatasetError: the levels have two readings, or none is the identity.
        FileError: a folder cannot be listed.
    """
    found = list(walk(path))
    leaves = [one for one in found if isinstance(one, Leaf)]
    skipped = [_with_advice(one) for one in found if isinstance(one, Skipped)]
    roles = tuple(levels.split("/")) if levels else _decided(path, leaves, skipped)
    leaves, without_use = _usable(path, leaves, roles)
    anew = _numbered_anew(leaves, roles)
    in_names = "camera" not in roles and bool(leaves) and all(_camera_in_name(leaf, roles) for leaf in leaves)
    records: dict[str, list[ImageRecord]] = {}
    for leaf in leaves:
        labels = dict(zip(roles, map(normalise, leaf.folders), strict=False))
        if in_names and labels["identity"] == JUNK:
            without_use.append(Skipped(leaf.path, "junk: identity -1"))
            continue
        identity = f"{labels['type']}/{labels['identity']}" if anew else labels["identity"]
        camera = _camera_in_name(leaf, roles) if in_names else labels.get("camera")
        fields = {name: label for name, label in labels.items() if name not in (*NO_FIELDS, IGNORED)}
        record = ImageRecord(leaf.path, identity, camera, labels.get("track"), fields)
        records.setdefault(split_word(labels.get("split", "")) or "", []).append(record)
    if "split" in roles:
        records = gallery_if_queries_are_apart(records)
    understood = _in_words(roles, records, in_names) + ("; identities are numbered anew in each type" if anew else "")
    if "split" not in roles:
        records = split_by_identity(records.get("", []), seed)
    return splits_from_words(path.absolute().name, records, [*skipped, *without_use], understood)


def _with_advice(skipped: Skipped) -> Skipped:
    return Skipped(skipped.path, UNREAD) if skipped.path.suffix.lower() in UNREAD_TABLES else skipped


def _decided(root: Path, leaves: Sequence[Leaf], skipped: Sequence[Skipped]) -> tuple[str, ...]:
    """Return what the names of the levels say; an error names tables beside the folders that are not read."""
    try:
        return decide_levels([leaf.folders for leaf in leaves if leaf.folders])
    except DatasetError as error:
        unread = [f"{one.path.name} is {UNREAD}" for one in skipped if one.reason == UNREAD and one.path.parent == root]
        raise DatasetError(f"{error}{listed(unread, limit=3)}", *error.settings) from error


def _usable(root: Path, leaves: Sequence[Leaf], roles: Sequence[str]) -> tuple[list[Leaf], list[Skipped]]:
    """Return the images at the levels that are read, and what is left out: single images, or a folder once."""
    tops = {leaf.folders[0].lower() for leaf in leaves if leaf.folders}
    superseded = ("train", "val") if roles[0] == "split" and ALL_OF_TRAIN in tops else ()
    usable: list[Leaf] = []
    left_out: dict[Path, str] = {}
    for leaf in leaves:
        folders = leaf.folders
        if "split" in roles[: len(folders)] and not split_word(folders[roles.index("split")]):
            left_out.setdefault(root.joinpath(*folders[: roles.index("split") + 1]), "outside the folders of splits")
        elif folders and folders[0].lower() in superseded:
            left_out.setdefault(root / folders[0], f"its images are in {ALL_OF_TRAIN}")
        elif len(folders) <= roles.index("identity"):
            left_out[leaf.path] = "not in an identity's folder"
        elif len(folders) > len(roles):
            left_out.setdefault(root.joinpath(*folders[: len(roles) + 1]), f"deeper than {'/'.join(roles)}")
        else:
            usable.append(leaf)
    return usable, [Skipped(path, reason) for path, reason in left_out.items()]


def _numbered_anew(leaves: Sequence[Leaf], roles: Sequence[str]) -> bool:
    """Return whether a name of an identity occurs in two types: one object has one type, so these are two objects."""
    if "type" not in roles:
        return False
    types: dict[str, set[str]] = {}
    for leaf in leaves:
        if len(leaf.folders) > roles.index("type"):
            types.setdefault(leaf.folders[roles.index("identity")], set()).add(leaf.folders[roles.index("type")])
    return any(len(found) > 1 for found in types.values())


def _camera_in_name(leaf: Leaf, roles: Sequence[str]) -> str | None:
    """Return the camera in the name of a file that begins with the name of its identity's folder."""
    identity = leaf.folders[roles.index("identity")]
    name = leaf.path.name
    camera = CAMERA_IN_NAME.match(name, len(identity)) if name.startswith(identity) else None
    return camera[1] if camera else None


def _in_words(roles: Sequence[str], records: dict[str, list[ImageRecord]], cameras_in_names: bool) -> str:
    """Return how the folders were understood."""
    together = [record for members in records.values() for record in members]
    counts = {name: len({getattr(record, name) for record in together} - {None}) for name in ("identity", "camera", "track")}
    others = {name for record in together for name in record.fields}
    counts |= {name: len({record.fields.get(name) for record in together} - {None}) for name in others}
    words = describe(roles, counts, sorted(records))
    if cameras_in_names:
        return f"{words}; camera = in the files' names, {counts['camera']}"
    return words if counts["camera"] else f"{words}; no cameras"
