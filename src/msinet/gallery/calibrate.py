"""Calibration of a gallery, by labelled images of objects that are not in it."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.image_hashes import image_hashes
from msinet.files.sketch import Sketch
from msinet.gallery.calibration.calibration import Calibration, calibrate
from msinet.gallery.calibration.labelled_vectors import LabelledVectors
from msinet.gallery.gallery import Gallery
from msinet.gallery.store import Store
from msinet.progress import begin

logger = logging.getLogger(__name__)


def calibrate_gallery(
    gallery: Gallery,
    labelled: Embeddings,
    rate: float = 0.01,
    other_cameras: bool = False,
    seed: int = 0,
    learned: Sketch | None = None,
) -> Calibration:
    """Find the similarity from which on a query counts as known at the gallery's present size, and keep it in the gallery.

    Logs a warning where the model learned some of the labelled images: `Calibration.warning`.

    Args:
        gallery: with entries; their vectors pass by in blocks.
        labelled: images of objects that are not in the gallery, with their identities and cameras.
        rate: share of unknown queries that may be taken for known.
        other_cameras: compare with entries of other cameras than the query's alone, as queries that leave out their own do.
        seed: of the intervals.
        learned: images that the model learned; by default those that the model says which the gallery was opened with.

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
    learned = learned or (gallery.embedder and gallery.embedder.learned)
    if learned:
        done = replace(done, learned=learned.overlap(image_hashes(record.path for record in labelled.records)))
    if done.warning:
        logger.warning("%s", done.warning)
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
