"""What docs/service.md tells to type works: every line of curl, and the Python of the client."""

import re
import shlex
from pathlib import Path

import pytest
from tests.serve.conftest import Mapped, file_of, listening

from msinet.gallery.gallery import Gallery
from msinet.serve.security import Tokens
from msinet.serve.service import Service
from msinet.serve.settings import ServeSettings

PAGE = (Path(__file__).parents[2] / "docs" / "service.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def sent(client, words):
    """The answer to what a line of curl sends."""
    method, form, files, data, headers, path = "", {}, [], None, {}, ""
    words = iter(words)
    for word in words:
        if word == "-F":
            name, _, value = next(words).partition("=")
            if value.startswith("@"):
                files.append((name, (value[1:], Path(value[1:]).read_bytes())))
            else:
                form[name] = value
        elif word == "-d":
            data = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-X":
            method = next(words)
        elif word == "-o":
            next(words)
        else:
            path = word.removeprefix(ADDRESS)
    method = method or ("POST" if files or data else "GET")
    return client.request(method, path, content=data, data=form or None, files=files or None, headers=headers)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    for seed, name in enumerate(("a.png", "b.png")):
        (tmp_path / name).write_bytes(file_of(seed, size=(40, 40)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_line_of_curl_is_answered(serve, desk):
    client, gallery = serve()
    gallery.add([desk / "b.png", desk / "a.png"], identity="v17")
    lines = [line for line in PAGE.splitlines() if line.startswith("curl ")]
    documented = {path for path in client.get("/openapi.json").json()["paths"] if path.startswith("/v1")}
    asked = set()
    for line in lines:
        words = shlex.split(line)[1:]
        answer = sent(client, words)
        assert answer.status_code == 200, (line, answer.text)
        asked.add(re.sub(r"/\d+", "/{id}", words[-1].removeprefix(ADDRESS).partition("?")[0]))
    assert documented <= {path.replace("identities/v17", "identities/{identity}") for path in asked}


def test_the_client_of_the_page_works(desk):
    gallery = Gallery.create(desk / "yard", Mapped(), thumbnails=True)
    gallery.add(file_of(7))
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    with listening(Service(gallery, ServeSettings(), Tokens())) as address:
        exec(compile(block.replace(ADDRESS, address), "service.md", "exec"), {})
    assert gallery.store.verdicts() == [(1, 2, False)]
