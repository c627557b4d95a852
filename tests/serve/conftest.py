import base64
import io
import threading
import time
from contextlib import contextmanager

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


@pytest.fixture
def serve(tmp_path):
    """Return a function that serves a gallery, and gives a client and the gallery."""
    clients = []

    def start(tokens=None, embedder=None, gallery=None, **settings):
        gallery = gallery or Gallery.create(tmp_path / f"yard{len(clients)}", embedder or Mapped(), thumbnails=True)
        app = make_app(Service(gallery, ServeSettings(**settings), tokens or Tokens()))
        client = TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return client, gallery

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def yard(serve):
    """A client of a service with five entries."""
    client, gallery = serve()
    for seed in range(5):
        gallery.add(
            file_of(seed),
            identity=f"v{seed // 2}",
            camera=f"c{seed % 2}",
            time=f"2026-05-0{seed + 1}T12:00:00+00:00",
            fields={"lane": str(seed)},
        )
    return client


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
