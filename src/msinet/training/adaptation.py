"""Adaptation of a trained network to labelled images: a linear map of its embeddings, fitted in seconds.

The map is within-class covariance normalisation (Hatch et al., 2006): directions in which the images of one identity differ
count less. Where labels are few, their covariance is shrunk towards a prior: the unit matrix or, for a network that was
adapted before, what its map says. How much is chosen by cross-validation over identities.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord, images_by_identity
from msinet.engine.embed import embed
from msinet.engine.machine import Machine
from msinet.errors import DatasetError, TrainingError
from msinet.evaluation.ranking import rank
from msinet.evaluation.ranking_task import RankingTask, prepare
from msinet.evaluation.scoring import compare, score
from msinet.model.linear_map import LinearMap
from msinet.model.network import Network

SHRINKAGES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Weights of the prior: the larger, the less the labelled images say."""

USUAL = 1.0
"""Shrinkage where cross-validation cannot tell several apart."""

FOLDS = 5

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
    tried: Mapping[float, float]
    """mAP by shrinkage."""
    identities: int
    """Identities with several images."""
    images: int
    """Images of these."""

    def facts(self) -> dict[str, object]:
        """Return what the card of the model says."""
        return {
            "method": "within-class covariance normalisation",
            "shrinkage": self.shrinkage,
            "mAP_before": self.before,
            "mAP_after": self.after,
            "identities": self.identities,
            "images": self.images,
        }


def adapt(network: Network, records: Sequence[ImageRecord], machine: Machine | None = None, seed: int = 0) -> Adapted:
    """Return a copy of a network that maps its embeddings by what labelled images show.

    Args:
        network: any network; a map that it has is what few labels change little.
        records: labelled images; query and gallery must not be among them.
        machine: by default a GPU, where there is one, and one process.
        seed: shuffles the identities of the cross-validation.

    Raises:
        DatasetError: fewer than four identities have several images, or an image cannot be read.
        TrainingError: the map would not help on identities that it was not fitted to.
    """
    network = copy.deepcopy(network)
    prior, network.adaptation = Prior.of(network), None
    several = [positions for positions in images_by_identity(records).values() if len(positions) > 1]
    if len(several) < FEWEST:
        raise DatasetError(
            f"{len(several)} identities have several images: an adaptation learns from how images of one identity differ "
            f"and needs at least {FEWEST} such identities"
        )
    embeddings = embed(network, [records[position] for positions in several for position in positions], machine)
    before, tried = cross_validate(embeddings, seed, prior)
    shrinkage = min(tried, key=lambda one: (-tried[one], abs(np.log(one / USUAL))))
    if tried[shrinkage] < before:
        raise TrainingError(
            f"an adaptation would not help: on identities that it was not fitted to, mAP goes from {before:.1%} to "
            f"{tried[shrinkage]:.1%}; label more identities, or take the model as it is"
        )
    mean, matrix = WithinClass.of(embeddings, prior).map(shrinkage)
    network.adaptation = LinearMap(network.embedding_dim)
    network.adaptation.mean.copy_(torch.from_numpy(mean))
    network.adaptation.matrix.copy_(torch.from_numpy(matrix))
    return Adapted(network.eval(), shrinkage, before, tried[shrinkage], tried, len(several), len(embeddings))


@dataclass(frozen=True)
class Prior:
    """What a covariance is shrunk towards: nothing in particular or, for an adapted network, the map that it has."""

    covariance: np.ndarray
    """(D, D), mean variance 1."""
    mean: np.ndarray | None = None
    """(D,) of the embeddings that the map was fitted to; None without a map."""

    @classmethod
    def of(cls, network: Network) -> "Prior":
        """Return the prior that a network gives."""
        if network.adaptation is None:
            return cls(np.eye(network.embedding_dim))
        mean, matrix = (tensor.double().cpu().numpy() for tensor in (network.adaptation.mean, network.adaptation.matrix))
        covariance = np.linalg.inv(matrix @ matrix)
        return cls(covariance / covariance.diagonal().mean(), mean)


