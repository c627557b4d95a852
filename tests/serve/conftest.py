import base64
import io
import threading
import time
from contextlib import ExitStack, contextmanager
from itertools import count

import numpy as np
import pytest
import uvicorn
from PIL import Image
from starlette.testclient import TestClient
from tests.gallery.conftest import Colours, picture

from msinet.gallery.gallery import Gallery
from msinet.serve.app import make_app
from msinet.serve.security import Tokens
from msinet.serve.service import Service
from msinet.serve.settings import ServeSettings

WRITE, READ = "a-token-that-reads-and-writes", "a-token-that-only-reads"


def file_of(seed, format="PNG", size=None):
    """The content of an image file."""
    image = Image.fromarray(picture(seed))
    written = io.BytesIO()
    (image.resize(size) if size else image).save(written, format)
    return written.getvalue()


def base64_of(seed):
    return base64.b64encode(file_of(seed)).decode()


class Mapped(Colours):
    """An embedder with a last map: the image's own pixels, on a coarse grid."""

    def maps(self, images):
        opened = [Image.open(io.BytesIO(image)).convert("RGB").resize((4, 4)) for image in images]
        return np.stack([np.asarray(image, np.float32).transpose(2, 0, 1) for image in opened])


@contextmanager
def served(folder, tokens=None, embedder=None, **settings):
    """A client of a service, and its gallery, which is made in a folder."""
    gallery = Gallery.create(folder, embedder or Mapped(), thumbnails=True)
    app = make_app(Service(gallery, ServeSettings(**settings), tokens or Tokens()))
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client, gallery


@pytest.fixture
def serve(tmp_path):
    """Return a function that serves a gallery, and gives a client and the gallery."""
    with ExitStack() as stack:
        numbers = count()
        yield lambda *what, **more: stack.enter_context(served(tmp_path / f"yard{next(numbers)}", *what, **more))


def fill(gallery):
    """Add five entries of three identities in two cameras."""
    for seed in range(5):
        gallery.add(
            file_of(seed),
            identity=f"v{seed // 2}",
            camera=f"c{seed % 2}",
            time=f"2026-05-0{seed + 1}T12:00:00+00:00",
            fields={"lane": str(seed)},
        )


@pytest.fixture
def yard(serve):
    """A client of a service with five entries."""
    client, gallery = serve()
    fill(gallery)
    return client


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    """A client of a service with five entries, which no test changes."""
    with served(tmp_path_factory.mktemp("steady") / "yard") as (client, gallery):
        fill(gallery)
        yield client


@contextmanager
def listening(service):
    """The address of a service that listens, in a thread."""
    server = uvicorn.Server(uvicorn.Config(make_app(service), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield "http://{}:{}".format(*server.servers[0].sockets[0].getsockname())
    server.should_exit = True
    thread.join()


def with_token(token):
    return {"Authorization": f"Bearer {token}"}
