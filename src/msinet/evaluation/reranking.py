"""Re-ranking by k-reciprocal neighbours (Zhong et al., Re-ranking Person Re-identification with k-reciprocal Encoding).

Each of the N = Q + G images has a sparse vector over all images: its k-reciprocal neighbours, extended by theirs, weighted
by distance. The Jaccard distance of two such vectors, mixed with the original distance, is the new distance. No matrix of
N x N is in memory: a sparse vector has some hundred entries at most.
"""

from dataclasses import dataclass

import numpy as np
from numba import prange

from msinet.compiling import compiled, compiled_for_all_cores
from msinet.data.embeddings import Embeddings
from msinet.evaluation.neighbours import nearest_among
from msinet.evaluation.similarities import as_array, cosine

# pyright: reportArgumentType=false, reportIndexIssue=false, reportCallIssue=false


@dataclass(frozen=True)
class SparseRows:
    """Sparse vectors: a list of columns and values for each row."""

    starts: np.ndarray
    """(rows + 1,) int64."""
    columns: np.ndarray
    """(entries,) int32."""
    values: np.ndarray
    """(entries,) float32."""


class Reranked:
    """Similarities after re-ranking: the negative of the mixed distance, from -1 to 0.

    Args:
        query: Q embeddings.
        gallery: G embeddings.
        neighbours: k1, number of neighbours that may be reciprocal.
        expansion: k2, number of neighbours whose sparse vectors are averaged.
        keep: lambda, weight of the original distance.
        device: where similarities are computed.
    """

    def __init__(
        self,
        query: Embeddings,
        gallery: Embeddings,
        neighbours: int = 20,
        expansion: int = 6,
        keep: float = 0.3,
        device: str = "cpu",
    ) -> None:
        self.keep = keep
        self.cosine = cosine(query, gallery, device)
        vectors = np.concatenate([query.vectors, gallery.vectors])
        found = nearest_among(vectors, neighbours + 1)
        self.farthest = 2 - 2 * found.lowest  # (N,) greatest squared distance of each image, by which its own are divided
        described = _describe(vectors, found.nearest, self.farthest, neighbours)
        self.rows_of_all = _averaged(described, np.ascontiguousarray(found.nearest[:, :expansion]))
        self.by_column = _turned(self.rows_of_all, len(query), len(vectors))

    @property
    def shape(self) -> tuple[int, int]:
        """(Q, G)."""
        return self.cosine.shape

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Return the rows of some queries, (stop - start, G)."""
        cosines = as_array(self.cosine.rows(start, stop))
        rows, inverse = self.rows_of_all, self.by_column
        _mix(
            cosines, start, self.keep, self.farthest,
            rows.starts, rows.columns, rows.values, inverse.starts, inverse.columns, inverse.values,
        )  # fmt: skip
        return cosines


def _describe(vectors: np.ndarray, ranked: np.ndarray, farthest: np.ndarray, neighbours: int) -> SparseRows:
    """Return the sparse vector of each image, (N, N), each row's weights summing to 1."""
    half = round(neighbours / 2)
    widest = min(len(vectors), ranked.shape[1] * (half + 2))
    members = np.empty((len(vectors), widest), np.int32)
    counts = np.empty(len(vectors), np.int64)
    _reciprocal(ranked, half, members, counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    columns, values = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
    _weigh(vectors, farthest, members, starts, columns, values)
    return SparseRows(starts, columns, values)


@compiled
def _reciprocal_of(ranked, image, k, found):
    """Write the first k + 1 neighbours of an image that have it among theirs into `found`; return their number."""
    count = 0
    for i in range(min(k + 1, ranked.shape[1])):
        other = ranked[image, i]
        for j in range(min(k + 1, ranked.shape[1])):
            if ranked[other, j] == image:
                found[count] = other
                count += 1
                break
    return count


@compiled_for_all_cores
def _reciprocal(ranked, half, members, counts):
    """Write each image's k-reciprocal neighbours, sorted, extended by those that share two thirds of theirs with it."""
    k = ranked.shape[1] - 1
    for image in prange(ranked.shape[0]):
        own = np.empty(k + 1, np.int32)
        theirs = np.empty(k + 1, np.int32)
        size = _reciprocal_of(ranked, image, k, own)
        everyone = np.empty((k + 1) * (half + 2), np.int32)
        everyone[:size] = own[:size]
        total = size
        for i in range(size):
            count = _reciprocal_of(ranked, own[i], half, theirs)
            shared = 0
            for j in range(count):
                for n in range(size):
                    shared += theirs[j] == own[n]
            if shared > 2 / 3 * count:
                everyone[total : total + count] = theirs[:count]
                total += count
        everyone = np.sort(everyone[:total])
        kept = 0
        for i in range(total):
            if i == 0 or everyone[i] != everyone[i - 1]:
                members[image, kept] = everyone[i]
                kept += 1
        counts[image] = kept


@compiled_for_all_cores
def _weigh(vectors, farthest, members, starts, columns, values):
    """Weight each member by exp(-d), d the squared distance over that of the farthest image; a row of weights sums to 1."""
    for image in prange(len(starts) - 1):
        begin, end = starts[image], starts[image + 1]
        total = np.float32(0)
        for place in range(begin, end):
            other = members[image, place - begin]
            cosine = np.float32(0)
            for d in range(vectors.shape[1]):
                cosine += vectors[image, d] * vectors[other, d]
            scale = farthest[image] if farthest[image] > 0 else np.float32(1)
            weight = np.exp(-(2 - 2 * cosine) / scale)
            columns[place] = other
            values[place] = weight
            total += weight
        for place in range(begin, end):
            values[place] /= total


def _averaged(rows: SparseRows, ranked: np.ndarray) -> SparseRows:
    """Return the mean of the rows of each image's first neighbours, (N, k2); the image itself is the first."""
    lengths = np.empty(len(ranked), np.int64)
    empty = np.empty(0, np.int32), np.empty(0, np.float32)
    _average(rows.starts, rows.columns, rows.values, ranked, lengths, np.empty(0, np.int64), *empty)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    averaged = SparseRows(starts, np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32))
    _average(rows.starts, rows.columns, rows.values, ranked, lengths, starts, averaged.columns, averaged.values)
    return averaged


