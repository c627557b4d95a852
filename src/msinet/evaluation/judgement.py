"""What counts for each query: the positions in the gallery that are right, and those that are junk. All others are wrong."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msinet.data.records import Answers, ImageRecord
from msinet.errors import DatasetError
from msinet.evaluation.protocols import Protocol


@dataclass(frozen=True)
class PositionLists:
    """A list of gallery positions for each of Q queries, one after the other."""

    starts: np.ndarray
    """(Q + 1,) int64: query q has `positions[starts[q] : starts[q + 1]]`."""
    positions: np.ndarray
    """(sum of all,) int32."""

    def __getitem__(self, query: int) -> np.ndarray:
        return self.positions[self.starts[query] : self.starts[query + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """(Q,) positions of each query."""
        return np.diff(self.starts)

    @property
    def owners(self) -> np.ndarray:
        """(sum of all,) the query that each position belongs to."""
        return np.repeat(np.arange(len(self.starts) - 1), self.lengths)

    def where(self, keep: np.ndarray) -> "PositionLists":
        """Return the lists with only the positions that `keep`, (sum of all,) bool, marks."""
        return lists_of(self.lengths_of(keep), self.positions[keep])

    def lengths_of(self, keep: np.ndarray) -> np.ndarray:
        """(Q,) how many positions of each query are marked."""
        return np.bincount(self.owners[keep], minlength=len(self.starts) - 1)

    def within(self, columns: np.ndarray, size: int) -> "PositionLists":
        """Return the lists for a gallery that holds only `columns`, positions in one of `size`, in their order."""
        places = np.full(size, -1, np.int32)
        places[columns] = np.arange(len(columns), dtype=np.int32)
        moved = PositionLists(self.starts, places[self.positions])
        return moved.where(moved.positions >= 0)


def lists_of(lengths: np.ndarray, positions: np.ndarray) -> PositionLists:
    """Make lists of these lengths, (Q,), from all their positions in order."""
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return PositionLists(starts, positions.astype(np.int32))


@dataclass(frozen=True)
class Judgement:
    """Right and junk of each query; never both."""

    right: PositionLists
    junk: PositionLists


def judge(
    query: Sequence[ImageRecord],
    gallery: Sequence[ImageRecord],
    protocol: Protocol,
    answers: Mapping[Path, Answers] | None = None,
) -> Judgement:
    """Return what is right and what is junk for each query under a protocol.

    Args:
        query: Q records.
        gallery: G records.
        protocol: the rule.
        answers: what the dataset's index files say, by the path of the query; only for a protocol that goes by them.

    Raises:
        DatasetError: the protocol goes by index files and there are none, or they do not name a query; or no query has a
            right answer: the message says why.
    """
    if protocol.by_lists:
        judgement = _judge_by_lists(query, gallery, protocol, answers or {})
    else:
        query_identities, identities = _numbered([r.identity for r in query], [r.identity for r in gallery])
        query_keys, keys = _numbered([protocol.junk_key(r) for r in query], [protocol.junk_key(r) for r in gallery])
        same = _members(query_identities, identities)
        right = same.where(keys[same.positions] != query_keys[same.owners])
        judgement = Judgement(right, _members(query_keys, keys))
    if not len(judgement.right.positions):
        raise DatasetError(_why_no_right_answer(query, gallery, protocol))
    return judgement


def _judge_by_lists(
    query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], protocol: Protocol, answers: Mapping[Path, Answers]
) -> Judgement:
    if missing := [record.path for record in query if record.path not in answers]:
        raise DatasetError(
            f"protocol {protocol.name!r} goes by gt_index.txt and jk_index.txt, and they do not name {len(missing)} "
            f"queries, the first {missing[0]}: take a complete copy of the dataset, or another protocol"
        )
    places = {record.path: place for place, record in enumerate(gallery)}
    found = {"right": [], "junk": []}
    for record in query:
        for kind, lists in found.items():
            paths = getattr(answers[record.path], kind)
            lists.append(sorted(places[path] for path in paths if path in places))
    right, junk = (
        lists_of(np.array([len(each) for each in lists], np.int64), np.array([place for each in lists for place in each]))
        for lists in found.values()
    )
    return Judgement(right, junk)


def _members(query_numbers: np.ndarray, numbers: np.ndarray) -> PositionLists:
    """List for each query, (Q,), the positions in the gallery, (G,), that have its number."""
    order = np.argsort(numbers, kind="stable")
    first = np.searchsorted(numbers, query_numbers, "left", sorter=order)
    lengths = np.searchsorted(numbers, query_numbers, "right", sorter=order) - first
    before = np.cumsum(lengths) - lengths
    return lists_of(lengths, order[np.repeat(first - before, lengths) + np.arange(lengths.sum())])


def _numbered(query: Sequence[Hashable], gallery: Sequence[Hashable]) -> tuple[np.ndarray, np.ndarray]:
    """Return integers (Q,) and (G,) that are equal where the labels are."""
    numbers: dict[Hashable, int] = {}
    numbered = [numbers.setdefault(label, len(numbers)) for label in (*query, *gallery)]
    return np.array(numbered[: len(query)], dtype=np.int32), np.array(numbered[len(query) :], dtype=np.int32)


def _why_no_right_answer(query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], protocol: Protocol) -> str:
    if not query or not gallery:
        return f"nothing to score: {len(query)} query and {len(gallery)} gallery images"
    in_gallery = {record.identity for record in gallery}
    if in_gallery.isdisjoint(record.identity for record in query):
        return (
            f"query identities do not appear in gallery (the first are {query[0].identity!r} and "
            f"{gallery[0].identity!r}): check that both belong to one dataset and write identities alike, leading zeros too"
        )
    return (
        f"no query has a right answer under protocol {protocol.name!r}: "
        f"{protocol.description} Check that the gallery holds other images of the query identities"
    )
