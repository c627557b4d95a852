"""Compiled inner loops of scoring, on the CPU. Counting needs no sort, since only matches set thresholds."""

# pyright: reportArgumentType=false, reportIndexIssue=false, reportCallIssue=false

import numpy as np
from numba import prange

from msinet.compiling import compiled_for_all_cores

CHUNK = 128
"""Similarities that are checked together for one that matters."""


@compiled_for_all_cores
def count_before(rows, first, starts, matches, junk_starts, junk, out):
    """Count, for each match, the non-matches that are at least as similar, and write the counts in ascending order.

    Args:
        rows: (b, G) float32 similarities of the queries from `first` on.
        first: number of the first query.
        starts: (Q + 1,) where a query's matches start in `matches`.
        matches: positions of matches.
        junk_starts: (Q + 1,) likewise.
        junk: positions of junk, none of them a match.
        out: (len(matches),) int64, written for these queries.
    """
    for row in prange(rows.shape[0]):
        query = first + row
        begin, end = starts[query], starts[query + 1]
        count = end - begin
        if count == 0:
            continue
        similarities = rows[row]
        thresholds = np.empty(count, np.float32)
        for i in range(count):
            thresholds[i] = similarities[matches[begin + i]]
        lowest = thresholds.min()
        above = np.empty(len(similarities) + 1, np.float32)  # with a good network, hardly any
        found = 0
        for similarity in similarities:
            above[found] = similarity  # without a branch, which would be guessed wrong too often
            found += similarity >= lowest
        thresholds.sort()
        for i in range(count):
            threshold = thresholds[i]
            before = 0
            for g in range(found):  # this loop becomes vector instructions
                before += np.int32(above[g] >= threshold)
            for j in range(count):
                before -= thresholds[j] >= threshold
            for j in range(junk_starts[query], junk_starts[query + 1]):
                before -= similarities[junk[j]] >= threshold
            out[end - 1 - i] = before


@compiled_for_all_cores
def count_by_similarity(rows, low, scale, counts):
    """Add to counts, (threads, bins), the number of similarities (b, G) in each bin of width 1 / scale above `low`."""
    threads, bins = counts.shape
    share = -(-rows.shape[0] // threads)
    for thread in prange(threads):
        mine = counts[thread]
        for row in range(thread * share, min((thread + 1) * share, rows.shape[0])):
            for g in range(rows.shape[1]):
                mine[min(max(np.int64((rows[row, g] - low) * scale), 0), bins - 1)] += 1


@compiled_for_all_cores
def take_nearest(rows, first, column, nearest, values, lowest):
    """Update the k most similar and the lowest similarity of each image with more similarities.

    Args:
        rows: (b, n) float32 similarities of the images from `first` on to those from `column` on.
        first: number of the first image.
        column: number of the first of the others.
        nearest: (M, k) int32 positions, the most similar first; of equals, those that came first.
        values: (M, k) float32, their similarities; -inf where none was found yet.
        lowest: (M,) float32, the lowest similarity so far.
    """
    k = nearest.shape[1]
    for row in prange(rows.shape[0]):
        best, places = values[first + row], nearest[first + row]
        for start in range(0, rows.shape[1], CHUNK):
            part = rows[row, start : min(start + CHUNK, rows.shape[1])]
            above, below = np.int32(0), np.int32(0)
            for value in part:  # this loop becomes vector instructions; most chunks hold nothing new
                above += np.int32(value > best[k - 1])
                below += np.int32(value < lowest[first + row])
            if below:
                lowest[first + row] = part.min()
            for g in range(len(part) if above else 0):
                value = part[g]
                if value > best[k - 1]:
                    i = k - 1
                    while i > 0 and best[i - 1] < value:
                        best[i] = best[i - 1]
                        places[i] = places[i - 1]
                        i -= 1
                    best[i] = value
                    places[i] = column + start + g
