"""Image files with faults drawn by chance."""

import numpy as np


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with up to eleven other bytes; one in three ends early."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 12)):
        changed[rng.integers(len(changed))] = rng.integers(256)
    return bytes(changed if rng.random() < 2 / 3 else changed[: rng.integers(1, len(changed))])
