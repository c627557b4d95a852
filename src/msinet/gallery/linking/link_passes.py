"""Linking: groups of passes that show one object, by average linkage under constraints."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from msinet.errors import DatasetError, SettingsError
from msinet.gallery.linking.average_linkage import Cluster, Merge, merge_clusters, near_pairs
from msinet.gallery.linking.constraints import Constraints
from msinet.gallery.linking.passes import Passes
from msinet.gallery.linking.travel import Travel

Pairs = Iterable[tuple[int, int]]
"""Pairs of positions of passes."""


@dataclass(frozen=True)
class Link:
    """What holds the two sides of a merge together."""

    first: int
    """Pass of the one side, and the next of the other side: the most similar pair across."""
    second: int
    similarity: float
    """Cosine of the two passes."""
    average: float
    """Average cosine over all pairs across, which decided the merge."""


@dataclass(frozen=True)
class Group:
    """Passes that show one object."""

    members: tuple[int, ...]
    """Positions of the passes, ascending."""
    identity: str | None
    """The identity that a person gave to a member, None where nobody did."""
    names: tuple[str, ...]
    """Names of the old groups that this one continues, that with most passes first; none for a new group."""
    certainty: float
    """Probability of the weakest merge; 1 where there was none but what a person said."""
    weakest: Link | None
    """The weakest merge: where to look first, if the group may be wrong."""


def link(
    passes: Passes,
    threshold: float,
    *,
    same: Pairs = (),
    different: Pairs = (),
    travel: Travel | None = None,
    pairs: np.ndarray | None = None,
    probability: Callable[[float], float] = float,
) -> list[Group]:
    """Return the groups of passes that show one object, each pass in one, in the order of their first passes.

    The two most similar groups are merged, again and again, while the average cosine between their passes reaches the
    threshold. Groups are never merged across two passes that a person marked as different or gave different identities,
    that one camera saw at overlapping times, or between which nothing travels in that time. The result does not depend on
    the order of the passes, but for passes that differ in nothing.

    Passes that a person marked as the same, or gave one identity, are together whatever else speaks against it. Old groups
    stay, and may be merged with each other; an old group with two passes that a person keeps apart is linked anew. A pass
    that is in several old groups joins them.

    Args:
        passes: P passes.
        threshold: least average cosine of two groups that are merged, -1 to 1.
        same: pairs of passes that a person marked as the same object.
        different: pairs of passes that a person marked as different objects.
        travel: travel times between cameras.
        pairs: (E, 2) positions of similar passes, such as those that an index finds; only groups with such a pair are
            merged. By default all pairs that reach the threshold, of which 30 million are allowed.
        probability: calibrated probability that a similarity is of one object; by default the similarity itself.

    Raises:
        DatasetError: what a person said contradicts itself.
        SettingsError: the threshold is no cosine, or so low that too many pairs reach it.
        ValueError: a pair names a pass that is not there.
    """
    if not -1 <= threshold <= 1:
        raise SettingsError(f"threshold is {threshold}: give a cosine from -1 to 1", "threshold")
    same, different = (_checked(list(marks), len(passes)) for marks in (same, different))
    near = None if pairs is None else _checked(pairs, len(passes))
    if not len(passes):
        return []
    order = _canonical_order(passes)
    passes, place = _reordered(passes, order), np.argsort(order)
    constraints = Constraints(passes, place[different], travel)
    settled = _settled(passes, place[same], place[different], constraints)
    near = near_pairs(passes.vectors, threshold) if near is None else place[near].astype(np.int32)
    clusters = merge_clusters(passes.vectors, settled, near, threshold, constraints.apart)
    named = zip(clusters, _names(passes, clusters), strict=True)
    return sorted((_group(passes, one, names, order, probability) for one, names in named), key=lambda group: group.members)


def _group(
    passes: Passes, cluster: Cluster, names: tuple[str, ...], order: np.ndarray, probability: Callable[[float], float]
) -> Group:
    """Return a cluster of reordered passes as a group, by the positions that its passes had before."""
    members, weakest = cluster.members.tolist(), cluster.weakest
    return Group(
        tuple(sorted(order[cluster.members].tolist())),
        next((name for member in members if (name := passes.identities[member]) is not None), None),
        names,
        float(probability(weakest.similarity)) if weakest else 1.0,
        _link(passes.vectors, weakest, order) if weakest else None,
    )


def _checked(pairs: Sequence[tuple[int, int]] | np.ndarray, total: int) -> np.ndarray:
    checked = np.array(pairs, np.int64).reshape(-1, 2)
    if len(checked) and (checked.min() < 0 or checked.max() >= total):
        raise ValueError(f"pairs name passes from {checked.min()} to {checked.max()}, and there are {total}")
    return checked


def _canonical_order(passes: Passes) -> np.ndarray:
    """Return an order that depends on the content of passes alone, so that ties are broken alike in any order."""
    facts = zip(passes.cameras, passes.first, passes.last, passes.identities, passes.groups, strict=True)
    keys = [
        hashlib.blake2b(vector.tobytes() + repr(fact).encode(errors="surrogateescape")).digest()
        for vector, fact in zip(passes.vectors, facts, strict=True)
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)


def _reordered(passes: Passes, order: np.ndarray) -> Passes:
    lists = {
        name: [getattr(passes, name)[place] for place in order.tolist()]
        for name in ("cameras", "identities", "groups", "entries")
    }
    return replace(passes, vectors=passes.vectors[order], first=passes.first[order], last=passes.last[order], **lists)


def _settled(passes: Passes, same: np.ndarray, different: np.ndarray, constraints: Constraints) -> list[Cluster]:
    """Return the clusters that passes are in by what a person said and by their old groups."""
    said = [*same.tolist(), *_chains((identity,) if identity is not None else () for identity in passes.identities)]
    certain = _components(len(passes), said)
    _refuse_contradictions(passes, certain, different)
    old = _components(len(passes), [*said, *_chains(passes.groups)])
    members = _members(old)
    broken = [number for number, places in enumerate(members) if _contradictory(places, constraints)]
    old = np.where(np.isin(old, broken), len(passes) + certain, old)
    within = [np.stack(np.triu_indices(len(places), 1), 1) for places in _members(old)]
    pairs = [places[pair] for places, pair in zip(_members(old), within, strict=True) if len(places) > 1]
    return merge_clusters(
        passes.vectors,
        [Cluster(places) for places in _members(certain)],
        np.concatenate([np.empty((0, 2), np.int64), *pairs]),
        -np.inf,
        lambda one, other: np.zeros(np.broadcast_shapes(one.shape, other.shape), bool),
    )


def _contradictory(places: np.ndarray, constraints: Constraints) -> bool:
    return len(places) > 1 and bool(constraints.forbidden(places[:, None], places).any())


def _refuse_contradictions(passes: Passes, certain: np.ndarray, different: np.ndarray) -> None:
    """Raise an error where marks and identities keep passes together that other marks or identities keep apart."""
    if (clash := certain[different[:, 0]] == certain[different[:, 1]]).any():
        one, other = sorted(int(passes.entries[place][0]) for place in different[clash][0])
        raise DatasetError(
            f"the entries {one} and {other} are marked as different, and are of one track or the same by other marks or by "
            "their identity: take one of these marks back"
        )
    for places in _members(certain):
        if len(named := {passes.identities[place] for place in places.tolist()} - {None}) > 1:
            one, other = sorted(name for name in named if name)[:2]
            raise DatasetError(
                f"marks of the same object join the identities {one} and {other}: give both one name, or take a mark back"
            )


def _chains(labels: Iterable[tuple[str, ...]]) -> list[tuple[int, int]]:
    """Return pairs of positions that connect all positions with a label in common."""
    latest: dict[str, int] = {}
    pairs = []
    for place, names in enumerate(labels):
        for name in names:
            pairs.append((latest.get(name, place), place))
            latest[name] = place
    return pairs


def _components(total: int, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return the number of the connected component of each of `total` positions."""
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    return connected_components(coo_array((np.ones(len(one), bool), (one, other)), (total, total)), directed=False)[1]


def _members(numbers: np.ndarray) -> list[np.ndarray]:
    """Return the positions of each number, in the order of the numbers."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)


def _names(passes: Passes, clusters: Sequence[Cluster]) -> list[tuple[str, ...]]:
    """Return the old names that each cluster continues: each name goes to the cluster with most of its passes."""
    counts = [Counter(name for member in cluster.members.tolist() for name in passes.groups[member]) for cluster in clusters]
    heirs: dict[str, int] = {}
    for number, found in enumerate(counts):
        for name, passes_of_name in found.items():
            if name not in heirs or passes_of_name > counts[heirs[name]][name]:
                heirs[name] = number
    return [
        tuple(sorted((name for name in found if heirs[name] == number), key=lambda name: (-found[name], name)))
        for number, found in enumerate(counts)
    ]


def _link(vectors: np.ndarray, merge: Merge, order: np.ndarray) -> Link:
    """Return the most similar pair across a merge, by the caller's positions."""
    similarities = vectors[merge.first] @ vectors[merge.second].T
    one, other = np.unravel_index(similarities.argmax(), similarities.shape)
    first, second = sorted((int(order[merge.first[one]]), int(order[merge.second[other]])))
    return Link(first, second, float(similarities[one, other]), merge.similarity)
