"""Embeddings of made-up identities, some more alike than others."""

from pathlib import Path

import numpy as np
import pytest

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord


@pytest.fixture(scope="session")
def make_images():
    """Return a maker of embeddings: identities are directions, images lie around them."""

    def make(identities=12, images=6, cameras=3, dim=16, noise=0.5, seed=0, name="i", track_length=2) -> Embeddings:
        random = np.random.default_rng(seed)
        centres = np.random.default_rng(99).normal(size=(identities, dim))
        count = identities * images
        owner = np.arange(count) % identities
        vectors = centres[owner] + noise * random.normal(size=(count, dim)) * np.sqrt(dim) / 2
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        records = [
            ImageRecord(
                Path(f"{name}/{i}.jpg"),
                f"v{owner[i]}",
                f"c{i // identities % cameras}",
                f"t{i // identities // cameras // track_length}",
            )
            for i in range(count)
        ]
        return Embeddings(vectors, records)

    return make
