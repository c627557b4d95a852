"""Report on the gain of the search, in Markdown: a table of the scores, and what follows from it."""

import json
from collections.abc import Mapping
from itertools import combinations
from statistics import mean, median

import numpy as np

from msinet.evaluation.result import RetrievalResult
from msinet.experiments.search_worth_plan import Plan
from msinet.experiments.statistics import (
    chance_of_better,
    chance_of_correlation,
    chance_of_difference,
    deviation_of_one_column,
    interval_of_correlation,
    spearman,
)
from msinet.experiments.tables import RankAndMAP, markdown_table, scores_cell
from msinet.model.msinet.architecture import DEEPEST, Architecture

ABSENT = (-DEEPEST, -DEEPEST)
"""Depths of a place that an architecture does not have, in comparisons: far from all others."""

Maps = Mapping[str, Mapping[int, float]]
"""mAP in % of each architecture's trainings so far: by label and seed."""


def report(plan: Plan) -> str:
    """Return what is done as a table, and what follows from it as a list of sentences."""
    searched = [label for name in plan.variants for label in plan.searched(name)]
    results = {label: results_of(plan, label) for label in (*searched, *plan.others)}
    if not any(results.values()):
        return "nothing is done yet"
    maps: Maps = {label: {seed: 100 * r.mAP for seed, r in found.items()} for label, found in results.items()}
    sentences = [
        differences(plan, maps),
        *(rank_among_random(plan, maps, name, kind) for name in plan.variants for kind in plan.randoms),
        *(against_given(plan, maps, name) for name in plan.variants),
        *(decisions(plan, name) for name in plan.variants),
        *(depth_agreement(plan, name) for name in plan.variants),
        *(predictions(plan, maps, name) for name in plan.variants),
    ]
    return "\n".join([scores_table(plan, results), "", *(f"- {sentence}" for sentence in sentences if sentence)])


def results_of(plan: Plan, label: str) -> dict[int, RetrievalResult]:
    """Return the results of an architecture's trainings so far, by their seeds."""
    files = {seed: plan.result_file(label, seed) for seed in plan.seeds}
    return {seed: RetrievalResult.load(file) for seed, file in files.items() if file.is_file()}


def scores_table(plan: Plan, results: Mapping[str, Mapping[int, RetrievalResult]]) -> str:
    """Return a row for each kind of architecture, with a column for each pair of cameras, where there are two cameras."""
    rows = {name: plan.searched(name) for name in plan.variants}
    rows |= {**plan.randoms, **{name: [name] for name in plan.others}}
    found = {name: [result for label in labels for result in results[label].values()] for name, labels in rows.items()}
    found = {name: several for name, several in found.items() if several}
    pairs = next(iter(found.values()))[0].evidence.camera_pairs
    head = ["architecture", "trainings", *(f"{pair.query_camera} to {pair.gallery_camera}" for pair in pairs), "all"]
    table = []
    for name, several in found.items():
        columns = zip(*map(scores_of, several), strict=True)
        table.append([name, str(len(several)), *map(scores_cell, columns)])
    return markdown_table(head, table)


def scores_of(result: RetrievalResult) -> list[RankAndMAP]:
    """Return the scores of each pair of cameras and of all."""
    pairs = [RankAndMAP(pair.rank_1, pair.mAP) for pair in result.evidence.camera_pairs]
    return [*pairs, RankAndMAP(result.rank(1), result.mAP)]


def differences(plan: Plan, maps: Maps) -> str:
    """Say whether the architectures without a search differ at all; nothing where too few have every seed."""
    whole = [maps[label] for label in plan.others if len(maps[label]) == len(plan.seeds)]
    if len(whole) < 2 or len(plan.seeds) < 2:
        return ""
    values = np.array([[found[seed] for seed in plan.seeds] for found in whole])  # (architectures, seeds)
    means = values.mean(1)
    return (
        f"mean mAPs of the {len(whole)} architectures without a search: {means.min():.1f} to {means.max():.1f}, "
        f"standard deviation {means.std(ddof=1):.1f}, of one seed {deviation_of_one_column(values):.1f}; "
        f"equal architectures differ as much with p = {chance_of_difference(values):.4f}"
    )


def rank_among_random(plan: Plan, maps: Maps, name: str, kind: str) -> str:
    """Say where a variant's architectures stand among random ones with their seeds; nothing where either are missing."""
    strata = []
    for seed, label in zip(plan.seeds, plan.searched(name), strict=True):
        others = [maps[random][seed] for random in plan.randoms[kind] if seed in maps[random]]
        if seed in maps[label] and others:
            strata.append((maps[label][seed], others))
    if not strata:
        return ""
    own, others = zip(*strata, strict=True)
    beaten = mean(mean(value < one for value in values) for one, values in strata)
    random = kind.split(",")[0].replace("random", "the random ones", 1)
    return (
        f"{name}: mean mAP {mean(own):.1f} of {len(own)} searched architectures, against {mean(map(mean, others)):.1f} of "
        f"{random} with their seeds; they beat {100 * beaten:.0f} % of these; a random one drawn for each seed does as well "
        f"with p = {chance_of_better(own, others):.4f}"
    )