@compiled_for_all_cores
def _average(starts, columns, values, ranked, lengths, out_starts, out_columns, out_values):
    """Write the length of each mean; with `out_starts`, write the mean itself there, its columns ascending."""
    count = ranked.shape[1]
    for image in prange(len(ranked)):
        total = 0
        for i in range(count):
            total += starts[ranked[image, i] + 1] - starts[ranked[image, i]]
        found = np.empty(total, np.int32)
        weights = np.empty(total, np.float32)
        place = 0
        for i in range(count):
            begin, end = starts[ranked[image, i]], starts[ranked[image, i] + 1]
            found[place : place + end - begin] = columns[begin:end]
            weights[place : place + end - begin] = values[begin:end]
            place += end - begin
        order = np.argsort(found)
        kept = -1
        for i in range(total):
            column = found[order[i]]
            new = i == 0 or column != found[order[i - 1]]
            kept += new
            if len(out_starts):
                place = out_starts[image] + kept
                if new:
                    out_columns[place] = column
                    out_values[place] = 0
                out_values[place] += weights[order[i]] / count
        lengths[image] = kept + 1


def _turned(rows: SparseRows, first: int, size: int) -> SparseRows:
    """Return the rows from `first` on, the gallery's, by column: the images with an entry there, and the entries."""
    begin = rows.starts[first]
    columns, values = rows.columns[begin:], rows.values[begin:]
    lengths = np.bincount(columns, minlength=size)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    turned = SparseRows(starts, np.empty(len(columns), np.int32), np.empty(len(columns), np.float32))
    _turn(rows.starts[first:] - begin, columns, values, starts[:-1].copy(), turned.columns, turned.values)
    return turned


@compiled
def _turn(starts, columns, values, free, images, weights):
    """Write each entry to the next free place of its column."""
    for image in range(len(starts) - 1):
        for place in range(starts[image], starts[image + 1]):
            column = columns[place]
            images[free[column]] = image
            weights[free[column]] = values[place]
            free[column] += 1


@compiled_for_all_cores
def _mix(cosines, first, keep, farthest, starts, columns, values, by_starts, images, weights):
    """Turn cosines (b, G) of the queries from `first` on into the negative mixed distance."""
    for row in prange(cosines.shape[0]):
        query = first + row
        shared = np.zeros(cosines.shape[1], np.float32)
        for place in range(starts[query], starts[query + 1]):
            column, value = columns[place], values[place]
            for other in range(by_starts[column], by_starts[column + 1]):
                shared[images[other]] += min(value, weights[other])
        scale = farthest[query] if farthest[query] > 0 else np.float32(1)
        for g in range(cosines.shape[1]):
            jaccard = 1 - shared[g] / (2 - shared[g])
            cosines[row, g] = -((1 - keep) * jaccard + keep * (2 - 2 * cosines[row, g]) / scale)
