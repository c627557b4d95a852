"""Track pooling: the images of one pass through a camera's view become one embedding."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.errors import DatasetError
from msinet.evaluation.similarities import images_by_track


def pool_tracks(embeddings: Embeddings, others: Sequence[ImageRecord] = ()) -> Embeddings:
    """Return one embedding a track, the mean of its images scaled to unit length, under the record of its first image.

    An image without a track stays as it is. A track that shares files with `others`, the images of the other side, has the
    record of the first of these by path, there as here: so a protocol that goes by files knows it again as the same.

    Raises:
        DatasetError: no image has a track, on neither side.
    """
    records = embeddings.records
    if len(embeddings) and not any(record.track for record in chain(records, others)):
        raise DatasetError("no image has a track: label the tracks, or leave out --track-pooling")
    shared = {record.path for record in others}
    means, firsts = [], []
    for places in images_by_track(records):
        mean = embeddings.vectors[places].mean(0)
        means.append(mean / max(np.linalg.norm(mean), 1e-12))
        members = [records[place] for place in places]
        firsts.append(min((r for r in members if r.path in shared), key=lambda r: r.path, default=members[0]))
    return Embeddings(np.array(means, np.float32).reshape(len(means), embeddings.vectors.shape[1]), firsts)
