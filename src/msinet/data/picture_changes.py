"""Differences of two lists of pictures in words: changed, added, removed, moved between splits, relabelled."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A record of a dataset."""

    part: str
    """The split, or query or gallery of a test size."""
    name: str
    """File, as below the folder that holds all files."""
    identity: str
    camera: str | None
    track: str | None

    @property
    def labels(self) -> dict[str, str | None]:
        """The labels by name."""
        return {"identity": self.identity, "camera": self.camera, "track": self.track}


SAME_IMAGE: tuple[Callable[[Row], Hashable], ...] = (
    lambda row: (row.part, row.name),
    lambda row: (row.part, row.name.rpartition("/")[2]),
    lambda row: row.name,
)
"""What makes rows of two lists the same image, tried in turn: the same file, in another folder, in another split."""


def changes_in_words(
    before: Sequence[Row], hashes_before: Sequence[bytes], after: Sequence[Row], hashes_after: Sequence[bytes]
) -> list[str]:
    """Return what changed between two lists in sentences, none where nothing did; a file in several parts counts once.

    Args:
        before: (N,) rows of the first list.
        hashes_before: (N,) of their files.
        after: (M,) rows of the second list.
        hashes_after: (M,) of their files.
    """
    pairs = _pairs(before, after)
    gone, new = set(range(len(before))), set(range(len(after)))
    gone.difference_update(i for i, _ in pairs)
    new.difference_update(j for _, j in pairs)
    changed = [after[j].name for i, j in pairs if hashes_before[i] != hashes_after[j]]
    moved = [f"{after[j].name}: {before[i].part} -> {after[j].part}" for i, j in pairs if before[i].part != after[j].part]
    labels = [words for i, j in pairs if (words := _relabelled(before[i], after[j]))]
    said = [
        _images({
            "changed": changed,
            "added": [after[j].name for j in sorted(new)],
            "removed": [before[i].name for i in sorted(gone)],
        }),
        _sentence("image", "in another split", moved),
        _sentence("label", "changed", labels),
    ]  # fmt: skip
    if not any(said) and [i for i, _ in sorted(pairs, key=lambda pair: pair[1])] != list(range(len(before))):
        return ["the images are in another order"]
    return [words for words in said if words]


def _pairs(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[int, int]]:
    """Return the positions of the rows that are the same image in both lists; each row is in one pair at most."""
    pairs: list[tuple[int, int]] = []
    old, new = list(range(len(before))), list(range(len(after)))
    for key in SAME_IMAGE:
        there = dict(zip(_numbered(key(before[i]) for i in old), old, strict=True))
        names = list(_numbered(key(after[j]) for j in new))
        pairs += [(there[name], j) for name, j in zip(names, new, strict=True) if name in there]
        found = {i for i, _ in pairs}, {j for _, j in pairs}
        old, new = [i for i in old if i not in found[0]], [j for j in new if j not in found[1]]
    return pairs


def _numbered(keys: Iterable[Hashable]) -> Iterable[tuple[Hashable, int]]:
    """Yield each key with the number of the same keys before it, since a file may be in a split twice."""
    seen: Counter[Hashable] = Counter()
    for key in keys:
        yield key, seen[key]
        seen[key] += 1


def _images(kinds: dict[str, list[str]]) -> str:
    """Return "3 images changed, 2 added, 1 removed (the first: a.jpg)"."""
    there = {kind: list(dict.fromkeys(names)) for kind, names in kinds.items() if names}
    counts = [f"{len(names)} {kind}" for kind, names in there.items()]
    if not counts:
        return ""
    first = next(iter(there.values()))
    number, rest = counts[0].split(" ", 1)
    noun = "image" if len(first) == 1 else "images"
    return f"{', '.join([f'{number} {noun} {rest}', *counts[1:]])} (the first: {first[0]})"


def _sentence(noun: str, what: str, examples: Sequence[str]) -> str:
    count = len(set(examples))
    return f"{count} {noun if count == 1 else noun + 's'} {what} (the first: {examples[0]})" if count else ""


def _relabelled(before: Row, after: Row) -> str:
    """Return which label of an image changed; empty where none did."""
    for name, label in before.labels.items():
        if (now := after.labels[name]) != label:
            return f"{name} of {after.name}: {label} -> {now}"
    return ""
