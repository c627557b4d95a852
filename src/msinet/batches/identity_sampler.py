"""Sampler of batches of P identities x K images, which follow from seed and epoch."""

import math
from collections.abc import Sequence

import numpy as np

from msinet.errors import SettingsError


class IdentitySampler:
    """Sampler of batches with P different identities and K images of each.

    An identity's images are shuffled and cut into groups of K. A last group that is too small is filled with other images
    of the identity; an identity with fewer than K images repeats them, each equally often to within one. An epoch has
    ceil(groups / P) batches of full size. Every identity appears at least once, and random identities fill the last batch.
    An identity appears at most once in a batch: if it has more groups than the epoch has batches, the others are not shown.

    Args:
        identities: (N,) identity of each image, as integers from 0 to I - 1, each of them present.
        identities_per_batch: P.
        images_per_identity: K.
        seed: fixes the batches, together with the epoch.

    Raises:
        SettingsError: there are fewer than P identities.
    """

    def __init__(self, identities: Sequence[int], identities_per_batch: int, images_per_identity: int, seed: int) -> None:
        order = np.argsort(identities, kind="stable")
        self.images = np.split(order, np.cumsum(np.bincount(identities))[:-1]) if len(order) else []  # of each identity
        if len(self.images) < max(identities_per_batch, 1):
            there = len(self.images)
            advice = f"set it to at most {there}, or " if there > 1 else ""
            raise SettingsError(
                f"identities_per_batch is {identities_per_batch}, but only {there} identities exist: {advice}add identities",
                "identities_per_batch",
            )
        self.identities_per_batch = identities_per_batch
        self.images_per_identity = images_per_identity
        self.seed = seed
        self.groups = np.array([math.ceil(len(images) / images_per_identity) for images in self.images])
        self.length = math.ceil(self.groups.sum() / identities_per_batch)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return self.length

    def epoch(self, epoch: int) -> np.ndarray:
        """Return the epoch's batches: (batches, P * K) positions of images, an identity's K images side by side."""
        random = np.random.default_rng((self.seed, epoch))
        # Dealing an identity's turns to consecutive batches keeps it at most once in each.
        turns = self._turns(random)
        dealt = np.repeat(shuffled := random.permutation(len(turns)), turns[shuffled])
        batches = dealt.reshape(self.identities_per_batch, self.length).T[random.permutation(self.length)]
        groups = {identity: self._groups(identity, count, random) for identity, count in enumerate(turns)}
        return np.array([[image for identity in batch for image in groups[identity].pop()] for batch in batches])

    def _turns(self, random: np.random.Generator) -> np.ndarray:
        """Return how often each identity appears: once per group, at most once per batch; random ones fill the last."""
        turns = np.minimum(self.groups, self.length)
        missing = self.length * self.identities_per_batch - turns.sum()
        while missing > 0:
            free = np.flatnonzero(turns < self.length)
            chosen = random.choice(free, min(missing, len(free)), replace=False)
            turns[chosen] += 1
            missing -= len(chosen)
        return turns

    def _groups(self, identity: int, count: int, random: np.random.Generator) -> list[np.ndarray]:
        """Return `count` groups of K images of an identity."""
        images, size = self.images[identity], self.images_per_identity
        groups: list[np.ndarray] = []
        while len(groups) < count:
            shuffled = random.permutation(images)
            for start in range(0, len(images), size):
                group = shuffled[start : start + size]
                others = shuffled[:start] if start else group
                groups.append(np.concatenate([group, np.resize(random.permutation(others), size - len(group))]))
        return groups[:count]
