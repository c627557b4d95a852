"""The service beside its model in a loop, on the same cores: `python benchmarks/service.py [--model NAME] [--entries N]`.

Server and clients share the cores. Bounds: 16 clients with one image each reach 0.8 of the rate of the predictor that embeds
one image after the other; a query of 100,000 entries takes 30 ms more than an embedding, at the median.
"""

import argparse
import itertools
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from paired import machine, put_section
from serving import Sender, form, pictures, served

from gallery import records, vectors

CLIENTS = 16
PICTURES = 64


def loop_rate(predictor, contents: Sequence[bytes], seconds: float) -> tuple[float, float]:
    """Images a second of a predictor: one at a time, and all at once."""
    rates = []
    for images in ([[content] for content in contents], [list(contents)]):
        predictor.embed(images[0])
        started, count = time.perf_counter(), 0
        for some in itertools.cycle(images):
            count += len(predictor.embed(some))
            if time.perf_counter() - started > seconds:
                break
        rates.append(count / (time.perf_counter() - started))
    return rates[0], rates[1]


def closed(address: str, bodies: Sequence[bytes], seconds: float, clients: int = CLIENTS) -> tuple[float, np.ndarray]:
    """Answers a second to clients that send as soon as they are answered, and the milliseconds of each."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    def client(first: int) -> None:
        sender = Sender(address)
        for body in itertools.cycle([*bodies[first % len(bodies) :], *bodies[: first % len(bodies)]]):
            started = time.perf_counter()
            if started > until:
                break
            code, _ = sender.post("/v1/embed", body)
            assert code == 200, code
            took.append(time.perf_counter() - started)
        sender.close()

    _together(client, clients)
    return len(took) / seconds, 1000 * np.array(took)


def paced(address: str, bodies: Sequence[bytes], rate: float, seconds: float) -> np.ndarray:
    """Milliseconds of answers to requests that are sent at even times, at a rate; from the time that each was due."""
    took: list[float] = []
    numbers, lock, begin = itertools.count(), threading.Lock(), time.perf_counter() + 0.1

    def client(_: int) -> None:
        sender = Sender(address)
        while True:
            with lock:
                number = next(numbers)
            due = begin + number / rate
            if due > begin + seconds:
                break
            time.sleep(max(due - time.perf_counter(), 0))
            code = sender.post("/v1/embed", bodies[number % len(bodies)])[0]
            assert code == 200, code
            took.append(time.perf_counter() - due)
        sender.close()

    _together(client, CLIENTS)
    return 1000 * np.array(took)


def alone(address: str, path: str, bodies: Sequence[bytes], count: int) -> np.ndarray:
    """Milliseconds of answers to one client."""
    sender, took = Sender(address), []
    for body in itertools.islice(itertools.cycle(bodies), count):
        started = time.perf_counter()
        code, content = sender.post(path, body)
        assert code == 200, content
        took.append(time.perf_counter() - started)
    return 1000 * np.array(took[count // 10 :])


def _together(client: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=client, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fill(gallery, count: int) -> None:
    """Add vectors to a gallery, and make its index."""
    from msinet.data.embeddings import Embeddings

    start = 0
    for part in vectors(count, 0):
        gallery.add(Embeddings(part, records(start, len(part))))
        start += len(part)
    gallery.query(1)


def milliseconds(took: np.ndarray) -> str:
    """The median and the 99th percentile."""
    return f"{np.median(took):.1f} / {np.quantile(took, 0.99):.1f} ms"


def measure(model: str, entries: int, seconds: float, folder: Path) -> list[tuple[str, str, str]]:
    """Measure all, and return the rows of the table."""
    from msinet.deploy.predictor import Predictor
    from msinet.gallery.gallery import Gallery

    predictor, contents = Predictor(model), pictures(PICTURES)
    bodies = [form(content) for content in contents]
    gallery = Gallery.create(folder / "yard", predictor, name=str(predictor.file.path.absolute()))
    fill(gallery, entries)
    one, many = loop_rate(predictor, contents, seconds)
    with served(folder / "yard") as (address, _):
        alone(address, "/v1/embed", bodies, 20)
        rate, full = closed(address, bodies, seconds)
        half = paced(address, bodies, rate / 2, seconds)
        embeds = alone(address, "/v1/embed", bodies, max(40, int(20 * seconds)))
        queries = alone(address, "/v1/query", bodies, max(40, int(20 * seconds)))
    added = float(np.median(queries) - np.median(embeds))
    return [
        ("predictor, one image after the other", f"{one:.0f} images a second", ""),
        ("predictor, all images at once", f"{many:.0f} images a second", ""),
        (
            f"service, {CLIENTS} clients with one image each",
            f"{rate:.0f} images a second, {rate / one:.2f} of the loop",
            ">= 0.8",
        ),
        ("full load, median / 99 %", milliseconds(full), ""),
        ("half of that rate, median / 99 %", milliseconds(half), ""),
        ("one client, embedding, median / 99 %", milliseconds(embeds), ""),
        (f"one client, query of {entries:,} entries, median / 99 %", milliseconds(queries), ""),
        ("what a query adds, median", f"{added:.1f} ms", "< 30 ms"),
    ]


def main() -> None:
    """Measure, print, and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="msinet-vehicles")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--keep", action="store_true", help="write the table to RESULTS.md")
    given = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(given.model, given.entries, given.seconds, Path(folder))
    table = ["| what | found | bound |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    print("\n".join(table))
    print(json.dumps(dict(row[:2] for row in rows)))
    if given.keep:
        put_section("The service", "\n".join([machine(), "", *table]))


if __name__ == "__main__":
    main()
