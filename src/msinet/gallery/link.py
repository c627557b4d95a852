"""Linking a gallery: entries without an identity get one, and what somebody said of two entries is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from msinet.errors import DatasetError, SettingsError
from msinet.files.paths import user_path
from msinet.gallery.entries import Entry
from msinet.gallery.filters import Filter
from msinet.gallery.gallery import Gallery
from msinet.gallery.linking.link_passes import Group, link
from msinet.gallery.linking.passes import Passes, passes_of
from msinet.gallery.linking.travel import Travel

NEW = "object-{}"
"""Name of a new group, by the lowest number of its entries."""


@dataclass(frozen=True)
class LinkedGroup:
    """Entries that show one object, as `link` found."""

    name: str
    """Its identity: a given one or, without, the name that it got."""
    entries: tuple[int, ...]
    """Numbers of its entries, ascending."""
    cameras: tuple[str, ...]
    certainty: float
    """Probability of its weakest merge; the similarity itself without a calibration."""
    weakest: str | None
    """The two entries that hold it together most weakly, and their similarity; None where nothing was merged."""


@dataclass(frozen=True)
class Linked:
    """What `link` found."""

    groups: tuple[LinkedGroup, ...]
    """Groups of several passes with an entry that has no given identity, the least certain first."""
    entries: int
    """Number of entries without a given identity."""
    objects: int
    """Number of objects that they are, those seen once included."""
    threshold: float

    def to_plain(self) -> dict[str, object]:
        """Return the result as plain values."""
        groups = [
            {
                "identity": group.name,
                "entries": group.entries,
                "cameras": group.cameras,
                "certainty": round(group.certainty, 4),
            }
            | {"weakest": group.weakest}
            for group in self.groups
        ]
        return {"threshold": self.threshold, "entries": self.entries, "objects": self.objects, "groups": groups}


def link_gallery(gallery: Gallery, threshold: float | None = None, travel: Path | None = None) -> Linked:
    """Give the entries without an identity one, so that near passes of cameras become one object.

    What was linked stays together, and what is new joins it or becomes an object of its own. An object with entries of a
    given identity has that one.

    Args:
        gallery: whose entries are linked; all their vectors are held in memory.
        threshold: least average similarity of what is joined; by default the calibrated threshold.
        travel: CSV file of the seconds between cameras; see `Travel`.

    Raises:
        SettingsError: there is no threshold, and the gallery was not calibrated.
        DatasetError: what somebody said contradicts itself.
        FileError: the file of travel times cannot be read.
    """
    calibrated = gallery.calibration
    if threshold is None and calibrated is None:
        raise SettingsError("give threshold, such as 0.6, or calibrate the gallery first", "threshold")
    least = calibrated[1].threshold if threshold is None and calibrated else float(threshold or 0)
    entries = gallery.find()
    passes = _passes(gallery, entries)
    place = {entry.id: position for position, entry in enumerate(entries)}
    said = [(place[one], place[other], same) for one, other, same in gallery.store.verdicts()]
    groups = link(
        passes,
        least,
        same=_across(passes, said, True),
        different=_across(passes, said, False),
        travel=Travel.read(user_path(travel)) if travel else None,
        probability=calibrated[1].probability if calibrated else float,
    )
    names = _names(groups, passes, entries)
    gallery.store.link(
        {
            entries[position].id: name
            for group, name in zip(groups, names, strict=True)
            for position in _positions(group, passes)
            if not _is_given(entries[position])
        }
    )
    found = [
        _linked(group, name, passes, entries) for group, name in zip(groups, names, strict=True) if _is_new(group, passes)
    ]
    without = [entry for entry in entries if not _is_given(entry)]
    objects = {name for group, name in zip(groups, names, strict=True) if _has_unlabelled(group, passes, entries)}
    return Linked(tuple(sorted(found, key=lambda group: (group.certainty, group.name))), len(without), len(objects), least)


def _is_given(entry: Entry) -> bool:
    return entry.identity is not None and not entry.linked


def _passes(gallery: Gallery, entries: Sequence[Entry]) -> Passes:
    ids, vectors = gallery.store.vectors(entry.id for entry in entries)
    row = {id: position for position, id in enumerate(ids.tolist())}
    return passes_of(
        vectors[[row[entry.id] for entry in entries]] if entries else np.empty((0, gallery.dim), np.float32),
        [entry.camera for entry in entries],
        [entry.track for entry in entries],
        [entry.time.timestamp() if entry.time else None for entry in entries],
        [entry.identity if _is_given(entry) else None for entry in entries],
        [entry.identity if entry.linked else None for entry in entries],
        [entry.id for entry in entries],
    )


def _across(passes: Passes, said: Iterable[tuple[int, int, bool]], same: bool) -> list[tuple[int, int]]:
    """Return the pairs of passes of which somebody said that they show the same object, or different ones."""
    return passes.of_pairs((one, other) for one, other, are_same in said if are_same is same)


def _positions(group: Group, passes: Passes) -> list[int]:
    return sorted(position for member in group.members for position in passes.entries[member].tolist())


def _is_new(group: Group, passes: Passes) -> bool:
    """Return whether a group of several passes has one without a given identity."""
    return len(group.members) > 1 and any(passes.identities[member] is None for member in group.members)


def _has_unlabelled(group: Group, passes: Passes, entries: Sequence[Entry]) -> bool:
    return any(not _is_given(entries[position]) for position in _positions(group, passes))


def _names(groups: Sequence[Group], passes: Passes, entries: Sequence[Entry]) -> list[str]:
    """Return the name of each group: its identity, the old name that it continues, or a new one."""
    taken = {entry.identity for entry in entries if _is_given(entry)}
    names = []
    for group in groups:
        old = next((name for name in group.names if name not in taken), None)
        name = group.identity or old or NEW.format(entries[_positions(group, passes)[0]].id)
        while name in taken and name != group.identity:
            name += "'"
        taken.add(name)
        names.append(name)
    return names


def _linked(group: Group, name: str, passes: Passes, entries: Sequence[Entry]) -> LinkedGroup:
    positions = _positions(group, passes)
    cameras = sorted({camera for position in positions if (camera := entries[position].camera)})
    weakest = None
    if group.weakest:
        first, second = (entries[passes.entries[end][0]].id for end in (group.weakest.first, group.weakest.second))
        weakest = f"{first} and {second}, {group.weakest.similarity:.3f}"
    return LinkedGroup(name, tuple(entries[position].id for position in positions), tuple(cameras), group.certainty, weakest)


def mark(gallery: Gallery, ids: Sequence[int], same: bool | None) -> None:
    """Keep what somebody says of entries: that all show the same object, or each another one; None takes it back.

    Raises:
        DatasetError: there is no such entry, or there are fewer than two.
    """
    if len(ids) == 1:
        raise DatasetError(f"only the entry {ids[0]} is marked: name two or more")
    for id in ids:
        gallery.entry(id)
    ordered = sorted(set(ids))
    for one, other in pairwise(ordered) if same else combinations(ordered, 2):
        gallery.store.judge(one, other, same)


def undo_link(gallery: Gallery, identity: str) -> int:
    """Take a linked identity apart, and remember that its passes show different objects; return the number of its entries.

    Raises:
        DatasetError: no entry was linked to it.
    """
    entries = gallery.find(Filter.of(identity=identity))
    linked = [entry for entry in entries if entry.linked]
    if not linked:
        raise DatasetError(f"no entry was linked to {identity}: msinet gallery list shows which identities there are")
    firsts = [entries[places[0]] for places in _passes(gallery, entries).entries]
    for one, other in combinations(firsts, 2):
        if one.linked or other.linked:
            gallery.store.judge(one.id, other.id, False)
    gallery.store.link({entry.id: None for entry in linked})
    return len(linked)