def against_given(plan: Plan, maps: Maps, name: str) -> str:
    """Say how a variant's architectures compare with the best given one; nothing where trainings are missing."""
    searched = [maps[label].get(seed) for seed, label in zip(plan.seeds, plan.searched(name), strict=True)]
    whole = {given: mean(maps[given].values()) for given in plan.given if len(maps[given]) == len(plan.seeds)}
    if None in searched or not whole:
        return ""
    best = max(whole, key=whole.__getitem__)
    return f"{name}: {mean(filter(None, searched)) - whole[best]:+.1f} points against {best}, the best given architecture"


def decisions(plan: Plan, name: str) -> str:
    """Say how clearly a variant's searches decide, whether two seeds agree, and which interactions they tell apart.

    What the alphas of a place have in common is left out, since softmax does not depend on it.
    """
    files = [plan.search_folder(label) / "architecture.json" for label in plan.searched(name)]
    searches = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file()]
    if not searches or any("alphas" not in search for search in searches):  # Weights of their own leave the alphas alone.
        return ""
    margin = median(choice["margin"] for search in searches for choice in search["choices"])
    alphas = [np.array(search["alphas"]["rows"]) for search in searches]
    centred = [(rows - rows.mean(1, keepdims=True)).ravel() for rows in alphas]
    agreement = ", ".join(f"{np.corrcoef(one, other)[0, 1]:.2f}" for one, other in combinations(centred, 2))
    first, *choices = searches[0]["alphas"]["columns"]
    rows = np.concatenate(alphas)
    gaps = zip(choices, abs(rows[:, 1:] - rows[:, :1]).mean(0), strict=True)
    return (
        f"{name}: median margin of the shares {margin:.3f}; correlation of two seeds' alphas {agreement or 'unknown'}; "
        f"mean distance of an alpha from that of {first}: {', '.join(f'{choice} {gap:.3f}' for choice, gap in gaps)}"
    )


def depth_agreement(plan: Plan, name: str) -> str:
    """Say at how many places two seeds' searches take depths within one step; nothing where depths are not searched.

    Places in cells that only one of the two has count as different.
    """
    files = [plan.search_folder(label) / "architecture.json" for label in plan.searched(name)]
    found = [Architecture.load(file) for file in files if file.is_file()]
    if len(found) < 2 or all(one.has_published_depths for one in found):
        return ""
    alike = []
    for one, other in combinations([places_by_position(architecture) for architecture in found], 2):
        for position in one.keys() | other.keys():
            a, b = one.get(position), other.get(position)
            alike += [
                a is not None and b is not None and abs(x - y) <= 1 for x, y in zip(a or (0, 0), b or (0, 0), strict=True)
            ]
    return f"{name}: two seeds take depths within one step at {100 * mean(alike):.0f} % of the branches' places"


def places_by_position(architecture: Architecture) -> dict[tuple[int, int, int], tuple[int, int]]:
    """Return the depths of an architecture by stage, cell and interaction."""
    return {
        (s, c, i): place.depths
        for s, stage in enumerate(architecture.cells)
        for c, cell in enumerate(stage)
        for i, place in enumerate(cell)
    }


def predictions(plan: Plan, maps: Maps, name: str) -> str:
    """Say how well a variant's searches rank the architectures that were trained; nothing where there are too few."""
    files = [plan.supernet_file(label) for label in plan.searched(name)]
    by_search = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file()]
    known = [other for other in plan.others if all(other in search for search in by_search)]
    trained = {other: mean(maps[other].values()) for other in known if len(maps[other]) == len(plan.seeds)}
    if not by_search or len(trained) < 3:
        return ""
    scores = [[search[other] for other in trained] for search in by_search]
    before, after = np.mean(scores, axis=0).tolist(), list(trained.values())
    low, high = interval_of_correlation(before, after)
    return (
        f"{name}: Spearman correlation of the search's score (mean of {len(scores)}) with the mAP after training "
        f"{spearman(before, after):.2f} (95 % interval over the architectures {low:.2f} to {high:.2f}), n = {len(after)}, "
        f"p = {chance_of_correlation(before, after):.3f}; "
        f"single searches {', '.join(f'{spearman(one, after):.2f}' for one in scores)}"
    )
