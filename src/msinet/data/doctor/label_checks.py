"""Labels that differ by their spelling alone: leading zeros, capitals, blanks, or characters that look alike."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from msinet.data.records import ImageRecord, ReidSplits

LOOK_ALIKE = str.maketrans("аеіјорсухуԛѕԁһαοινρτυχκ", "aeijopcyxyqsdhaoivptuxk")
"""Lower-case letters of Cyrillic and Greek, and the Latin ones that they look like."""

NO_OBJECT = frozenset(
    (
        *("-1", "?", "unknown", "unk", "undefined", "unlabelled", "unlabeled", "junk", "distractor", "distractors"),
        *("other", "others", "noise", "background", "misc"),
    )
)
"""Labels, in lower case, that people give to images of no known object."""


def label_troubles(splits: ReidSplits) -> Iterable[tuple[str, Sequence[object]]]:
    """Yield the troubles with labels that may mean the same, each with its examples."""
    roles = {"train": [*splits.train, *splits.validation], "test": _tested(splits)}
    sides = {role: {record.identity for record in records} for role, records in roles.items()}
    together = near_equal(sides["train"] | sides["test"])
    across = [group for group in together if set(group) & sides["train"] and set(group) & sides["test"]]
    yield "identities spelled in two ways in train and test", [in_words(group) for group in across]
    yield "identities spelled in two ways", [in_words(group) for group in together if group not in across]
    known = sorted(sides["train"] | sides["test"])
    yield "labels that seem to mean no object", [label for label in known if label.casefold() in NO_OBJECT]
    cameras = {record.camera for record in splits.records() if record.camera}
    yield "cameras spelled in two ways", [in_words(group) for group in near_equal(cameras)]


def near_equal(labels: Iterable[str]) -> list[list[str]]:
    """Return groups of labels that differ by spelling alone."""
    groups: dict[str, list[str]] = {}
    for label in sorted(set(labels)):
        groups.setdefault(spelling_free(label), []).append(label)
    return [group for group in groups.values() if len(group) > 1]


def spelling_free(label: str) -> str:
    """Return a label without what people spell differently: blanks, capitals, leading zeros, .0, look-alike letters."""
    text = unicodedata.normalize("NFKC", label).casefold()
    text = "".join(c for c in text if not c.isspace() and unicodedata.category(c) != "Cf").translate(LOOK_ALIKE)
    text = re.sub(r"(?<!\d)0+(?=\d)", "", text)
    return re.sub(r"(?<=\d)\.0+$", "", text)


def in_words(group: Sequence[str]) -> str:
    """Return labels side by side, with the code points of what a reader cannot see: characters that are not ASCII."""
    return " = ".join(repr(label) + _code_points(label) for label in group)


def _code_points(label: str) -> str:
    odd = [f"U+{ord(character):04X}" for character in label if not character.isascii()]
    return f" ({', '.join(odd)})" if odd else ""


def _tested(splits: ReidSplits) -> list[ImageRecord]:
    return [r for part, records in splits.parts().items() if part not in ("train", "validation") for r in records]
