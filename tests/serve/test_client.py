"""The client gives what the gallery itself would, through the service."""

from zipfile import ZipFile

import httpx
import numpy as np
import pytest
from PIL import Image
from tests.gallery.conftest import Colours, picture
from tests.serve.conftest import READ, WRITE, file_of

import msinet
from msinet.client import Client, RequestError, ServiceBusyError, ServiceError, TokenError
from msinet.data.readers.detect import load_splits
from msinet.serve.security import Tokens


@pytest.fixture
def client(serve):
    """A client whose requests go straight into the application."""
    served, gallery = serve(Tokens(WRITE, READ))

    def make(token=WRITE):
        made = Client("http://127.0.0.1:8000", token, patience=0)

        def answer(request):
            found = served.request(request.method, str(request.url), content=request.read(), headers=dict(request.headers))
            return httpx.Response(found.status_code, headers=dict(found.headers), content=found.content)

        made._http = httpx.Client(base_url=made.url, headers=made._http.headers, transport=httpx.MockTransport(answer))
        return made

    return make, gallery


def test_images_of_any_kind_are_embedded_as_by_the_model(client, tmp_path):
    make, _ = client
    (tmp_path / "a.png").write_bytes(file_of(0))
    sources = [tmp_path / "a.png", file_of(1), b"no image", picture(2), Image.fromarray(picture(3))]
    ours, theirs = make().embed(sources), Colours().embed(sources)
    assert np.allclose(ours.vectors, theirs.vectors, atol=1e-6)
    assert ours.positions.tolist() == theirs.positions.tolist()
    assert [one.position for one in ours.left_out] == [2]


def test_additions_and_queries_are_those_of_the_gallery(client):
    make, gallery = client
    here = make()
    when = "2026-05-01T12:00:00+02:00"
    added = here.add([file_of(seed) for seed in range(4)], camera="c1", time=when, fields={"lane": "2"})
    assert (added.ids, added.new) == ((1, 2, 3, 4), 4)
    assert here.add(file_of(0)).new == 0
    assert here.add(np.eye(12, dtype=np.float32)[:2], identity="v7").ids == (5, 6)
    for what in (file_of(2), [file_of(0), file_of(1)], 3):
        ours, theirs = here.query(what, top_k=3, camera="c1"), gallery.query(what, top_k=3, camera="c1")
        assert [match.entry for match in ours.matches] == [match.entry for match in theirs.matches]
        assert [match.similarity for match in ours.matches] == pytest.approx(
            [one.similarity for one in theirs.matches], abs=1e-6
        )
    assert here.entry(1) == gallery.entry(1)
    assert {match.entry.id for match in here.query([1, 2], fields={"lane": "2"}).matches} == {3, 4}
    assert here.remove(1) + here.remove(identity="v7") == 3
    here.judge(2, 3, True)
    assert gallery.store.verdicts() == [(2, 3, True)]
    assert here.gallery()["entries"] == 3


def test_crops(client):
    make, _ = client
    here, boxes = make(), [[0, 0, 8, 8], [90, 90, 99, 99]]
    ids = here.add_crops(picture(5), boxes, camera="gate")
    assert ids[0] == 1
    assert "nothing of it" in ids[1]
    answers = here.query_crops(picture(5), boxes, camera="gate")
    assert answers[0].matches[0].entry.id == 1
    assert isinstance(answers[1], str)


def test_labels_are_saved_as_a_table_and_with_pictures(client, tmp_path):
    make, gallery = client
    here = make()
    (tmp_path / "a.png").write_bytes(file_of(0))
    gallery.add(tmp_path / "a.png", identity="v1")
    here.add([file_of(1), file_of(2)])
    here.judge(1, 2, True)
    assert here.save_labels(tmp_path / "labels.csv") == 0
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 2
    here.save_labels(tmp_path / "labels.zip")
    with ZipFile(tmp_path / "labels.zip") as archive:
        archive.extractall(tmp_path / "set")
    train = load_splits(tmp_path / "set").train
    assert {record.path.name: record.identity for record in train} == {"a.png": "v1", "2.webp": "v1"}
    here.judge(1, 3, True)
    here.judge(2, 3, False)
    assert here.save_labels(tmp_path / "labels.csv") == 1
    with pytest.raises(RequestError, match="name a file"):
        here.save_labels(tmp_path / "labels.txt")


def test_what_goes_wrong_is_an_error_of_msinet_that_says_what(client):
    make, _ = client
    with pytest.raises(RequestError, match="there is no entry 9"):
        make().entry(9)
    with pytest.raises(RequestError, match="send JPEG"):
        make().query(b"no image")
    with pytest.raises(TokenError, match="may only read"):
        make(READ).add(file_of(0))
    with pytest.raises(TokenError, match="a token is needed"):
        make("").gallery()
    with pytest.raises(RequestError, match="cannot read"):
        make().embed("nowhere.png")
    assert issubclass(ServiceBusyError, msinet.errors.BusyError)


def test_a_service_that_is_not_there_is_named():
    with pytest.raises(ServiceError, match="does not answer"):
        Client("http://127.0.0.1:9").gallery()


def test_a_full_service_is_asked_again():
    answers = iter([429, 503, 200])
    here = Client("http://127.0.0.1:9")

    def answer(request):
        return httpx.Response(next(answers), headers={"Retry-After": "0"}, json={"entries": 0, "error": "full"})

    here._http = httpx.Client(base_url=here.url, transport=httpx.MockTransport(answer))
    assert here.gallery()["entries"] == 0
    full = Client("http://127.0.0.1:9", patience=0)
    transport = httpx.MockTransport(
        lambda request: httpx.Response(429, headers={"Retry-After": "1"}, json={"error": "full"})
    )
    full._http = httpx.Client(base_url=full.url, transport=transport)
    with pytest.raises(ServiceBusyError, match="full"):
        full.gallery()
