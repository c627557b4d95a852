"""Scoring against peers, at the sizes of VeRi-776 and MSMT17: `python benchmarks/scoring.py`. Draws docs/scoring.svg."""

import re
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import peer_ranking
from paired import RESULTS, Row, Side, Step, compare, machine, put_section, require_agreement, write_table

from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.evaluation.metrics import Scores, measure
from msinet.evaluation.ranking import rank
from msinet.evaluation.ranking_task import RankingTask, prepare
from msinet.evaluation.scoring import compare as compare_sides
from msinet.evaluation.settings import ScoringSettings
from msinet.evaluation.similarities import Given, Similarities

PICTURE = Path(__file__).parent.parent / "docs" / "scoring.svg"
VERI776 = {"queries": 1678, "gallery": 11579, "identities": 200, "cameras": 20}
MSMT17 = {"queries": 11659, "gallery": 82161, "identities": 3060, "cameras": 15}
DIM = 768
GALLERIES = (10_000, 100_000, 1_000_000)
GROWTH_QUERIES = 1_000


def embeddings(count: int, identities: int, cameras: int, seed: int) -> Embeddings:
    """Return `count` images of identities, about as similar as a trained network finds them."""
    random, centres = np.random.default_rng(seed), np.random.default_rng(9)
    directions = centres.standard_normal((identities, DIM), np.float32)
    owner = random.integers(identities, size=count)
    seen_by = random.integers(cameras, size=count)
    vectors = np.empty((count, DIM), np.float32)
    for start in range(0, count, 10_000):  # a million at once would take three times the memory
        part = directions[owner[start : start + 10_000]]
        part += 3.5 * random.standard_normal(part.shape, np.float32)
        vectors[start : start + 10_000] = part / np.linalg.norm(part, axis=1, keepdims=True)
    names = [Path(f"{seed}-{i}") for i in range(count)]
    labels = zip(names, owner.tolist(), seen_by.tolist(), strict=True)
    return Embeddings(vectors, [ImageRecord(name, f"v{i}", f"c{c}") for name, i, c in labels])


def sides(queries: int, gallery: int, identities: int, cameras: int) -> tuple[Embeddings, Embeddings]:
    """Return query and gallery."""
    return embeddings(queries, identities, cameras, 1), embeddings(gallery, identities, cameras, 2)


def compared(scores: Scores) -> list[Any]:
    """Return the numbers that both sides are compared by."""
    return [scores.mAP, scores.mINP, np.array(scores.cmc)]


def task_of(query: Embeddings, gallery: Embeddings, scoring: ScoringSettings | None = None) -> RankingTask:
    """Return the ranking task of both sides under the Market rule."""
    (task,) = prepare(query.records, gallery.records, "market", scoring)
    return task


def ranked(task: RankingTask, similarities: Similarities) -> Scores:
    """Rank and score: CMC, mAP, mINP and each query's own scores."""
    return measure(rank(similarities, task.relevance), task.asking, len(task.searched)).scores


def scored(query: Embeddings, gallery: Embeddings, scoring: ScoringSettings | None = None) -> Scores:
    """Return the scores of embeddings, from the records on."""
    task = task_of(query, gallery, scoring)
    return ranked(task, compare_sides(task, query, gallery))


def ours_from_distances(size: dict[str, int]) -> Step:
    """Return our scoring of given distances, from the records on."""
    query, gallery = sides(**size)
    similarities = query.vectors @ gallery.vectors.T

    def step() -> list[Any]:
        return compared(ranked(task_of(query, gallery), Given(similarities)))

    return step


def peers_from_distances(size: dict[str, int], scratch: str, compiled: bool) -> Step:
    """Return fast-reid's scoring of the same distances; its labels are numbers already."""
    query, gallery = sides(**size)
    distances = 1 - query.vectors @ gallery.vectors.T
    labels = [
        np.array([int(getattr(record, name)[1:]) for record in side.records])
        for name in ("identity", "camera")
        for side in (query, gallery)
    ]
    module = peer_ranking.load(Path(scratch), "rank")
    if compiled and not module.IS_CYTHON_AVAI:
        raise SystemExit("fast-reid's ranking was not compiled: nothing is timed")

    def step() -> list[Any]:
        cmc, precisions, penalties = module.evaluate_rank(distances, *labels, 50, False, compiled)
        return [np.mean(precisions), np.mean(penalties), np.asarray(cmc)]

    return step


def ours_from_embeddings(size: dict[str, int]) -> Step:
    """Return our scoring from embeddings."""
    query, gallery = sides(**size)

    def step() -> list[Any]:
        return compared(scored(query, gallery))

    return step


def product_and_ranking(size: dict[str, int]) -> Step:
    """Return our ranking of a matrix product that is computed at once."""
    query, gallery = sides(**size)

    def step() -> list[Any]:
        return compared(ranked(task_of(query, gallery), Given(query.vectors @ gallery.vectors.T)))

    return step


def ours_reranked(size: dict[str, int]) -> Step:
    """Return our re-ranking and scoring."""
    query, gallery = sides(**size)

    def step() -> list[Any]:
        return compared(scored(query, gallery, ScoringSettings(rerank=True)))

    return step


