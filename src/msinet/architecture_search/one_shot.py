"""One-shot scores: the retrieval mAP of single networks of a supernet, with its weights, without training them."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from msinet.batches.loading import Batch
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.engine.machine import Machine
from msinet.evaluation.ranking_task import prepare_among
from msinet.evaluation.result import RetrievalResult
from msinet.evaluation.scoring import evaluate_embeddings
from msinet.model.batch_statistics import take_statistics
from msinet.model.msinet.search_space import Cells
from msinet.model.msinet.supernet import Supernet


class OneShotScores:
    """Scores networks of a supernet on identities that its weights do not learn.

    The batch norms of each network take new statistics from other images without augmentation, since the running ones are
    those of the mixture (as usual for one-shot searches: Guo et al., Single Path One-Shot, ECCV 2020). The embedding is the
    pooled last map, at unit length.

    Args:
        supernet: on the machine's device; its running statistics are replaced.
        for_statistics: batches that the statistics are taken from, the same in all processes; gone through for each network.
        batches: this process's share of the images to score; gone through for each network.
        records: all images to score, in order; each is a query, and the others are its gallery.
        machine: device, precision and processes.

    Raises:
        DatasetError: cameras are missing, or no image has a match.
    """

    def __init__(
        self,
        supernet: Supernet,
        for_statistics: Iterable[Batch],
        batches: Iterable[Batch],
        records: Sequence[ImageRecord],
        machine: Machine,
    ) -> None:
        self.supernet, self.machine = supernet, machine
        self.for_statistics, self.batches, self.records = for_statistics, batches, records
        self.protocol = prepare_among(records)[0].protocol.name

    def score(self, cells: Cells) -> float:
        """Return the mAP (0 to 1) of a network."""
        return self.measure(cells).mAP

    def measure(self, cells: Cells) -> RetrievalResult:
        """Return all scores of a network, those of each query as well."""
        vectors = self.machine.gather(self.embed(cells)).cpu().numpy()
        embeddings = Embeddings(vectors, self.records)
        return evaluate_embeddings(embeddings, embeddings, self.protocol)

    @torch.no_grad()
    def embed(self, cells: Cells) -> Tensor:
        """Return the embeddings (N, D), at unit length, of this process's images by a network."""
        take_statistics(self.supernet, lambda batch: self.features(batch, cells), self.for_statistics)
        self.supernet.eval()
        vectors = [normalize(self.features(batch, cells).float()) for batch in self.batches]
        empty = torch.empty(0, self.supernet.feature_dim, device=self.machine.device)
        return torch.cat([empty, *vectors])

    def features(self, batch: Batch, cells: Cells) -> Tensor:
        """Return the features (B, D) of a batch by a network."""
        with self.machine.autocast():
            return self.supernet(batch.images, cells)
