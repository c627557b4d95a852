"""What the levels of folders mean: split, identity, camera, track, or a label of another name."""

import re
from collections.abc import Iterable, Sequence
from itertools import permutations

from msinet.data.readers.own_data import split_word
from msinet.errors import DatasetError

IGNORED = "-"
"""A level that says nothing, such as images/."""

NEUTRAL = frozenset(
    ("images", "image", "img", "imgs", "crops", "data", "dataset", "frames", "pictures", "photos", "jpg", "png")
)
"""Names of folders that say nothing."""

TYPES = frozenset(
    name + plural
    for name in (
        *("car", "truck", "bus", "van", "suv", "sedan", "taxi", "pickup", "vehicle", "motorcycle", "motorbike", "bike"),
        *("bicycle", "person", "people", "pedestrian", "face", "animal", "dog", "cat", "parcel", "boat"),
    )
    for plural in ("", "s", "es")
)
"""Names of folders that are a type of object."""

CAMERA = re.compile(
    r"(?:c|ch|view)[-_ ]?\d+[a-z]?|(?:cam|camera|kamera|cctv|webcam)(?:[^a-z].*|[a-z])?|(?:摄像头|相机).*", re.IGNORECASE
)
IDENTITY = re.compile(r"(?:id|identity|person|pid|vehicle|veh|vid|object|obj|car|subject|animal)[-_ ]?\d+", re.IGNORECASE)
TRACK = re.compile(r"(?:t|track|tracklet|seq|sequence|clip|pass)[-_ ]?\d+", re.IGNORECASE)
SESSION = re.compile(
    r"(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])(?:[-_T ].*)?|(?:day|session|date)[-_ ]?\d+"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day",
    re.IGNORECASE,
)

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")

Folders = tuple[str, ...]
"""Names of the folders above an image, from the top."""


def decide_levels(images: Sequence[Folders]) -> tuple[str, ...]:
    """Return the meaning of each level of folders above images.

    Levels whose names are all splits, types of objects or words such as images/ are known by these words. Of the one or two
    levels that are left, the names tell cameras (cam01) from identities (person0001). Otherwise the upper one is the
    identity, if it has as many names as the lower one and names of the lower one occur in several of its folders.

    Args:
        images: the folders above each image.

    Raises:
        DatasetError: two readings are possible, or no level can be the identity; the message says how to set `levels`.
    """
    roles: list[str] = []
    for level in range(max(map(len, images), default=0)):
        roles.append(_known_level(level, images, roles) or "")
    free = [level for level, role in enumerate(roles) if not role]
    names = [_names(images, level) for level in free]
    most = [level for level in free if 2 * sum(len(image) > level for image in images) > len(images)]
    if not free or (len(free) == 1 and all(map(CAMERA.fullmatch, names[0]))):
        raise _no_identity(roles, images)
    if len(free) == 1:
        chosen = ["identity"]
    elif len(most) < 2:
        chosen = ["identity", "camera"]  # Were the lower level the identity, most images would have none.
    elif len(most) == 2:
        pairs = {(image[free[0]], image[free[1]]) for image in images if len(image) > free[1]}
        chosen = _of_two(pairs, names[0], roles, free)
    else:
        chosen = _of_three(names[:3], roles, free)
    return _filled(roles, free, chosen)


def is_plain(name: str) -> bool:
    """Return whether the name of a folder says nothing about what the folder is: neither a split nor a camera nor a type."""
    known = name.lower() in NEUTRAL | TYPES or split_word(name) or CAMERA.fullmatch(name)
    return not known


def describe(roles: Sequence[str], counts: dict[str, int], splits: Iterable[str]) -> str:
    """Return what the levels of folders were taken for, in words."""
    said: list[str] = []
    level_is_said = False
    for role in (
        "split",
        "identity",
        "camera",
        "track",
        *sorted(set(roles) - {"split", "identity", "camera", "track", IGNORED}),
    ):
        if role not in roles:
            continue
        place = ORDINALS[roles.index(role)] + ("" if level_is_said else " folder level")
        level_is_said = True
        said.append(f"{role} = {place}, {', '.join(splits) if role == 'split' else counts.get(role, 0)}")
    return "; ".join(said)


def _known_level(level: int, images: Sequence[Folders], above: Sequence[str]) -> str | None:
    """Return the role of a level by the words that are its names, None where they say nothing."""
    names = {name.lower() for name in _names(images, level)}
    if names <= NEUTRAL:
        return IGNORED
    if "split" not in above and all(map(split_word, names)):
        return "split"
    if level == 0 and any(map(split_word, names)) and _splits_beside_others(images):
        return "split"
    if "type" not in above and names <= TYPES:
        return "type"
    return None


