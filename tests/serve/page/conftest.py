"""A browser on the page of a service that runs, over a small gallery of colours."""

import base64
import io
import shutil
import socket
import threading

import numpy as np
import pytest
import uvicorn
from PIL import Image
from tests.gallery.conftest import picture
from tests.serve.conftest import Mapped

from msinet.gallery.gallery import Gallery
from msinet.serve.app import make_app
from msinet.serve.security import Tokens
from msinet.serve.service import Service
from msinet.serve.settings import ServeSettings

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NOBODY = Tokens()
VIEWS = ["#/", "#/?identity=v1", "#/entry/1?not_camera=c0", "#/entry/1,2", "#/compare/1/2", "#/gallery"]
PATIENCE = 10_000  # Milliseconds: other work may hold the cores.

DROP = """([files, kind]) => {
    const carried = new DataTransfer();
    for (const [name, content] of files) {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        carried.items.add(new File([bytes], name, { type: "image/png" }));
    }
    const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
    document.body.dispatchEvent(event);
}"""


def shot(identity, view=0):
    """A picture (16, 16, 3) of an object: its views differ a little, other objects much."""
    noise = np.random.default_rng([identity, view]).integers(-25, 26, (16, 16, 3))
    return (picture(identity) + noise).clip(0, 255).astype(np.uint8)


def png(pixels):
    """The content of a PNG file."""
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


@pytest.fixture(scope="session")
def chromium():
    """A browser without a window."""
    browsers = pytest.importorskip("playwright.sync_api", reason="playwright is missing: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with browsers.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def yard(tmp_path):
    """A gallery of three objects, each seen by two cameras on two days; the files are there."""
    gallery = Gallery.create(tmp_path / "yard", Mapped(), name="colours", thumbnails=True)
    for entry in range(6):
        identity, camera = divmod(entry, 2)
        file = tmp_path / f"{entry}.png"
        file.write_bytes(png(shot(identity, camera)))
        seen = f"2026-05-0{camera + 1}T12:0{identity}:00+00:00"
        gallery.add(file, identity=f"v{identity}", camera=f"c{camera}", time=seen, fields={"lane": str(identity)})
    return gallery


@pytest.fixture
def serve():
    """Return a function that serves a gallery, and returns the address."""
    running = []

    def start(gallery, tokens=NOBODY):
        listener = socket.create_server(("127.0.0.1", 0))
        app = make_app(Service(gallery, ServeSettings(), tokens))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()


@pytest.fixture
def visit(chromium):
    """Return a function that opens an address. Afterwards: no error in the console, and no request to another host."""
    contexts, wrong = [], []

    def note(address, message):
        answered = message.text.startswith("Failed to load resource")  # The page says these in its own words.
        if message.type in ("error", "warning") and not answered:
            wrong.append(f"{address}: {message.text}")

    def open_page(address, expect=".cards, .tiles, dialog", **options):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: note(address, message))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        home = address.partition("#")[0]
        page.on("request", lambda one: None if one.url.startswith((home, "blob:")) else wrong.append(one.url))
        page.goto(address)
        page.wait_for_selector(expect)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def page(visit, serve, yard):
    """The first view of the page."""
    return visit(serve(yard))


def give(page, *pictures, kind="drop"):
    """Drop or paste pictures, or contents of files, on the page."""
    contents = [one if isinstance(one, bytes) else png(one) for one in pictures]
    files = [(f"{at}.png", base64.b64encode(one).decode()) for at, one in enumerate(contents)]
    page.evaluate(DROP, [files, kind])
    page.wait_for_selector("main:not([aria-busy]) .query")


def found(page):
    """The identities of the cards, in their order."""
    page.wait_for_selector("main:not([aria-busy])")
    return page.locator(".card .labels b").all_inner_texts()


def show(page, place):
    """Show a place of the page by its hash, and wait until it is there."""
    page.evaluate("hash => { document.querySelector('main').replaceChildren(); location.hash = hash }", place)
    page.wait_for_selector("main:not([aria-busy]) h1")
