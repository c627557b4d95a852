"""The service under twice what it can do, with clients that misbehave: `python benchmarks/service_soak.py --minutes 30`.

One in ten requests is slow, a broken image or cut off. At half time the process is killed and started again. At the end: it
answered 429, its memory stayed within 20 % of that of the first minute, and every addition that it acknowledged is there.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from service import closed
from serving import FORM, Sender, form, pictures, start

sys.path.insert(0, str(Path(__file__).parents[1]))

CLIENTS = 300
"""Clients that send at even times; more than the service has places for."""


class Soak:
    """What is sent, and what came of it."""

    def __init__(self, address: str, rate: float) -> None:
        self.address, self.rate = address, rate
        self.codes: Counter[str] = Counter()
        self.acknowledged: dict[str, int] = {}
        self.lock, self.stopped, self.number = threading.Lock(), threading.Event(), 0

    def client(self, seed: int) -> None:
        """Send additions, queries and nonsense, at even times, until it is stopped."""
        chance, sender, shown = random.Random(seed), None, pictures(4, 1_000 * seed)
        while not self.stopped.wait(CLIENTS / self.rate * chance.uniform(0.5, 1.5)):
            with self.lock:
                self.number += 1
                number = f"{seed}-{self.number}"
            what = chance.choices(("add", "query", "broken", "slow", "cut"), (45, 45, 4, 3, 3))[0]
            try:
                sender = sender or Sender(self.address, 90)
                self.send(sender, what, number, chance.choice(shown))
            except (OSError, http.client.HTTPException) as error:
                self.count(f"{what}: {type(error).__name__}")
                sender = None

    def send(self, sender: Sender, what: str, number: str, picture: bytes) -> None:
        """Send one request, and keep what it acknowledges."""
        if what == "add":
            code, content = sender.post("/v1/entries", form(picture, "image", track=number, again="true"))
            if code == 200:
                with self.lock:
                    self.acknowledged[number] = json.loads(content)["ids"][0]
        elif what == "query":
            code, _ = sender.post("/v1/query", form(picture))
        elif what == "broken":
            code, _ = sender.post("/v1/embed", form(picture[: len(picture) // 3]))
        else:
            code = self.trickle(form(picture), cut=what == "cut")
        self.count(f"{what}: {code}")

    def trickle(self, body: bytes, cut: bool) -> int:
        """Send a body in small parts, and perhaps leave in its middle; return the code, 0 without one."""
        parts = urlsplit(self.address)
        with socket.create_connection((parts.hostname, parts.port), 90) as connection:
            head = f"POST /v1/embed HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in FORM.items())
            connection.sendall(f"{head}\r\n".encode())
            for at in range(0, len(body) // 2 if cut else len(body), 400):
                connection.sendall(body[at : at + 400])
                time.sleep(0.05)
            return 0 if cut else _code(connection.recv(12))

    def count(self, what: str) -> None:
        """Count an outcome."""
        with self.lock:
            self.codes[what] += 1


def _code(answer: bytes) -> int:
    """Return the code at the beginning of an answer."""
    if not answer.startswith(b"HTTP/1.1 "):
        raise ConnectionResetError
    return int(answer.split()[1])


def resident(pid: int) -> float:
    """Memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def watch(pid: int, seconds: float) -> list[float]:
    """Memory of a process in MB, once a second."""
    found, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        found.append(resident(pid))
        time.sleep(1)
    return found


def soak(folder: Path, minutes: float, model: str) -> dict[str, object]:
    """Load a service for some minutes, kill it at half time, and return what was found."""
    from msinet.deploy.predictor import Predictor
    from msinet.gallery.gallery import Gallery

    predictor = Predictor(model)
    Gallery.create(folder / "yard", predictor, name=str(predictor.file.path.absolute()))
    process, address = start(folder / "yard", "--port", "0")
    port = str(urlsplit(address).port)
    capacity, _ = closed(address, [form(picture) for picture in pictures(16)], 5)
    soaked = Soak(address, 2 * capacity)
    clients = [threading.Thread(target=soaked.client, args=(seed,)) for seed in range(CLIENTS)]
    for client in clients:
        client.start()
    halves = []
    for half in range(2):
        halves.append(watch(process.pid, 30 * minutes))
        if half == 0:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            process, _ = start(folder / "yard", "--port", port)
    soaked.stopped.set()
    process.terminate()
    ended = process.wait(120)
    for client in clients:
        client.join()
    entries = {entry.id: entry.track for entry in Gallery.open(folder / "yard").find()}
    lost = [number for number, id in soaked.acknowledged.items() if entries.get(id) != number]
    growth = max(max(half) / max(half[: max(len(half) // 2, min(60, len(half)))]) for half in halves)
    return {
        "capacity": round(capacity),
        "answers": dict(sorted(soaked.codes.items())),
        "429": sum(count for what, count in soaked.codes.items() if what.endswith(": 429")),
        "5xx": sum(count for what, count in soaked.codes.items() if ": 5" in what),
        "memory of each half, first and last MB": [(round(half[0]), round(half[-1])) for half in halves],
        "largest memory over that of the first minute": round(growth, 3),
        "acknowledged additions": len(soaked.acknowledged),
        "lost": len(lost),
        "exit code": ended,
    }


def main() -> None:
    """Soak a service, and fail where a promise does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--model", default="msinet-vehicles")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(Path(folder), given.minutes, given.model)
    print(json.dumps(found, indent=2))
    kept = not found["lost"] and found["exit code"] == 0 and found["429"] and found["acknowledged additions"]
    if not kept or float(str(found["largest memory over that of the first minute"])) > 1.2:
        raise SystemExit("a promise does not hold")


if __name__ == "__main__":
    main()
