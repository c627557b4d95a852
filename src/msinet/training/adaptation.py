"""Adaptation of a trained network to labelled images: a linear map of its embeddings, fitted in seconds.

The map is within-class covariance normalisation (Hatch et al., 2006): directions in which the images of one identity differ
count less. Identities have few images: augmented views of them show more of what differs, framing and colours above all.
Where labels are few, their covariance is shrunk towards a prior: the unit matrix or, for a network that was adapted before,
what its map says. How much is chosen by cross-validation over identities.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from msinet.batches.augmentation import Augmentation
from msinet.data.embeddings import Embeddings
from msinet.data.image_hashes import image_hashes
from msinet.data.records import ImageRecord, images_by_identity
from msinet.engine.embed import embed
from msinet.engine.machine import Machine
from msinet.engine.network_embedding import embed_views
from msinet.errors import DatasetError, SettingsError, TrainingError
from msinet.evaluation.metrics import PerQuery, measure
from msinet.evaluation.ranking import rank
from msinet.evaluation.ranking_task import RankingTask, prepare
from msinet.evaluation.scoring import compare
from msinet.files.sketch import Overlap, Sketch
from msinet.model.linear_map import LinearMap
from msinet.model.network import Network
from msinet.training.within_class import Prior, WithinClass

SHRINKAGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Weights of the prior: the larger, the less the labelled images say."""

USUAL = 0.1
"""Shrinkage where cross-validation cannot tell several apart, and where the network has learned the images."""

FOLDS = 5

VIEWS = 4
"""Augmented views of each image."""

FRAMING = Augmentation(zoom=0.3, color_jitter=0.5, erasing=0.0)
"""How the views differ from the images: docs/weights.md has the trial."""

FEWEST = 4
"""Identities with several images without which nothing is adapted."""


@dataclass(frozen=True)
class Adapted:
    """A network whose embeddings were adapted, and how much that helps on identities that the map was not fitted to."""

    network: Network
    shrinkage: float
    before: float
    """mAP of the embeddings as they were, from 0 to 1; cross-validation over identities, likewise below."""
    after: float
    identities: int
    """Identities with several images."""
    images: int
    """Images of these."""
    learned: bool = False
    """Whether the network has learned these images, so that before and after say nothing of others."""

    def facts(self) -> dict[str, object]:
        """Return what the card of the model says."""
        return {
            "method": "within-class covariance normalisation",
            "shrinkage": self.shrinkage,
            "mAP_before": self.before,
            "mAP_after": self.after,
            "identities": self.identities,
            "images": self.images,
            "views": VIEWS,
        }


def adapt(
    network: Network,
    records: Sequence[ImageRecord],
    machine: Machine | None = None,
    seed: int = 0,
    shrinkage: float | None = None,
) -> Adapted:
    """Return a copy of a network that maps its embeddings by what labelled images show.

    Args:
        network: any network; a map that it has is what few labels change little.
        records: labelled images; query and gallery must not be among them.
        machine: by default a GPU, where there is one, and one process.
        seed: shuffles the identities of the cross-validation.
        shrinkage: weight of the prior; by default cross-validation chooses it. The larger, the nearer embeddings in few bits
            (`msinet export --precision bf16`) stay to those in many.

    Raises:
        SettingsError: the shrinkage is not positive.
        DatasetError: fewer than four identities have several images, or an image cannot be read.
        TrainingError: the map would not help on identities that it was not fitted to, or nothing can tell, since the network
            has a map and has learned the images.
    """
    if shrinkage is not None and not 0 < shrinkage < np.inf:
        raise SettingsError(f"shrinkage is {shrinkage}: it must be positive", "shrinkage")
    network = copy.deepcopy(network)
    prior, network.adaptation = Prior.of(network), None
    several = [positions for positions in images_by_identity(records).values() if len(positions) > 1]
    if len(several) < FEWEST:
        raise DatasetError(
            f"{len(several)} identities have several images: an adaptation learns from how images of one identity differ "
            f"and needs at least {FEWEST} such identities"
        )
    records = [records[position] for positions in several for position in positions]
    hashes = image_hashes(record.path for record in records)
    overlap = network.learned.overlap(hashes) if network.learned else None
    knows = overlap is not None and overlap.is_large
    if prior.mean is not None and overlap and knows:
        raise _learned(overlap)
    embeddings = embed(network, records, machine)
    views = embed_views(network, records, FRAMING, VIEWS, seed, machine)
    validation = CrossValidation.of(embeddings, views, prior, seed, SHRINKAGES if shrinkage is None else (shrinkage,))
    if shrinkage is None:  # On images that the network has learned, every map is as good.
        shrinkage = USUAL if knows else validation.best
    gain, error = validation.gain(shrinkage)
    before, after = float(validation.before.mean()), float(validation.tried[shrinkage].mean())
    # A map that the network has is given up for a sure gain alone.
    if not knows and (gain < 0 or (prior.mean is not None and gain <= error)):
        raise TrainingError(
            f"an adaptation would not help: on identities that it was not fitted to, mAP goes from {before:.1%} to "
            f"{after:.1%}, with a standard error of {error:.1%}; label more identities, or take the model as it is"
        )
    mean, matrix = WithinClass.of(joined(embeddings, views), prior).map(shrinkage)
    network.adaptation = LinearMap(network.embedding_dim)
    network.adaptation.mean.copy_(torch.from_numpy(mean))
    network.adaptation.matrix.copy_(torch.from_numpy(matrix))
    network.learned = Sketch.of(hashes).union(network.learned)
    return Adapted(network.eval(), shrinkage, before, after, len(several), len(embeddings), knows)


