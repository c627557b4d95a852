"""Similarities and their counting as torch tensors, for a GPU: the counts are those of `counting.py`, found by sorting."""

import numpy as np
import torch
from torch import Tensor

from msinet.data.embeddings import Embeddings
from msinet.evaluation.checks import check_sides
from msinet.evaluation.relevance import PositionLists, Relevance


class CosineOnDevice:
    """Cosine of embeddings of unit length, on a torch device; the vectors of both sides must fit there.

    Args:
        query: Q embeddings.
        gallery: G embeddings.
        device: a torch device, such as cuda.

    Raises:
        DatasetError: a vector is not finite or not of unit length, or the two sides have different lengths D.
    """

    def __init__(self, query: Embeddings, gallery: Embeddings, device: str) -> None:
        check_sides(query, gallery)
        self.query, self.gallery = (torch.from_numpy(side.vectors).to(device) for side in (query, gallery))

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, G)."""
        return len(self.query), len(self.gallery)

    def rows(self, start: int, stop: int) -> Tensor:
        """Return the rows of some queries, (stop - start, G), on the device."""
        return self.query[start:stop] @ self.gallery.T


def count_before(rows: Tensor, first: int, relevance: Relevance) -> np.ndarray:
    """Count, for each match of the queries from `first` on, the non-matches that are at least as similar.

    Args:
        rows: (b, G) similarities of these queries.
        first: number of the first query.
        relevance: matches and junk of all queries.

    Returns:
        (matches of these queries,) int64, ascending within a query.
    """
    matches, is_match = _padded(relevance.matches, first, rows)
    junk, is_junk = _padded(relevance.junk, first, rows)
    thresholds = rows.gather(1, matches).masked_fill(~is_match, torch.inf)  # (b, R)
    others = rows.gather(1, junk).masked_fill(~is_junk, -torch.inf)  # (b, J)
    sides = torch.cat([thresholds.masked_fill(~is_match, -torch.inf), others], dim=1)
    below = torch.searchsorted(rows.sort(dim=1).values, thresholds)
    not_counted = (sides[:, None, :] >= thresholds[:, :, None]).sum(2)
    before = (rows.shape[1] - below - not_counted).masked_fill(~is_match, torch.iinfo(torch.int64).max)
    return before.sort(dim=1).values[is_match].cpu().numpy()


def count_by_similarity(rows: Tensor, low: float, scale: float, bins: int) -> np.ndarray:
    """Count the similarities (b, G) in each bin of width 1 / scale above `low`: (bins,)."""
    places = ((rows.double() - low) * scale).long().clamp(0, bins - 1)
    return torch.bincount(places.flatten(), minlength=bins).cpu().numpy()


def _padded(lists: PositionLists, first: int, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positions of the rows' queries, (b, longest), filled up with 0, and which of them are not filling."""
    lengths = lists.lengths[first : first + len(rows)]
    meant = np.arange(max(1, lengths.max(initial=0))) < lengths[:, None]
    positions = np.zeros(meant.shape, np.int64)
    positions[meant] = lists.positions[lists.starts[first] : lists.starts[first + len(rows)]]
    return torch.from_numpy(positions).to(rows.device), torch.from_numpy(meant).to(rows.device)