def peers_reranked(size: dict[str, int], scratch: str) -> Step:
    """Return fast-reid's re-ranking, on whole matrices as in the paper's own script, and our scoring."""
    query, gallery = sides(**size)
    module = peer_ranking.load(Path(scratch), "rerank")

    def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(2 - 2 * one @ other.T, 0))

    def step() -> list[Any]:
        q, g = query.vectors, gallery.vectors
        similarities = Given(-module.re_ranking(distances(q, g), distances(q, q), distances(g, g)))
        return compared(ranked(task_of(query, gallery), similarities))

    return step


def cost(size: dict[str, int], rerank: bool = False) -> Step:
    """Return a step that measures scoring from embeddings: seconds, MB above the inputs and MB in all."""
    warm = ours_reranked({**VERI776, "gallery": 500, "queries": 50}) if rerank else ours_from_embeddings(VERI776)
    warm()  # so that compiled code is not counted
    query, gallery = sides(**size)

    def step() -> list[Any]:
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        before, started = memory("VmRSS"), time.perf_counter()
        scored(query, gallery, ScoringSettings(rerank=rerank))
        seconds, peak = time.perf_counter() - started, memory("VmHWM")
        return [seconds, peak - before, peak]

    return step


def memory(what: str) -> float:
    """Return this process's memory by the kernel, in MB: VmRSS is the present size, VmHWM the largest so far."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{what}:\s*(\d+) kB", status)[1]) / 2**10  # pyright: ignore[reportOptionalSubscript]


def measured(size: dict[str, int], rerank: bool = False) -> list[float]:
    """Measure scoring in a process of its own: seconds, MB above the inputs, MB in all."""
    side = Side(cost, size, rerank)
    _, found = side.once()
    side.peak()
    return found


def against_peers(scratch: str) -> None:
    """Measure ranking and re-ranking at VeRi-776's size against others."""
    ours, compiled = (ours_from_distances, VERI776), (peers_from_distances, VERI776, scratch, True)
    rows: list[Row] = []
    require_agreement("ranking", ours, compiled, 1e-5)
    rows += compare("distances given, fast-reid's compiled ranking", ours, compiled, (">= 4", ""))
    rows += compare(
        "distances given, fast-reid's loop in numpy",
        ours,
        (peers_from_distances, VERI776, scratch, False),
        (">= 100", ""),
        2,
    )
    whole = (ours_from_embeddings, VERI776)
    require_agreement("from embeddings", whole, ours, 1e-5)
    rows += compare(
        "from embeddings, the matrix product alone and our ranking", whole, (product_and_ranking, VERI776), (">= 0.67", "")
    )
    both = (ours_reranked, VERI776), (peers_reranked, VERI776, scratch)
    require_agreement("re-ranking", *both, 1e-4)
    rows += compare("k-reciprocal re-ranking, fast-reid's on whole matrices", *both, (">= 10", "<= 0.2"), 2)
    write_table(
        "Scoring",
        "python benchmarks/scoring.py",
        rows,
        f"{VERI776['queries']} queries, {VERI776['gallery']} gallery images of {VERI776['identities']} identities, {DIM} "
        "dimensions, Market rule: CMC, mAP and mINP, from records to scores. Peers get their labels as numbers. Both sides "
        f"agree to 1e-5, re-ranking to 1e-4. The peer is {peer_ranking.PACKAGE}, its loop compiled as its own setup does.",
    )


def large() -> None:
    """Measure time and memory at MSMT17's size, and over the size of the gallery, which is drawn."""
    rows = ["| what | seconds | MB above the inputs | MB in all | bound |", "|---|---|---|---|---|"]
    for what, rerank, bound in (("ranking", False, "<= 2048 MB above"), ("with re-ranking", True, "<= 8192 MB in all")):
        seconds, above, whole = measured(MSMT17, rerank)
        rows.append(f"| MSMT17's size, {what} | {seconds:.1f} | {above:.0f} | {whole:.0f} | {bound} |")
        print(rows[-1], flush=True)
    grown = []
    for gallery in GALLERIES:
        found = measured({"queries": GROWTH_QUERIES, "gallery": gallery, "identities": gallery // 20, "cameras": 20})
        grown.append(found)
        rows.append(f"| {GROWTH_QUERIES} x {gallery:,} | {found[0]:.2f} | {found[1]:.0f} | {found[2]:.0f} | |")
        print(rows[-1], flush=True)
    draw(np.array(grown))
    words = (
        f"From embeddings of {DIM} dimensions, Market rule; MSMT17's size is 11,659 x 82,161. "
        "Drawn in [docs/scoring.svg](../docs/scoring.svg)."
    )
    put_section("Scoring, large", f"`python benchmarks/scoring.py` on {machine()}.\n\n" + "\n".join(rows) + f"\n\n{words}")


def draw(grown: np.ndarray) -> None:
    """Draw time and memory, (galleries, 3), over the size of the gallery."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for axis, column, label in ((axes[0], 0, "seconds"), (axes[1], 1, "MB above the inputs")):
        axis.plot(GALLERIES, grown[:, column], marker="o")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel(f"gallery images, {GROWTH_QUERIES} queries")
        axis.set_ylabel(label)
        axis.grid(alpha=0.2)
    plt.rcParams["svg.hashsalt"] = "msinet"
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    """Measure and write the tables."""
    with tempfile.TemporaryDirectory() as scratch:
        peer_ranking.build(Path(scratch))
        against_peers(scratch)
    large()
    print(f"Written to {RESULTS}")


if __name__ == "__main__":
    main()
