"""The nearest identities of a gallery, by image: from blocks of entries, so that nobody holds a large gallery."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from msinet.errors import DatasetError
from msinet.gallery.calibration.labelled_vectors import LabelledVectors

KEPT = 64
"""Number of nearest identities that are kept of an image."""

PRODUCTS = 2**23
"""Number of similarities that are computed at a time: 32 MB."""

NO_ENTRY = -1.0
"""Similarity of an image to a gallery that has no entry for it: the least one of two vectors."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest identities of L images in a gallery."""

    similarities: np.ndarray
    """(L, `KEPT`) float32: that of each identity's most similar entry, the most similar identity first. -1 where there are
    fewer. Entries without an identity are taken for an identity each."""
    entries: int
    """Number of entries that the gallery has."""

    @property
    def best(self) -> np.ndarray:
        """(L,) similarity of the best match."""
        return self.similarities[:, 0]

    @property
    def compared(self) -> np.ndarray:
        """(L,) bool: the images that the gallery has an entry for; without, nothing can be taken for them."""
        return self.best > NO_ENTRY

    def select(self, mask: np.ndarray) -> "Nearest":
        """Return the images that `mask`, (L,) bool, marks."""
        return Nearest(self.similarities[mask], self.entries)


@dataclass
class _Numbers:
    """Numbers of labels; a label that is None has a number of its own each time."""

    known: dict[str, int] = field(default_factory=dict)
    nameless: int = 0

    def of(self, labels: Iterable[str | None]) -> np.ndarray:
        return np.array([self._number(label) for label in labels], np.int64)

    def _number(self, label: str | None) -> int:
        if label is None:
            self.nameless -= 1
            return self.nameless
        return self.known.setdefault(label, len(self.known))


def nearest_identities(labelled: LabelledVectors, gallery: Iterable[LabelledVectors], other_cameras: bool) -> Nearest:
    """Find the nearest identities of labelled images in a gallery.

    Args:
        labelled: L images of objects that are not in the gallery.
        gallery: entries, in blocks of any size.
        other_cameras: leave out entries of an image's own camera.

    Raises:
        DatasetError: the gallery is empty, its vectors have another number of values, or it has labelled identities.
    """
    identities, cameras = _Numbers(), _Numbers()
    own_cameras = cameras.of(labelled.seen_by)  # (L,)
    objects, enrolled = dict.fromkeys(labelled.identities), set[str | None]()
    nearest, owners = np.full((len(labelled), KEPT), -np.inf, np.float32), np.zeros((len(labelled), KEPT), np.int64)
    entries = 0
    for block in _pieces(gallery, max(1, PRODUCTS // len(labelled))):
        _require_same_width(labelled, block)
        enrolled.update(block.identities)
        numbers = identities.of(block.identities)
        order = np.argsort(numbers, kind="stable")
        similarities = labelled.vectors @ block.vectors[order].T  # (L, B)
        if other_cameras:
            similarities[own_cameras[:, None] == cameras.of(block.seen_by)[order]] = -np.inf
        found, firsts = np.unique(numbers[order], return_index=True)
        if len(found) < len(block):
            similarities = np.maximum.reduceat(similarities, firsts, axis=1)  # (L, identities of the block)
        nearest, owners = _merged(nearest, owners, similarities, found)
        entries += len(block)
    if not entries:
        raise DatasetError("the gallery is empty: a threshold holds for the entries it was found with, add at least 1")
    if both := [identity for identity in objects if identity in enrolled]:
        raise DatasetError(
            f"{len(both)} labelled identities are in the gallery, the first {both[0]}: label objects that are not in it"
        )
    return Nearest(np.maximum(nearest, np.float32(NO_ENTRY)), entries)


def _pieces(blocks: Iterable[LabelledVectors], size: int) -> Iterator[LabelledVectors]:
    for block in blocks:
        for start in range(0, len(block), size):
            part = slice(start, start + size)
            yield LabelledVectors(block.vectors[part], block.identities[part], block.seen_by[part])


def _merged(
    nearest: np.ndarray, owners: np.ndarray, similarities: np.ndarray, found: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest identities of those so far and those of a block, each identity once."""
    if len(found) > KEPT:
        top = np.argpartition(-similarities, KEPT - 1, axis=1)[:, :KEPT]
        similarities, of_block = np.take_along_axis(similarities, top, 1), found[top]
    else:
        of_block = np.broadcast_to(found, similarities.shape)
    values, of_values = np.concatenate([nearest, similarities], 1), np.concatenate([owners, of_block], 1)
    # Each identity at most twice: the better one stays.
    order = np.lexsort((-values, of_values), axis=1)
    values, of_values = np.take_along_axis(values, order, 1), np.take_along_axis(of_values, order, 1)
    values[:, 1:][of_values[:, 1:] == of_values[:, :-1]] = -np.inf
    order = np.argsort(-values, axis=1, kind="stable")[:, :KEPT]
    return np.take_along_axis(values, order, 1), np.take_along_axis(of_values, order, 1)


def _require_same_width(labelled: LabelledVectors, block: LabelledVectors) -> None:
    here, there = labelled.vectors.shape[1], block.vectors.shape[1]
    if here != there:
        raise DatasetError(
            f"labelled vectors have {here} values and entries {there}: embed both by the model of the gallery"
        )
