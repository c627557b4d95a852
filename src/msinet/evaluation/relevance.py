"""Relevance of gallery images: matches and junk, per query. All others are non-matches."""

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
        """(Q,) number of positions of each query."""
        return np.diff(self.starts)

    @property
    def owners(self) -> np.ndarray:
        """(sum of all,) the query of each position."""
        return np.repeat(np.arange(len(self.starts) - 1), self.lengths)

    def where(self, keep: np.ndarray) -> "PositionLists":
        """Return the lists with only the positions that `keep`, (sum of all,) bool, marks."""
        lengths = np.bincount(self.owners[keep], minlength=len(self.starts) - 1)
        return lists_of(lengths, self.positions[keep])

    def part(self, first: int, count: int) -> "PositionLists":
        """Return the lists of some consecutive queries."""
        begin, end = self.starts[first], self.starts[first + count]
        return lists_of(self.lengths[first : first + count], self.positions[begin:end])

    def within(self, columns: np.ndarray, size: int) -> "PositionLists":
        """Return the lists for a gallery that has only `columns`, positions in one of `size`, in their order."""
        places = np.full(size, -1, np.int32)
        places[columns] = np.arange(len(columns), dtype=np.int32)
        moved = PositionLists(self.starts, places[self.positions])
        return moved.where(moved.positions >= 0)


def lists_of(lengths: np.ndarray, positions: np.ndarray) -> PositionLists:
    """Return lists of these lengths, (Q,), from all their positions in order."""
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return PositionLists(starts, positions.astype(np.int32))


@dataclass(frozen=True)
class Relevance:
    """Matches and junk of each query; no gallery image is both."""

    matches: PositionLists
    """Gallery images of the query's identity that count."""
    junk: PositionLists
    """Gallery images that are left out of the query's ranking."""

    def within(self, columns: np.ndarray, size: int) -> "Relevance":
        """Return the relevance in a gallery that has only `columns`, positions in one of `size`, in their order."""
        return Relevance(self.matches.within(columns, size), self.junk.within(columns, size))


def relevance_of(
    query: Sequence[ImageRecord],
    gallery: Sequence[ImageRecord],
    protocol: Protocol,
    answers: Mapping[Path, Answers] | None = None,
) -> Relevance:
    """Return matches and junk of each query under a protocol.

    Args:
        query: Q records.
        gallery: G records.
        protocol: the rule.
        answers: the dataset's index files by the path of the query, for a protocol that goes by them.

    Raises:
        DatasetError: the protocol goes by index files, which are missing or do not name a query; or no query has a match,
            for a reason that the message says.
    """
    if protocol.by_lists:
        relevance = _by_lists(query, gallery, protocol, answers or {})
    else:
        query_identities, identities = _numbered([r.identity for r in query], [r.identity for r in gallery])
        query_keys, keys = _numbered([protocol.junk_key(r) for r in query], [protocol.junk_key(r) for r in gallery])
        same = _members(query_identities, identities)
        matches = same.where(keys[same.positions] != query_keys[same.owners])
        relevance = Relevance(matches, _members(query_keys, keys))
    if not len(relevance.matches.positions):
        raise _no_match(query, gallery, protocol)
    return relevance


def _by_lists(
    query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], protocol: Protocol, answers: Mapping[Path, Answers]
) -> Relevance:
    if missing := [record.path for record in query if record.path not in answers]:
        raise DatasetError(
            f"protocol {protocol.name!r} needs gt_index.txt and jk_index.txt, and they do not name {len(missing)} "
            f"queries, the first {missing[0]}: use a complete copy of the dataset, or choose another protocol"
        )
    places = {record.path: place for place, record in enumerate(gallery)}

    def lists(which: Sequence[frozenset[Path]]) -> PositionLists:
        found = [sorted(places[path] for path in paths if path in places) for paths in which]
        return lists_of(np.array([len(one) for one in found], np.int64), np.array([place for one in found for place in one]))

    listed = [answers[record.path] for record in query]
    return Relevance(lists([one.right for one in listed]), lists([one.junk for one in listed]))


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


def _no_match(query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], protocol: Protocol) -> DatasetError:
    """Return the error of a gallery without a match, which says why there is none."""
    if not query or not gallery:
        return nothing_to_score(len(query), len(gallery))
    if protocol.by_lists:
        return DatasetError(
            "gt_index.txt names no gallery image as a match of any query: use a complete copy of the dataset, or choose "
            "another protocol"
        )
    in_gallery = {record.identity for record in gallery}
    if in_gallery.isdisjoint(record.identity for record in query):
        return DatasetError(
            f"query identities do not appear in the gallery (the first are {query[0].identity!r} and "
            f"{gallery[0].identity!r}): check that both belong to one dataset and write identities alike, with leading zeros"
        )
    files: dict[str, set[Path]] = {}
    for record in gallery:
        files.setdefault(record.identity, set()).add(record.path)
    if not any(files.get(record.identity, set()) - {record.path} for record in query):
        return DatasetError(
            "no query has a match besides itself: each identity has a single image, and a score needs two. Add images, or "
            "check that all images of an object have the same identity"
        )
    cameras = {record.camera for record in (*query, *gallery)}
    own = f"the only camera, {cameras.pop()!r}" if len(cameras) == 1 else "the query's own camera"
    return DatasetError(
        f"no query has a match in another camera: all gallery images of its identity are from {own}, and {protocol.name!r} "
        "leaves those out. Set protocol to no-camera, which counts them, or check the labels of the cameras",
        "protocol",
    )


def nothing_to_score(queries: int, gallery: int) -> DatasetError:
    """Return the error of data in which there is no query or nothing to search."""
    return DatasetError(
        f"nothing to score: {queries} query and {gallery} gallery images. Add the one that is missing, or give "
        "images the split test, which is both"
    )
