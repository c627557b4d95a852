"""A service in a process of its own, and what sends requests to it, for the benchmarks of the service."""

import http.client
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

TOKEN = "a-token-for-the-benchmark"
BOUNDARY = "part"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Authorization": f"Bearer {TOKEN}"}


def start(folder: Path, *words: str) -> tuple[subprocess.Popen, str]:
    """Start a service, and return its process and its address when it takes requests."""
    command = [sys.executable, "-m", "msinet", "serve", "--gallery", str(folder), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "MSINET_TOKEN": TOKEN})
    assert process.stdout is not None
    line = process.stdout.readline()
    if "http://" not in line:
        raise SystemExit(f"the service did not start: {line}")
    return process, line.split(" at ")[1].split(",")[0]


@contextmanager
def served(folder: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """A service while a block runs: its address, and the process."""
    process, address = start(folder, "--port", "0", *words)
    try:
        yield address, process
    finally:
        process.terminate()
        process.wait(60)


def pictures(count: int, first: int = 0) -> list[bytes]:
    """JPEG files of 160 x 120 pixels, no two alike."""
    made = []
    for number in range(first, first + count):
        cells = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
        written = io.BytesIO()
        Image.fromarray(cells).resize((160, 120), Image.Resampling.BICUBIC).save(written, "JPEG", quality=90)
        made.append(written.getvalue())
    return made


def form(picture: bytes, name: str = "images", **texts: str) -> bytes:
    """The body of a request with a picture and texts."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n'.encode()
        for key, text in texts.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'.encode()
    return b"".join([*parts, head, picture, f"\r\n--{BOUNDARY}--\r\n".encode()])


class Sender:
    """One client with a connection that stays open."""

    def __init__(self, address: str, timeout: float = 60) -> None:
        parts = urlsplit(address)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send a form; return the code and the content of the answer."""
        self.connection.request("POST", path, body, FORM)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