@dataclass(frozen=True)
class WithinClass:
    """The covariance of embeddings within identities, and what it is shrunk towards."""

    mean: np.ndarray
    """(D,) of all embeddings."""
    covariance: np.ndarray
    """(D, D)."""
    prior: Prior

    @classmethod
    def of(cls, embeddings: Embeddings, prior: Prior | None = None) -> "WithinClass":
        """Return the covariance within the identities of embeddings, by default shrunk towards the unit matrix."""
        vectors = embeddings.vectors.astype(np.float64)
        groups = list(images_by_identity(embeddings.records).values())
        differences = np.concatenate([vectors[group] - vectors[group].mean(0) for group in groups])
        covariance = differences.T @ differences / (len(vectors) - len(groups))
        return cls(vectors.mean(0), covariance, prior or Prior(np.eye(vectors.shape[1])))

    def map(self, shrinkage: float) -> tuple[np.ndarray, np.ndarray]:
        """Return mean (D,) and matrix (D, D) of the map, float32: (S + shrinkage * tr(S) / D * P) ** -0.5.

        S is the covariance, P that of the prior. The matrix is scaled so that the direction that varies least keeps its
        length. The mean moves from that of the embeddings towards the prior's by the same shares.
        """
        raised = self.covariance + shrinkage * self.covariance.diagonal().mean() * self.prior.covariance
        mean = self.mean if self.prior.mean is None else (self.mean + shrinkage * self.prior.mean) / (1 + shrinkage)
        return mean.astype(np.float32), _inverse_root(raised)

    def apply(self, embeddings: Embeddings, shrinkage: float) -> Embeddings:
        """Return embeddings after the map, of unit length."""
        return _mapped(embeddings, *self.map(shrinkage))


def cross_validate(embeddings: Embeddings, seed: int, prior: Prior | None = None) -> tuple[float, dict[float, float]]:
    """Return the mAP before and by shrinkage: the mean over folds of identities, each ranked among all images.

    Before means with the map of the prior, where it is one.
    """
    random, records = np.random.default_rng(seed), embeddings.records
    groups = list(images_by_identity(records).values())
    across = [group for group in groups if len({records[position].camera for position in group}) > 1]
    groups, protocol = (across, None) if len(across) > 1 else (groups, "no-camera")
    known = (
        embeddings
        if prior is None or prior.mean is None
        else _mapped(embeddings, prior.mean, _inverse_root(prior.covariance))
    )
    before: list[float] = []
    tried: dict[float, list[float]] = {shrinkage: [] for shrinkage in SHRINKAGES}
    for fold in np.array_split(random.permutation(len(groups)), min(FOLDS, len(groups))):
        held = np.zeros(len(embeddings), bool)
        held[[position for group in fold for position in groups[group]]] = True
        (task,) = prepare(embeddings.select(held).records, records, protocol)
        fitted = WithinClass.of(embeddings.select(~held), prior)
        before.append(_mean_average_precision(task, known))
        for shrinkage, scores in tried.items():
            scores.append(_mean_average_precision(task, fitted.apply(embeddings, shrinkage)))
    return float(np.mean(before)), {shrinkage: float(np.mean(scores)) for shrinkage, scores in tried.items()}


def _inverse_root(covariance: np.ndarray) -> np.ndarray:
    """Return the inverse square root of a covariance (D, D), float32, up to a factor: its largest eigenvalue is 1."""
    variances, directions = np.linalg.eigh(covariance)
    variances = variances.clip(min=max(variances[-1] * 1e-12, np.finfo(float).tiny))
    return ((directions * (variances / variances[0]) ** -0.5) @ directions.T).astype(np.float32)


def _mapped(embeddings: Embeddings, mean: np.ndarray, matrix: np.ndarray) -> Embeddings:
    vectors = (embeddings.vectors - mean) @ matrix
    return Embeddings(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12), embeddings.records)


def _mean_average_precision(task: RankingTask, embeddings: Embeddings) -> float:
    similarities = compare(task, embeddings.of(task.query.images), embeddings.of(task.gallery.images))
    return score([task], [rank(similarities, task.relevance)]).mAP