def _learned(overlap: Overlap) -> TrainingError:
    """Return the error of images that a network with a map has learned: a second map gains on them alone."""
    return TrainingError(
        f"the model has a map, and learned about {overlap.share:.0%} of these images: what another map gains on them "
        "says nothing of other images; take the model as it is, adapt by images that it has not learned, or adapt the "
        "model that it was made from"
    )


@dataclass(frozen=True)
class CrossValidation:
    """Average precisions of Q images whose identities a map was not fitted to, each ranked among all images."""

    identities: Sequence[str]
    """Q identities."""
    before: np.ndarray
    """(Q,) of the network as it is."""
    tried: Mapping[float, np.ndarray]
    """(Q,) by shrinkage."""

    @property
    def best(self) -> float:
        """The shrinkage with the largest mAP or, of several, the one that is nearest to the usual."""
        return min(self.tried, key=lambda one: (-self.tried[one].mean(), abs(np.log(one / USUAL))))

    def gain(self, shrinkage: float) -> tuple[float, float]:
        """Return what a shrinkage gains in mAP, and the standard error of that over identities."""
        differences = self.tried[shrinkage] - self.before
        _, groups, counts = np.unique(self.identities, return_inverse=True, return_counts=True)
        means = np.bincount(groups, differences) / counts
        return float(differences.mean()), float(means.std(ddof=1) / np.sqrt(len(means)))

    @classmethod
    def of(
        cls,
        embeddings: Embeddings,
        views: Embeddings,
        prior: Prior,
        seed: int,
        shrinkages: Sequence[float] = SHRINKAGES,
    ) -> "CrossValidation":
        """Fit maps to the other folds of identities, images and views, and rank the images of each fold.

        embeddings: of N images; views: of M views of each, all images in their order, and so again.
        """
        random, records = np.random.default_rng(seed), embeddings.records
        groups = list(images_by_identity(records).values())
        across = [group for group in groups if len({records[position].camera for position in group}) > 1]
        groups, protocol = (across, None) if len(across) > 1 else (groups, "no-camera")
        known = prior.apply(embeddings)
        asking: list[str] = []
        before: list[np.ndarray] = []
        tried: dict[float, list[np.ndarray]] = {shrinkage: [] for shrinkage in shrinkages}
        for fold in np.array_split(random.permutation(len(groups)), min(FOLDS, len(groups))):
            held = np.zeros(len(embeddings), bool)
            held[[position for group in fold for position in groups[group]]] = True
            (task,) = prepare(embeddings.select(held).records, records, protocol)
            fits = np.tile(~held, len(views) // len(embeddings))
            fitted = WithinClass.of(joined(embeddings.select(~held), views.select(fits)), prior)
            scored = _score(task, known)
            asking += scored.identity
            before.append(scored.average_precision)
            for shrinkage, found in tried.items():
                found.append(_score(task, fitted.apply(embeddings, shrinkage)).average_precision)
        return cls(asking, np.concatenate(before), {shrinkage: np.concatenate(found) for shrinkage, found in tried.items()})


def joined(one: Embeddings, other: Embeddings) -> Embeddings:
    """Return two embeddings as one."""
    return Embeddings(np.concatenate([one.vectors, other.vectors]), [*one.records, *other.records])


def _score(task: RankingTask, embeddings: Embeddings) -> PerQuery:
    similarities = compare(task, embeddings.of(task.query.images), embeddings.of(task.gallery.images))
    return measure(rank(similarities, task.relevance), task.asking, len(task.searched)).per_query
