"""Calibration of a gallery, by labelled images of objects that are not in it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.gallery.calibration.calibration import Calibration, calibrate
from msinet.gallery.calibration.labelled_vectors import LabelledVectors
from msinet.gallery.gallery import Gallery
from msinet.gallery.store import Store
from msinet.progress import begin


def calibrate_gallery(
    gallery: Gallery, labelled: Embeddings, rate: float = 0.01, other_cameras: bool = False, seed: int = 0
) -> Calibration:
    """Find the similarity from which on a query counts as known at the gallery's present size, and keep it in the gallery.

    Args:
        gallery: with entries; their vectors pass by in blocks.
        labelled: images of objects that are not in the gallery, with their identities and cameras.
        rate: share of unknown queries that may be taken for known.
        other_cameras: compare with entries of other cameras than the query's alone, as queries that leave out their own do.
        seed: of the intervals.

    Raises:
        DatasetError: the labelled identities are too few for the rate or are in the gallery, or the gallery is empty.
        SettingsError: the rate is no share.
        FileError: the gallery cannot be written to.
    """
    identities = [record.identity or None for record in labelled.records]
    cameras = [record.camera for record in labelled.records]
    done = calibrate(
        _blocks(gallery.store), LabelledVectors(labelled.vectors, identities, cameras), rate, other_cameras, seed
    )
    made = datetime.now(UTC).isoformat(timespec="seconds")
    gallery.store.add_calibration(made, json.dumps(done.to_plain()))
    return done


def _blocks(store: Store) -> Iterator[LabelledVectors]:
    bar = begin("calibrate", store.count())
    for ids, vectors in store.blocks():
        entries = store.entries(ids.tolist())
        there = np.array([id in entries for id in ids.tolist()])
        some = [entries[id] for id in ids[there].tolist()]
        yield LabelledVectors(vectors[there], [entry.identity for entry in some], [entry.camera for entry in some])
        bar.advance(len(ids))
