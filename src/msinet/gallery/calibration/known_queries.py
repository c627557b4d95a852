"""Known queries: labelled images whose identity is enrolled from another camera."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from msinet.gallery.calibration.labelled_vectors import LabelledVectors

LEAST_IDENTITIES = 10
"""Least number of identities with images in two cameras."""


@dataclass(frozen=True, eq=False)
class KnownQueries:
    """Q known queries: an image is one for each other camera of its identity."""

    images: np.ndarray
    """(Q,) int: position of the query among the labelled images."""
    similarities: np.ndarray
    """(Q,) float32: similarity to the most similar enrolled image of its identity."""
    identities: np.ndarray
    """(Q,) int: number of the identity."""
    names: tuple[str, ...]
    """Identities by number."""

    def select(self, mask: np.ndarray) -> "KnownQueries":
        """Return the queries that `mask`, (Q,) bool, marks."""
        left, numbers = np.unique(self.identities[mask], return_inverse=True)
        return KnownQueries(
            self.images[mask], self.similarities[mask], numbers, tuple(self.names[number] for number in left)
        )


def known_queries(labelled: LabelledVectors) -> KnownQueries:
    """Return the known queries of labelled images: each camera's images of an identity are enrolled in turn.

    The images of an identity that names no camera are taken for one of each camera. In an identity that names one, images
    without a camera are left out: they may be of the enrolled camera.
    """
    members: dict[str, list[int]] = {}
    for place, identity in enumerate(labelled.identities):
        if identity is not None:
            members.setdefault(identity, []).append(place)
    images, similarities, counts, names = [], [], [], []
    for identity in sorted(members):
        places, cameras = _seen(members[identity], labelled.seen_by)
        if len(set(cameras.tolist())) < 2:
            continue
        own = labelled.vectors[places] @ labelled.vectors[places].T
        before = len(images)
        for camera in sorted(set(cameras.tolist())):
            enrolled = cameras == camera
            images += places[~enrolled].tolist()
            similarities += own[~enrolled][:, enrolled].max(1).tolist()
        names.append(identity)
        counts.append(len(images) - before)
    numbers = np.repeat(np.arange(len(names)), counts)
    return KnownQueries(np.array(images, np.int64), np.array(similarities, np.float32), numbers, tuple(names))


def _seen(places: Sequence[int], seen_by: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of an identity's images that can be told apart by camera, and numbers of the cameras."""
    named = Counter(seen_by[place] for place in places if seen_by[place] is not None)
    if not named:
        return np.array(places), np.arange(len(places))
    kept = [place for place in places if seen_by[place] is not None]
    order = {camera: number for number, camera in enumerate(sorted(filter(None, named)))}
    return np.array(kept), np.array([order[seen_by[place] or ""] for place in kept])
