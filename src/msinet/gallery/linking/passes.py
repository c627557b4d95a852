"""Passes: the entries of one track in one camera, pooled to one vector with a first and a last time."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from msinet.errors import DatasetError


@dataclass(frozen=True)
class Passes:
    """P passes of objects through the views of cameras.

    Raises:
        ValueError: a column has another length than the vectors.
        DatasetError: a vector is not finite.
    """

    vectors: np.ndarray
    """(P, D) float32, unit length."""
    cameras: Sequence[str | None]
    """P labels, None where unknown."""
    first: np.ndarray
    """(P,) float64, UTC seconds of the first image; NaN where unknown."""
    last: np.ndarray
    """(P,) float64, UTC seconds of the last image; NaN where unknown."""
    identities: Sequence[str | None]
    """P labels that a person gave, None where nobody did."""
    groups: Sequence[tuple[str, ...]]
    """P times the names of the groups that a pass is in already: none, one, or several where its entries disagree."""
    entries: Sequence[np.ndarray]
    """P times the positions of the entries of a pass."""
    numbers: Sequence[int] = ()
    """N numbers by which messages call the entries; by default their positions."""

    def __post_init__(self) -> None:
        columns = {name: len(getattr(self, name)) for name in self.__dataclass_fields__ if name != "numbers"}
        if len(set(columns.values())) > 1 or self.vectors.ndim != 2:
            raise ValueError(f"vectors of shape (P, D) and P values in each column are needed, not {columns}")
        if not np.isfinite(self.vectors).all():
            raise DatasetError(
                f"{(~np.isfinite(self.vectors).all(1)).sum()} vectors are not finite: embed these images anew"
            )

    def __len__(self) -> int:
        return len(self.vectors)

    def number_of(self, place: int) -> int:
        """Return the number of a pass's first entry."""
        position = int(self.entries[place][0])
        return self.numbers[position] if self.numbers else position

    @cached_property
    def of_entry(self) -> np.ndarray:
        """(N,) position of the pass that each entry belongs to."""
        owner = np.empty(sum(map(len, self.entries)), np.int64)
        for position, entries in enumerate(self.entries):
            owner[entries] = position
        return owner

    def of_pairs(self, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return pairs of passes for pairs of entries, such as those that a person marked."""
        return [(int(self.of_entry[one]), int(self.of_entry[other])) for one, other in pairs]


def passes_of(
    vectors: np.ndarray,
    cameras: Sequence[str | None],
    tracks: Sequence[str | None],
    times: Sequence[float | None],
    identities: Sequence[str | None],
    groups: Sequence[str | None],
    numbers: Sequence[int] = (),
) -> Passes:
    """Return the passes of N entries, in the order of their first entries.

    The entries of one track in one camera are one pass; an entry without a track is a pass of its own. A track in which a
    person named several identities is a pass for each of them. Names of tracks must not be used again for other objects,
    as trackers do that count from 1 in each video.

    Args:
        vectors: (N, D), unit length. A pass has their mean, scaled to unit length.
        cameras: N labels, None where unknown; likewise below.
        tracks: of the passes through a camera's view.
        times: UTC seconds. First and last time of a pass are those of its entries that have one.
        identities: that a person gave. A pass has that of any of its entries.
        groups: names of the groups that entries are in already.
        numbers: by which messages call the entries; by default their positions.

    Raises:
        ValueError: a column has another length than the vectors.
        DatasetError: a vector is not finite.
    """
    vectors = np.asarray(vectors, np.float32)
    columns = (cameras, tracks, times, identities, groups)
    if vectors.ndim != 2 or any(len(column) != len(vectors) for column in columns):
        raise ValueError(f"vectors {vectors.shape} need {len(vectors)} values in each column, not {list(map(len, columns))}")
    entries = _by_track(cameras, tracks, identities)
    firsts = [places[0] for places in entries]
    seconds = np.array([np.nan if time is None else time for time in times], np.float64)
    return Passes(
        _pooled(vectors, entries),
        [cameras[place] for place in firsts],
        np.array([np.fmin.reduce(seconds[places]) for places in entries], np.float64),
        np.array([np.fmax.reduce(seconds[places]) for places in entries], np.float64),
        [next(iter(_labels(identities, places)), None) for places in entries],
        [_labels(groups, places) for places in entries],
        entries,
        numbers,
    )


def _by_track(
    cameras: Sequence[str | None], tracks: Sequence[str | None], identities: Sequence[str | None]
) -> list[np.ndarray]:
    """Return the positions of the entries of each pass."""
    named: dict[Hashable, set[str]] = {}
    for key, identity in zip(zip(cameras, tracks, strict=True), identities, strict=True):
        if identity is not None:
            named.setdefault(key, set()).add(identity)
    members: dict[Hashable, list[int]] = {}
    for place, key in enumerate(zip(cameras, tracks, strict=True)):
        apart = identities[place] if len(named.get(key, ())) > 1 else None
        members.setdefault(place if key[1] is None else (key, apart), []).append(place)
    return [np.array(places) for places in members.values()]


def _pooled(vectors: np.ndarray, entries: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of the vectors of each pass, (P, D) float32, scaled to unit length."""
    if not entries:
        return vectors[:0]
    starts = np.cumsum([0, *map(len, entries[:-1])])
    sums = np.add.reduceat(vectors[np.concatenate(entries)], starts)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def _labels(column: Sequence[str | None], places: np.ndarray) -> tuple[str, ...]:
    """Return the labels of some entries, each once and sorted."""
    return tuple(sorted({label for place in places.tolist() if (label := column[place]) is not None}))
