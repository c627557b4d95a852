"""Tracks: images of one pass through a camera's view, grouped, and pooled to one embedding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord


@dataclass(frozen=True)
class Tracks:
    """The tracks of some images; an image without a track is one of its own."""

    records: list[ImageRecord]
    """A record for each of T tracks, which is that of one of its images."""
    members: list[np.ndarray]
    """For each track, the positions of its images."""

    def __len__(self) -> int:
        return len(self.records)


def tracks_of(records: Sequence[ImageRecord], others: Sequence[ImageRecord] = ()) -> Tracks:
    """Group images by track. Tracks of one name in different cameras or of different identities are different.

    A track has the record of its first image. A track that shares files with `others`, the images of the other side, has
    the record of the first of these by path, on both sides: a protocol that goes by files recognises it as the same.
    """
    members = images_by_track(records)
    shared = {record.path for record in others}
    firsts = []
    for places in members:
        images = [records[place] for place in places]
        firsts.append(min((r for r in images if r.path in shared), key=lambda r: r.path, default=images[0]))
    return Tracks(firsts, members)


def images_by_track(records: Sequence[ImageRecord]) -> list[np.ndarray]:
    """Return the positions of each track's images; an image without a track is one of its own."""
    members: dict[object, list[int]] = {}
    for place, record in enumerate(records):
        key = place if record.track is None else (record.track, record.identity, record.camera)
        members.setdefault(key, []).append(place)
    return [np.array(places) for places in members.values()]


def pool_tracks(embeddings: Embeddings, tracks: Tracks) -> Embeddings:
    """Return one embedding a track: the mean of its images, scaled to unit length."""
    means = []
    for places in tracks.members:
        mean = embeddings.vectors[places].mean(0)
        means.append(mean / max(np.linalg.norm(mean), 1e-12))
    return Embeddings(np.array(means, np.float32).reshape(len(means), embeddings.vectors.shape[1]), tracks.records)
