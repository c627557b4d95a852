"""Track pooling: the images of one pass through a camera's view become one embedding."""

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.errors import DatasetError
from msinet.evaluation.similarities import images_by_track


def pool_tracks(embeddings: Embeddings) -> Embeddings:
    """Return one embedding a track, the mean of its images scaled to unit length, under the record of its first image.

    An image without a track stays as it is. Raises DatasetError where no image has a track.
    """
    if len(embeddings) and not any(record.track for record in embeddings.records):
        raise DatasetError("no image has a track: label the tracks, or leave out --track-pooling")
    members = images_by_track(embeddings.records)
    means = np.stack([embeddings.vectors[places].mean(0) for places in members])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return Embeddings(means, [embeddings.records[places[0]] for places in members])