def _splits_beside_others(images: Sequence[Folders]) -> bool:
    """Return whether folders named like splits, beside others, are splits: if they hold folders with most of the images.

    Raises:
        DatasetError: they are few beside the others, so that one may be an identity with such a name.
    """
    inside = sum(1 for image in images if len(image) > 1 and split_word(image[0]))
    outside = sum(1 for image in images if image and not split_word(image[0]))
    if inside >= outside:
        return True
    words = sorted({image[0] for image in images if image and split_word(image[0])})
    others = len({image[0] for image in images if image and not split_word(image[0])})
    raise DatasetError(
        f"{', '.join(words[:3])} is named like a split, but lies beside {others} other folders of images. If it is an "
        "identity, set levels to identity or identity/camera; if only folders of splits are the data, to split/identity or "
        "split/identity/camera",
        "levels",
    )


def _names(images: Sequence[Folders], level: int) -> set[str]:
    return {image[level] for image in images if len(image) > level}


def _filled(roles: Sequence[str], free: Sequence[int], chosen: Sequence[str]) -> tuple[str, ...]:
    """Return the roles with those of the free levels; what lies deeper than the last of them is no level."""
    given = dict(zip(free, chosen, strict=False))
    last = max(given)
    known = [role for level, role in enumerate(roles) if level > last and role]
    end = len(roles) if known and len(free) == len(given) else last + 1
    return tuple(given.get(level, role) for level, role in enumerate(roles[:end]))


def _of_two(pairs: set[tuple[str, str]], upper: set[str], roles: Sequence[str], free: Sequence[int]) -> list[str]:
    """Return the roles of two levels: of identities and cameras."""
    lower = {name for _, name in pairs}
    kinds = [_kind(upper), _kind(lower)]
    if "session" in kinds and kinds[0] != kinds[1]:
        return ["session", "identity"] if kinds[0] == "session" else ["identity", "session"]
    if kinds[0] != kinds[1]:
        return ["camera", "identity"] if kinds[0] == "camera" or kinds[1] == "identity" else ["identity", "camera"]
    # Cameras see several identities: their names repeat from folder to folder, and there are fewer of them.
    repeated = len(pairs) > len(lower)
    one_has_folders = len({name for name, _ in pairs}) == 1
    if one_has_folders or (repeated and len(upper) >= len(lower)):
        return ["identity", "camera"]
    raise _two_readings(
        f"the upper level of folders has {len(upper)} names ({_few(upper)}), the lower one {len(lower)} ({_few(lower)}), "
        "and either may be the identity",
        roles,
        free,
        [("identity", "camera"), ("camera", "identity")],
    )


def _of_three(names: Sequence[set[str]], roles: Sequence[str], free: Sequence[int]) -> list[str]:
    """Return the roles of three levels: an identity, a camera, and a track or a session, if one order fits the names."""
    kinds = [_kind(level) for level in names]
    orders = [("identity", "camera", "track"), ("camera", "identity", "track"), ("identity", "track", "camera")]
    orders += list(permutations(("session", "identity", "camera")))
    possible = [order for order in orders if all(kind in (None, role) for kind, role in zip(kinds, order, strict=True))]
    sure = [order for order in possible if "camera" in kinds and _is_sure(order, names)]
    if len(sure) == 1:
        return list(sure[0])
    shown = "; ".join(f"{ORDINALS[level]}: {_few(found)}" for level, found in zip(free, names, strict=False))
    raise _two_readings(f"it is not clear what the levels of folders are ({shown})", roles, free, possible or orders)


def _is_sure(order: Sequence[str], names: Sequence[set[str]]) -> bool:
    """Return whether names say which level is the identity: sessions look like dates; tracks are fewer or named so."""
    level = dict(zip(order, names, strict=True))
    if "session" in level:
        return _kind(level["session"]) == "session"
    named = _kind(level["identity"]) == "identity" or _kind(level["track"]) == "track"
    return named or len(level["identity"]) >= len(level["track"])


def _kind(names: set[str]) -> str | None:
    """Return what the names of a level are by their form: camera, identity, track, session or None."""
    for kind, form in (("camera", CAMERA), ("identity", IDENTITY), ("track", TRACK), ("session", SESSION)):
        if all(map(form.fullmatch, names)):
            return kind
    return None


def _two_readings(what: str, roles: Sequence[str], free: Sequence[int], readings: Sequence[Sequence[str]]) -> DatasetError:
    ways = " or ".join("/".join(_filled(roles, free, reading)) for reading in readings)
    return DatasetError(f"{what}: set levels to {ways}", "levels")


def _no_identity(roles: Sequence[str], images: Sequence[Folders]) -> DatasetError:
    """Return the error of a dataset whose folders are all splits, cameras, types or the like."""
    words = {"split": "splits", "type": "types", IGNORED: "images", "": "cameras"}
    found = [f"{_few(_names(images, level))} (named like {words.get(role, role)})" for level, role in enumerate(roles)]
    return DatasetError(
        f"no level of folders can be the identity: {'; '.join(found)}. Put the images of each identity into a "
        "folder of its own, or write a table with columns path and identity. If these folders are identities, set levels to "
        "identity",
        "levels",
    )


def _few(names: Iterable[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (", ..." if len(shown) > 3 else "")
