"""The inner loops of scoring on tensors, for a GPU. The same counts as `counting.py`, by sorting, which a GPU does well."""

import numpy as np
import torch
from torch import Tensor

from msinet.evaluation.judgement import Judgement, PositionLists


def count_wrong_before(rows: Tensor, first: int, judgement: Judgement) -> np.ndarray:
    """Return, for each right answer of the queries from `first` on, the wrong images that are at least as similar.

    Args:
        rows: (b, G) similarities of these queries.
        first: number of the first query.
        judgement: what is right and what is junk, of all queries.

    Returns:
        (right answers of these queries,) int64, ascending within a query.
    """
    right, is_right = _padded(judgement.right, first, rows)
    junk, is_junk = _padded(judgement.junk, first, rows)
    thresholds = rows.gather(1, right).masked_fill(~is_right, torch.inf)  # (b, R)
    others = rows.gather(1, junk).masked_fill(~is_junk, -torch.inf)  # (b, J)
    sides = torch.cat([thresholds.masked_fill(~is_right, -torch.inf), others], dim=1)
    below = torch.searchsorted(rows.sort(dim=1).values, thresholds)
    not_wrong = (sides[:, None, :] >= thresholds[:, :, None]).sum(2)
    before = (rows.shape[1] - below - not_wrong).masked_fill(~is_right, torch.iinfo(torch.int64).max)
    return before.sort(dim=1).values[is_right].cpu().numpy()


def count_by_similarity(rows: Tensor, low: float, scale: float, bins: int) -> np.ndarray:
    """Return how many of all similarities (b, G) lie in each bin of width 1 / scale above `low`: (bins,)."""
    places = ((rows.double() - low) * scale).long().clamp(0, bins - 1)
    return torch.bincount(places.flatten(), minlength=bins).cpu().numpy()


def _padded(lists: PositionLists, first: int, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positions of the rows' queries, (b, longest), filled up with 0, and which of them are meant."""
    lengths = lists.lengths[first : first + len(rows)]
    meant = np.arange(max(1, lengths.max(initial=0))) < lengths[:, None]
    positions = np.zeros(meant.shape, np.int64)
    positions[meant] = lists.positions[lists.starts[first] : lists.starts[first + len(rows)]]
    return torch.from_numpy(positions).to(rows.device), torch.from_numpy(meant).to(rows.device)
