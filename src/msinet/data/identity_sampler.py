"""Batches of P identities x K images, the same for the same seed and epoch."""

import math
from collections.abc import Sequence

import numpy as np

from msinet.errors import SettingsError


class IdentitySampler:
    """Cuts an epoch into batches of P different identities with K images each.

    An identity's images are shuffled and cut into groups of K. A last group that is too small is filled with other images
    of the identity; an identity with fewer than K images repeats them, each equally often to within one. An epoch has
    ceil(groups / P) batches, all of full size: every identity comes at least once, and identities drawn at random fill
    what is left of the last one. An identity comes at most once a batch, so one with more groups than batches shows as
    many of its images as fit.

    Args:
        identities: (N,) the identity of each image, as integers from 0 to I - 1, each of them present.
        identities_per_batch: P.
        images_per_identity: K.
        seed: with the epoch, fixes the batches.

    Raises:
        SettingsError: there are fewer than P identities.
    """

    def __init__(self, identities: Sequence[int], identities_per_batch: int, images_per_identity: int, seed: int) -> None:
        order = np.argsort(identities, kind="stable")
        self.images = np.split(order, np.cumsum(np.bincount(identities))[:-1]) if len(order) else []  # of each identity
        if len(self.images) < max(identities_per_batch, 1):
            there = len(self.images)
            advice = f"set --identities-per-batch to at most {there}, or " if there > 1 else ""
            raise SettingsError(
                f"a batch of {identities_per_batch} identities cannot be made from {there}: {advice}add identities"
            )
        self.identities_per_batch = identities_per_batch
        self.images_per_identity = images_per_identity
        self.seed = seed
        self.groups = np.array([math.ceil(len(images) / images_per_identity) for images in self.images])
        self.length = math.ceil(self.groups.sum() / identities_per_batch)

    def __len__(self) -> int:
        """Batches in an epoch."""
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
        """Return how often each identity comes: its groups, at most once a batch, and more at random to fill the last."""
        turns = np.minimum(self.groups, self.length)
        missing = self.length * self.identities_per_batch - turns.sum()
        while missing > 0:
            free = np.flatnonzero(turns < self.length)
            chosen = random.choice(free, min(missing, len(free)), replace=False)
            turns[chosen] += 1
            missing -= len(chosen)
        return turns

    def _groups(self, identity: int, count: int, random: np.random.Generator) -> list[np.ndarray]:
        """Return so many groups of K images of an identity."""
        images, size = self.images[identity], self.images_per_identity
        groups: list[np.ndarray] = []
        while len(groups) < count:
            shuffled = random.permutation(images)
            for start in range(0, len(images), size):
                group = shuffled[start : start + size]
                others = shuffled[:start] if start else group
                groups.append(np.concatenate([group, np.resize(random.permutation(others), size - len(group))]))
        return groups[:count]
