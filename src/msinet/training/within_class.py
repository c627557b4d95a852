"""Within-class covariance normalisation (Hatch et al., 2006): a linear map of embeddings, and what it is shrunk towards."""

from dataclasses import dataclass

import numpy as np

from msinet.data.embeddings import Embeddings
from msinet.data.records import images_by_identity
from msinet.model.network import Network


@dataclass(frozen=True)
class Prior:
    """What a covariance is shrunk towards: nothing in particular or, for an adapted network, the map that it has."""

    covariance: np.ndarray
    """(D, D), mean variance 1."""
    mean: np.ndarray | None = None
    """(D,) of the embeddings that the map was fitted to; None without a map."""

    def apply(self, embeddings: Embeddings) -> Embeddings:
        """Return embeddings after the map that the network has; without one, as they are."""
        return embeddings if self.mean is None else mapped(embeddings, self.mean, inverse_root(self.covariance))

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
        return mean.astype(np.float32), inverse_root(raised)

    def apply(self, embeddings: Embeddings, shrinkage: float) -> Embeddings:
        """Return embeddings after the map, of unit length."""
        return mapped(embeddings, *self.map(shrinkage))


def inverse_root(covariance: np.ndarray) -> np.ndarray:
    """Return the inverse square root of a covariance (D, D), float32, up to a factor: its largest eigenvalue is 1."""
    variances, directions = np.linalg.eigh(covariance)
    variances = variances.clip(min=max(variances[-1] * 1e-12, np.finfo(float).tiny))
    return ((directions * (variances / variances[0]) ** -0.5) @ directions.T).astype(np.float32)


def mapped(embeddings: Embeddings, mean: np.ndarray, matrix: np.ndarray) -> Embeddings:
    """Return embeddings after a map, of unit length."""
    vectors = (embeddings.vectors - mean) @ matrix
    return Embeddings(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12), embeddings.records)
