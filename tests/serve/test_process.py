"""The service as a process: how it starts, and that it loses nothing when it is stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from tests.onnx_file import write_mean_colour
from tests.serve.conftest import file_of

from msinet.cli.app import main
from msinet.deploy.predictor import Predictor
from msinet.gallery.gallery import Gallery
from msinet.serve import run

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MSINET_")}


def start(folder, *words, **environment):
    command = [sys.executable, "-m", "msinet", "serve", "--gallery", str(folder), *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**ENVIRONMENT, **environment}
    )


@pytest.fixture(scope="module")
def yard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("process")
    model = folder / "colour.onnx"
    write_mean_colour(model)
    Gallery.create(folder / "yard", Predictor(model), name=str(model))
    return folder / "yard"


@pytest.mark.long
def test_a_service_that_is_stopped_under_load_loses_nothing_that_it_acknowledged(yard):
    process = start(yard, "--port", "0")
    address = re.search(r"http://[\d.:]+", process.stdout.readline())[0]
    acknowledged, refused, lock = {}, [], threading.Lock()
    enough = threading.Event()

    def add(sender):
        with httpx.Client(base_url=address, timeout=20) as client:
            for seed in range(10_000 * (sender + 1), 10_000 * (sender + 2)):
                try:
                    answer = client.post("/v1/entries", files={"image": ("a", file_of(seed))}, data={"track": str(seed)})
                except httpx.HTTPError as error:
                    refused.append(error)
                    return
                if answer.status_code != 200:
                    assert answer.status_code in (429, 503), answer.text
                    return
                with lock:
                    acknowledged[seed] = answer.json()["ids"][0]
                if len(acknowledged) >= 60:
                    enough.set()

    senders = [threading.Thread(target=add, args=(sender,)) for sender in range(6)]
    for sender in senders:
        sender.start()
    assert enough.wait(30), process.poll()
    maps = Path(f"/proc/{process.pid}/maps")
    assert not maps.exists() or "libtorch" not in maps.read_text()
    process.send_signal(signal.SIGTERM)
    for sender in senders:
        sender.join()
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    gallery = Gallery.open(yard)
    assert {seed: gallery.entry(id).track for seed, id in acknowledged.items()} == {seed: str(seed) for seed in acknowledged}
    lines = (yard / "audit.jsonl").read_text().splitlines()
    assert len(lines) >= len(acknowledged)


def test_it_does_not_start_where_others_could_reach_it_without_a_token(yard, capsys, monkeypatch):
    monkeypatch.delenv("MSINET_TOKEN", raising=False)
    monkeypatch.setattr(run, "run", lambda *service: pytest.fail("it started"))
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--gallery", str(yard), "--host", "0.0.0.0"])
    assert ended.value.code == 2
    assert "--host is 0.0.0.0, which other machines reach: set MSINET_TOKEN" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(yard, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SystemExit):
            main(["serve", "--gallery", str(yard), "--port", str(taken.getsockname()[1])])
    assert "choose another port" in capsys.readouterr().err
