"""Labels of entries for training: the identity that was given, that people's marks say, or that `link` found."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from msinet.gallery.entries import Entry

NEW = "marked-{}"
"""Name of an object whose entries have no identity but by marks, by the lowest number of its entries."""

Mark = tuple[int, int, bool]
"""Numbers of two entries, and whether somebody marked them as the same object."""


class Label(NamedTuple):
    """Identity of an entry."""

    identity: str
    source: Literal["given", "marked", "linked"]


@dataclass(frozen=True)
class EntryLabels:
    """Labels of entries, as training takes them."""

    by_entry: Mapping[int, Label]
    """By number of the entry; one without an identity is not there."""
    contradictions: tuple[tuple[int, ...], ...]
    """Numbers of the entries, group by group, that marks join and that cannot be one object. These marks are not used."""


@dataclass(frozen=True, eq=False)
class _Object:
    """Entries that marks join, or one entry that is only marked as different from others."""

    entries: tuple[Entry, ...]
    """By number."""

    @property
    def given(self) -> set[str]:
        """Identities that somebody gave to its entries."""
        return {entry.identity for entry in self.entries if _is_given(entry) and entry.identity}

    @property
    def linked(self) -> list[str]:
        """Identities that its entries have by `link`."""
        return [entry.identity for entry in self.entries if entry.linked and entry.identity]


def labels_of(entries: Sequence[Entry], marks: Iterable[Mark]) -> EntryLabels:
    """Return the label of each entry.

    Entries that are marked as the same, directly or through others, have one identity: the given one or, without, that of
    the lowest entry that has one by `link` or, without, a new one. An identity by `link` is not used for an object that is
    marked as different from another one with that identity. All other entries keep what they have on their own.

    Marks contradict each other where they join entries of two given identities, or two that are marked as different, and
    where two that are marked as different have the same given identity. Their entries keep what they have on their own.

    Args:
        entries: of a gallery.
        marks: what somebody said of two entries. Those about other entries are left out.
    """
    known = {entry.id: entry for entry in entries}
    marks = [(one, other, same) for one, other, same in marks if one in known and other in known]
    objects = _joined(known, marks)
    apart = [(objects[one], objects[other]) for one, other, same in marks if not same]
    wrong = {one for one in objects.values() if len(one.given) > 1}
    wrong |= {one for pair in apart if pair[0] is pair[1] or pair[0].given & pair[1].given for one in pair}
    labels = {e.id: Label(e.identity, "linked" if e.linked else "given") for e in entries if e.identity}
    names = _names([one for one in dict.fromkeys(objects.values()) if one not in wrong], apart, labels.values())
    for one, name in names.items():
        for entry in one.entries:
            if _is_given(entry):
                continue
            labels.pop(entry.id, None)
            if name is not None:
                labels[entry.id] = Label(name, "marked" if len(one.entries) > 1 else "linked")
    contradictions = sorted(tuple(entry.id for entry in one.entries) for one in wrong)
    return EntryLabels(labels, tuple(contradictions))


def _is_given(entry: Entry) -> bool:
    return entry.identity is not None and not entry.linked


def _joined(known: Mapping[int, Entry], marks: Sequence[Mark]) -> dict[int, _Object]:
    """Return the object of each entry that is marked, by number."""
    ids = sorted({id for mark in marks for id in mark[:2]})
    place = {id: position for position, id in enumerate(ids)}
    pairs = np.array([(place[one], place[other]) for one, other, same in marks if same], np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (len(ids), len(ids)))
    members: dict[int, list[int]] = defaultdict(list)
    for id, component in zip(ids, connected_components(graph, directed=False)[1].tolist() if ids else (), strict=True):
        members[component].append(id)
    return {id: one for some in members.values() for one in [_Object(tuple(known[id] for id in some))] for id in some}


def _names(
    objects: Sequence[_Object], apart: Sequence[tuple[_Object, _Object]], labels: Iterable[Label]
) -> dict[_Object, str | None]:
    """Return the identity of each object; None where marks deny the one that it has by `link`, and give no other."""
    taken = {label.identity for label in labels}
    denied: dict[_Object, set[str]] = defaultdict(set)
    for one, other in apart:
        denied[one].update(other.given or other.linked)
        denied[other].update(one.given or one.linked)
    names: dict[_Object, str | None] = {}
    for one in objects:
        name = next((name for name in (*one.given, *one.linked) if name in one.given or name not in denied[one]), None)
        if name is None and len(one.entries) > 1:
            name = NEW.format(one.entries[0].id)
            while name in taken:
                name += "'"
        names[one] = name
    return names
