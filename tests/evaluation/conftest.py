"""Embeddings of invented identities, some more similar than others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord


@pytest.fixture(scope="session")
def image() -> Callable[..., ImageRecord]:
    """Return a maker of records."""

    def make(name: str, identity: str = "1", camera: str | None = None, track: str | None = None) -> ImageRecord:
        return ImageRecord(Path(name), identity, camera, track)

    return make


@pytest.fixture(scope="session")
def along() -> Callable[[list[int], list[ImageRecord]], Embeddings]:
    """Return a maker of embeddings along the axes of space: cosine 1 on the same axis, 0 on another."""
    return lambda axes, records: Embeddings(np.eye(8, dtype=np.float32)[axes], records)


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


@pytest.fixture(scope="session")
def slow_precision() -> Callable[..., float]:
    """Return the average precision of one query by its definition."""

    def precision(row, matches: set[int], junk: set[int]) -> float:
        """Sort, a non-match before a match of the same similarity, walk down, and take the mean precision at the hits."""
        ranked = sorted((i for i in range(len(row)) if i not in junk), key=lambda i: (-row[i], i in matches))
        hits = [place for place, i in enumerate(ranked, 1) if i in matches]
        return float(np.mean([n / place for n, place in enumerate(hits, 1)]))

    return precision


@pytest.fixture(scope="session")
def on_a_cube() -> Callable[..., Embeddings]:
    """Return a maker of embeddings of a few directions, so that many tie; their products are exact."""
    return lambda random, records: Embeddings(random.choice([-0.5, 0.5], (len(records), 4)).astype(np.float32), records)
