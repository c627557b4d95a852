"""The gallery at 100,000 and at 1,000,000 entries, beside FAISS and others: `python benchmarks/gallery.py [COUNT ...]`.

Others are measured where they are installed: pip install lancedb pytorch-metric-learning.
"""

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from paired import machine, put_section

DIM = 768
IMAGES = 8
"""Images of an identity."""
CAMERAS = 100
QUERIES = 200
QUERIES_OF_OTHERS = 50
PART = 50_000
WITHIN, BETWEEN, MEAN = 0.45, 0.25, 0.30
"""Shares of a vector's squared length: what differs between images of a vehicle, between vehicles, and what all share. So it
was for msinet-vehicles and 4,000 images of 500 synthetic vehicles; the first 20 axes held 0.87 of the second share."""
RANK, DECAY = 200, 1.6
"""Axes in which vectors differ, and the power by which their variance falls."""


def vectors(count: int, seed: int) -> Iterator[np.ndarray]:
    """Yield vectors of unit length, (N, D) float32 in parts: those of an identity stand together."""
    world = np.random.default_rng(7)
    axes = np.linalg.qr(world.standard_normal((DIM, RANK)))[0].astype(np.float32)
    mean = world.standard_normal(RANK).astype(np.float32)
    mean *= np.float32(np.sqrt(MEAN) / np.linalg.norm(mean))
    spread = (np.arange(RANK) + 3.0) ** -DECAY
    spread = np.sqrt(spread / spread.sum()).astype(np.float32)
    rng = np.random.default_rng(seed)
    for start in range(0, count, PART):
        size = min(PART, count - start)
        identities = rng.standard_normal((-(-size // IMAGES), RANK), np.float32).repeat(IMAGES, axis=0)[:size]
        images = rng.standard_normal((size, RANK), np.float32)
        made = (mean + spread * (np.sqrt(BETWEEN) * identities + np.sqrt(WITHIN) * images)) @ axes.T
        yield (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def records(start: int, count: int):
    """Return records: identities of eight images, a hundred cameras."""
    from msinet.data.records import ImageRecord

    numbers = range(start, start + count)
    return [ImageRecord(Path(f"{i}.jpg"), f"v{i // IMAGES}", f"c{i % CAMERAS:02d}") for i in numbers]


class Timed(NamedTuple):
    """Seconds of queries, and what they found."""

    median: float
    p99: float
    found: list[set[int]]

    @classmethod
    def of(cls, ask: Callable[[np.ndarray], Sequence[int]], queries: np.ndarray) -> "Timed":
        ask(queries[0])
        seconds, found = [], []
        for query in queries:
            start = time.perf_counter()
            found.append(set(map(int, ask(query))))
            seconds.append(time.perf_counter() - start)
        return cls(float(np.median(seconds)), float(np.quantile(seconds, 0.99)), found)

    def recall(self, right: Sequence[set[int]]) -> float:
        return float(np.mean([len(found & truth) / len(truth) for found, truth in zip(self.found, right, strict=True)]))

    def __str__(self) -> str:
        return f"{self.median * 1e3:.1f} ms (p99 {self.p99 * 1e3:.1f})"


def exact(count: int, queries: np.ndarray, meant: Callable[[np.ndarray], np.ndarray] | None = None) -> list[set[int]]:
    """Return the numbers, from 1, of the ten nearest vectors of each query, by comparing all that are meant."""
    best, ids = np.full((len(queries), 10), -np.inf, np.float32), np.zeros((len(queries), 10), np.int64)
    start = 0
    for part in vectors(count, 1):
        numbers = np.arange(start, start + len(part))
        start += len(part)
        kept = np.ones(len(part), bool) if meant is None else meant(numbers)
        here = queries @ part[kept].T
        scores = np.concatenate([best, here], axis=1)
        all_ids = np.concatenate([ids, np.broadcast_to(numbers[kept] + 1, here.shape)], axis=1)
        order = np.argpartition(-scores, 9, axis=1)[:, :10]
        best, ids = np.take_along_axis(scores, order, 1), np.take_along_axis(all_ids, order, 1)
    return [set(row) for row in ids.tolist()]


def memory() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Row(NamedTuple):
    """A row of the table."""

    what: str
    found: str
    bound: str = ""


def of_gallery(count: int, folder: Path) -> list[Row]:
    """Measure a gallery of a number of entries."""
    from msinet.data.embeddings import Embeddings
    from msinet.gallery.gallery import Gallery

    queries = np.concatenate(list(vectors(QUERIES * IMAGES, 2)))[::IMAGES]
    gallery, seconds, start = Gallery.create(folder, dim=DIM), 0.0, 0
    for part in vectors(count, 1):
        incoming = Embeddings(part, records(start, len(part)))
        before = time.perf_counter()
        gallery.add(incoming)
        seconds += time.perf_counter() - before
        start += len(part)
    rows = [Row("additions in parts of 50,000", f"{count / seconds:,.0f} a second", ">= 20,000")]
    before, at_first = memory(), time.perf_counter()
    gallery.query(queries[0])
    index = gallery.store.finder.index
    rows += [
        Row("index made", f"{time.perf_counter() - at_first:.0f} s", "<= 30 minutes for 1,000,000"),
        Row("index in memory", f"{memory() - before:.0f} MB", "<= 1.5 GB for 1,000,000"),
    ]
    own = Gallery.open(folder)
    at_first = time.perf_counter()
    own.query(queries[0])
    rows.append(Row("opened, to the first answer", f"{time.perf_counter() - at_first:.2f} s", "<= 2 s for 1,000,000"))

    def ask(query: np.ndarray, **given: object) -> list[int]:
        return [match.entry.id for match in own.query(query, top_k=10, **given).matches]  # type: ignore[arg-type]

    everything = Timed.of(ask, queries)
    one = Timed.of(lambda query: ask(query, camera="c07"), queries)
    half = Timed.of(lambda query: ask(query, camera=[f"c{i:02d}" for i in range(50)]), queries)
    of_one, of_half = (lambda n: n % CAMERAS == 7), (lambda n: n % CAMERAS < 50)
    recall = everything.recall(exact(count, queries))
    rows += [
        Row("query, ten nearest", f"{everything}, recall {recall:.4f}", "<= 20 ms, recall >= 0.99, for 1,000,000"),
        Row(
            "the same of one camera of 100",
            f"{one}, recall {one.recall(exact(count, queries, of_one)):.4f}, {one.median / everything.median:.1f} times",
            "<= 3 times",
        ),
        Row(
            "the same of 50 cameras of 100",
            f"{half}, recall {half.recall(exact(count, queries, of_half)):.4f}, {half.median / everything.median:.1f} times",
            "<= 3 times",
        ),
        Row("lists visited, candidates judged", f"{getattr(index, 'visited', 'all')}, {index.judged}"),
    ]
    extra = np.concatenate(list(vectors(300, 5)))
    before = time.perf_counter()
    for vector in extra:
        gallery.add(vector)
    rows.append(Row("additions one at a time", f"{len(extra) / (time.perf_counter() - before):,.0f} a second", ">= 100"))
    size = sum(file.stat().st_size for file in folder.iterdir())
    rows.append(Row("on disk", f"{size / 1e6:,.0f} MB, {size / count / DIM / 4:.2f} of the vectors"))
    return rows


class Asked(NamedTuple):
    """What others are asked."""

    queries: np.ndarray
    right: list[set[int]]
    """The numbers of the ten nearest vectors."""


def of_faiss(count: int, kind: str, asked: Asked) -> Row:
    """Measure an index of FAISS that holds all vectors."""
    import faiss

    before, index = memory(), faiss.index_factory(DIM, kind, faiss.METRIC_INNER_PRODUCT)
    for part in vectors(count, 1):
        if not index.is_trained:
            index.train(part)
        index.add(part)
    used = memory() - before
    timed = Timed.of(lambda query: index.search(query[None], 10)[1][0] + 1, asked.queries)
    recall = timed.recall(asked.right)
    return Row(f"FAISS {kind}", f"{timed}, recall {recall:.4f}, {used:.0f} MB; nothing survives kill -9")


def of_metric_learning(count: int, asked: Asked) -> Row:
    """Measure the wrapper of FAISS in pytorch-metric-learning."""
    import faiss
    import torch
    from pytorch_metric_learning.utils.inference import FaissKNN

    before, knn = memory(), FaissKNN(index_init_fn=faiss.IndexFlatIP, reset_before=False, reset_after=False)
    knn.train(torch.from_numpy(np.concatenate(list(vectors(count, 1)))))
    used = memory() - before
    timed = Timed.of(lambda query: knn(torch.from_numpy(query[None]), 10)[1][0].numpy() + 1, asked.queries)
    recall = timed.recall(asked.right)
    return Row("pytorch-metric-learning", f"{timed}, recall {recall:.4f}, {used:.0f} MB; nothing survives kill -9")


LANCE = """
import sys, numpy as np, lancedb
table = lancedb.connect(sys.argv[1]).open_table("vectors")
for number in range(1_000_000, 1_100_000):
    table.add([{"id": number, "vector": np.ones(768, np.float32) / 768**0.5}])
    print(number, flush=True)
"""


def of_lancedb(count: int, folder: Path, asked: Asked) -> Row:
    """Measure LanceDB, without an index and then killed while it adds."""
    import lancedb
    import pyarrow

    schema = pyarrow.schema({"id": pyarrow.int64(), "vector": pyarrow.list_(pyarrow.float32(), DIM)})
    before, start, table = memory(), 0, lancedb.connect(folder).create_table("vectors", schema=schema)
    for part in vectors(count, 1):
        flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(part.ravel()), DIM)
        table.add(pyarrow.table({"id": pyarrow.array(np.arange(start, start + len(part))), "vector": flat}, schema=schema))
        start += len(part)

    def ask(query: np.ndarray) -> list[int]:
        found = table.search(query).distance_type("dot").limit(10).select(["id", "_distance"]).to_list()
        return [row["id"] + 1 for row in found]

    timed = Timed.of(ask, asked.queries)
    recall = timed.recall(asked.right)
    used = memory() - before
    with subprocess.Popen([sys.executable, "-c", LANCE, str(folder)], stdout=subprocess.PIPE, text=True) as adder:
        assert adder.stdout
        said = [adder.stdout.readline() for _ in range(20)]
        adder.send_signal(signal.SIGKILL)
        said += adder.stdout.readlines()
    acknowledged = sum(line.endswith("\n") for line in said)
    there = lancedb.connect(folder).open_table("vectors").count_rows() - count
    words = f"{min(there, acknowledged)} of {acknowledged} additions survive kill -9"
    return Row("LanceDB, no index", f"{timed}, recall {recall:.4f}, {used:.0f} MB; {words}")


def others(count: int, folder: Path) -> list[Row]:
    """Measure others on the same vectors, where they are installed and their vectors fit into memory."""
    queries = np.concatenate(list(vectors(QUERIES_OF_OTHERS * IMAGES, 2)))[::IMAGES]
    asked = Asked(queries, exact(count, queries))
    rows = [of_faiss(count, "Flat", asked), of_faiss(count, "SQ8", asked)]
    if importlib.util.find_spec("pytorch_metric_learning"):
        rows.append(of_metric_learning(count, asked))
    if importlib.util.find_spec("lancedb"):
        rows.append(of_lancedb(count, folder, asked))
    return rows


def main(counts: Sequence[int] = (100_000, 1_000_000)) -> None:
    """Measure, and write the section of RESULTS.md."""
    tables = {}
    for count in counts:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            tables[count] = of_gallery(count, Path(folder) / "gallery")
    for count, rows in tables.items():  # Later, since pytorch-metric-learning changes FAISS's functions.
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            rows += others(count, Path(folder) / "lance")
    text = f"`python benchmarks/gallery.py` on {machine()}.\n"
    for count, rows in tables.items():
        text += f"\n| {count:,} x {DIM} | | bound |\n|---|---|---|\n"
        text += "".join(f"| {row.what} | {row.found} | {row.bound} |\n" for row in rows)
    put_section("The gallery", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[100_000, 1_000_000], help="numbers of entries")
    main(parser.parse_args().counts)
