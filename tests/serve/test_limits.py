"""What is too large, too slow or of the wrong kind is refused in words, and nothing of it is looked at."""

import base64
import json
import struct
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.gallery.conftest import Colours
from tests.mutated import mutated
from tests.serve.conftest import base64_of, file_of

from msinet.serve.bodies import parsed
from msinet.serve.pictures import Decoding, fault_of
from msinet.serve.problems import Problem


def png_of_size(width, height):
    """A PNG whose header states a size, and which has hardly any data."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def webp_of_size(width, height):
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides
    return b"RIFF" + struct.pack("<I", len(body)) + body


def refused(answer, code):
    assert answer.status_code == code, answer.text
    assert list(answer.json()) == ["error"]
    assert len(answer.json()["error"]) > 10
    assert "Traceback" not in answer.text
    return answer.json()["error"]


@pytest.mark.parametrize("content", [png_of_size(60_000, 60_000), webp_of_size(16_000, 16_000), png_of_size(5_001, 5_000)])
def test_a_decompression_bomb_is_refused_by_its_header(steady, content, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    assert "million pixels" in refused(steady.post("/v1/embed", files={"images": ("a.png", content)}), 413)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_listed_formats_are_decoded(steady, format):
    assert steady.post("/v1/embed", files={"images": ("a", file_of(0, format))}).status_code == 200


@pytest.mark.parametrize("format", ["GIF", "TIFF", "PPM", "JPEG2000", "AVIF"])
def test_other_formats_are_not(steady, format):
    if format not in Image.SAVE and (Image.init(), format not in Image.SAVE)[1]:
        pytest.skip(f"this Pillow writes no {format}")
    written = file_of(0, format)
    assert "send JPEG, PNG, WebP or BMP" in refused(steady.post("/v1/query", files={"images": ("a.png", written)}), 415)
    refused(steady.post("/v1/entries", files={"image": ("a.png", written)}), 415)


def test_a_file_that_begins_as_one_format_and_is_another_reaches_no_other_decoder(steady):
    avif_behind = b"\xff\xd8\xff\xe0ftypavif" + bytes(200)
    refused(steady.post("/v1/embed", files={"images": ("a.jpg", avif_behind)}), 400)
    assert fault_of(b"BM" + bytes(200), 25)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/etc/hostname", "file:///etc/passwd", "http://127.0.0.1:1/a.png", "../../a.png", "~/a.png"]
)
def test_paths_and_addresses_are_no_images_and_nothing_is_read(steady, monkeypatch, path):
    opened = []
    monkeypatch.setattr(Path, "open", lambda self, *rest, **more: opened.append(self))
    for address, name in (("/v1/embed", "images"), ("/v1/query", "images"), ("/v1/entries", "images")):
        words = refused(steady.post(address, json={name: [path]}), 400)
        assert "base64" in words
        refused(steady.post(address, data={name: path}), 415)
    refused(steady.post("/v1/crops", json={"frame": path, "boxes": [[0, 0, 1, 1]]}), 400)
    assert not opened


def test_a_path_in_valid_base64_letters_is_not_read_either(steady):
    """/etc/hosts/a is base64 of nine bytes, which are no image."""
    refused(steady.post("/v1/query", json={"images": ["/etc/hosts/a"]}), 415)


def test_large_files_and_requests_are_refused_while_they_arrive(serve):
    client, _ = serve(file_mb=0.01, request_mb=0.05, memory_mb=1)
    noise = b"\x89PNG\r\n\x1a\n" + bytes(10_001)
    assert "0.01 MB" in refused(client.post("/v1/embed", files={"images": ("a.png", noise)}), 413)
    refused(client.post("/v1/embed", json={"images": [base64.b64encode(noise).decode()]}), 413)
    refused(client.post("/v1/embed", files=[("images", (f"{i}", noise[:9_000])) for i in range(8)]), 413)
    sent = []

    def endless():
        head = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'
        yield head
        while len(sent) < 1_000:
            sent.append(1)
            yield bytes(1_000)

    answer = client.post("/v1/embed", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    refused(answer, 413)


def test_too_many_images_boxes_matches_and_filters_are_refused(steady):
    small = file_of(0)
    refused(steady.post("/v1/embed", files=[("images", (f"{i}", small)) for i in range(65)]), 413)
    refused(steady.post("/v1/embed", json={"images": [base64_of(0)] * 65}), 413)
    boxes = json.dumps([[0, 0, 1, 1]] * 65)
    refused(steady.post("/v1/crops", files={"frame": ("a", small)}, data={"boxes": boxes}), 422)
    refused(steady.post("/v1/query", json={"entries": [1], "top_k": 201}), 400)
    refused(steady.post("/v1/query", json={"entries": [1], "top_k": 0}), 422)
    refused(steady.post("/v1/query", json={"entries": [1] * 65}), 422)
    for filters in ({"camera": ["c"] * 101}, {"fields": {str(i): "x" for i in range(101)}}, {"camera": ["c" * 201]}):
        refused(steady.post("/v1/query", json={"entries": [1], "filters": filters}), 422)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", 400),
        (b"[1]", 422),
        (b'{"entries": [NaN]}', 400),
        (b'{"entries": [1], "top_k": 1e999}', 422),
        (b'{"entries": [' + b"9" * 5_000 + b"]}", 400),
        (b'{"entries": [99999999999999999999]}', 422),
        (b"[" * 100_000, 400),
        (b'{"filters": ' + b'{"a": ' * 9 + b"1" + b"}" * 10, 400),
        (b'{"entries": [1], "filters": {"camera": "\\ud800"}}', 422),
        (b'{"entries": [1], "filters": {"since": "0001-01-01T00:00:00+14:00"}}', 422),
        (b'{"entries": [1], "filters": {"since": "2026-05-01T12:00:00"}}', 400),
        (b'{"entries": [1], "filters": {"fields": {"colour": "red"}}}', 400),
        (b'{"entries": [1], "filters": {"since": "2026-05-02T00:00:00Z", "before": "2026-05-01T00:00:00Z"}}', 400),
        (b'{"entries": [1], "path": "/etc/passwd"}', 422),
        (b'{"entries": [99]}', 404),
        (b"{}", 422),
        (b"\xff\xfe", 400),
    ],
)
def test_json_that_cannot_be_meant_is_refused_in_words(steady, body, code):
    refused(steady.post("/v1/query", content=body, headers={"Content-Type": "application/json"}), code)


def test_brackets_in_words_are_no_levels():
    assert parsed(b'{"a": "[[[[[[[[[[[[", "b": "\\"[[[[[[[[[["}') == {"a": "[" * 12, "b": '"' + "[" * 10}
    with pytest.raises(Problem, match="levels"):
        parsed(b'{"a": "\\\\", "b": ' + b"[" * 9)


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("multipart/form-data", b"", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n", 400),
        ("multipart/form-data; boundary=x", b"--y\r\n", 400),
        ("multipart/form-data; boundary=" + "x" * 300, b"", 400),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nx\r\n--x--',
            422,
        ),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 99 + b"\r\nx\r\n--x--", 400),
        ("text/plain", b"x", 415),
        ("", b"x", 415),
    ],
)
def test_forms_that_are_broken_are_refused_in_words(steady, kind, body, code):
    refused(steady.post("/v1/query", content=body, headers={"Content-Type": kind}), code)


def test_mutated_images_never_fail_the_service(steady):
    rng = np.random.default_rng(0)
    kinds = [file_of(0, format) for format in ("PNG", "JPEG", "WEBP", "BMP")]
    codes = set()
    for number in range(300):
        answer = steady.post("/v1/embed", files={"images": ("a", mutated(kinds[number % 4], rng))})
        codes.add(answer.status_code)
        assert answer.status_code < 500, answer.text
    assert codes >= {200, 400}


class Slow(Colours):
    """An embedder that waits to be let go."""

    def __init__(self):
        super().__init__()
        self.go, self.batches = threading.Event(), []

    def vectors(self, pixels, flip=False):
        self.go.wait(20)
        self.batches.append(len(pixels))
        return super().vectors(pixels, flip)


def test_a_full_service_refuses_with_429_and_embeds_together_what_waited(serve):
    slow = Slow()
    client, _ = serve(embedder=slow, places=8, batch_size=16)
    answers = []
    threads = [
        threading.Thread(target=lambda i=i: answers.append(client.post("/v1/embed", json={"images": [base64_of(i)]})))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 10
    while "msinet_requests_in_work 8.0" not in client.get("/metrics").text:
        assert time.monotonic() < until
        time.sleep(0.01)
    full = client.post("/v1/embed", json={"images": [base64_of(9)]})
    refused(full, 429)
    assert full.headers["retry-after"] == "1"
    slow.go.set()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 8
    assert max(slow.batches) > 1


def test_a_request_that_takes_too_long_is_answered_in_words(serve):
    slow = Slow()
    client, _ = serve(embedder=slow, seconds=0.2)
    refused(client.post("/v1/embed", json={"images": [base64_of(0)]}), 504)
    slow.go.set()


def test_requests_whose_bytes_there_is_no_memory_for_are_refused(serve):
    client, _ = serve(file_mb=1, request_mb=1, memory_mb=1)
    client.app.state.service.memory.taken = 999_000
    refused(client.post("/v1/embed", files={"images": ("a", bytes(2_000))}), 429)
    client.app.state.service.memory.taken = 0
    client.post("/v1/embed", files={"images": ("a", file_of(0))})
    assert client.app.state.service.memory.taken == 0


def test_an_error_that_nobody_foresaw_says_nothing_of_itself(serve, monkeypatch):
    client, gallery = serve()
    monkeypatch.setattr(gallery, "info", lambda: 1 / 0)
    assert "its log says why" in refused(client.get("/v1/gallery"), 500)


def test_unknown_addresses_and_methods_are_refused_in_words(steady):
    refused(steady.get("/v2/anything"), 404)
    refused(steady.put("/v1/gallery"), 405)
    refused(steady.get("/v1/entries/zero"), 422)
    refused(steady.get("/..%2f..%2fetc/passwd"), 404)


def test_the_pixels_of_all_images_that_are_decoded_at_a_time_have_a_bound():
    decoding, inside, most = Decoding(100), [], []
    large = png_of_size(6_000, 5_000)  # 30 million pixels: three of them fit.

    def decode():
        with decoding.room_for([file_of(0), large, b"no image"], 50):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=decode) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= max(most) <= 3
    assert decoding.free == pytest.approx(100)
