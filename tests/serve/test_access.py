"""Who may ask what: tokens, pages of others, and where the service may listen."""

import pytest
from tests.serve.conftest import READ, WRITE, base64_of, file_of, served, with_token

from msinet.errors import SettingsError
from msinet.gallery.gallery import Gallery
from msinet.serve.security import Tokens, require_safe
from msinet.serve.service import Service
from msinet.serve.settings import ServeSettings

READING = [
    ("POST", "/v1/embed", {"images": [base64_of(0)]}),
    ("POST", "/v1/query", {"images": [base64_of(0)]}),
    ("POST", "/v1/crops", {"frame": base64_of(0), "boxes": [[0, 0, 8, 8]], "do": "query"}),
    ("POST", "/v1/compare", {"one": 1, "other": 2}),
    ("GET", "/v1/entries", None),
    ("GET", "/v1/entries/1", None),
    ("GET", "/v1/entries/1/thumbnail", None),
    ("GET", "/v1/verdicts", None),
    ("GET", "/v1/gallery", None),
    ("GET", "/v1/timeline?identity=v0", None),
    ("GET", "/metrics", None),
]
WRITING = [
    ("POST", "/v1/entries", {"images": [base64_of(7)]}),
    ("POST", "/v1/crops", {"frame": base64_of(0), "boxes": [[0, 0, 8, 8]], "do": "add"}),
    ("POST", "/v1/verdicts", {"one": 1, "other": 2, "same": True}),
    ("DELETE", "/v1/entries/1", None),
    ("DELETE", "/v1/identities/v0", None),
    ("GET", "/v1/labels.csv", None),
    ("GET", "/v1/labels.zip", None),
]
OPEN = ["/healthz", "/readyz", "/openapi.json"]


@pytest.fixture
def guarded(serve, tmp_path):
    client, gallery = serve(Tokens(WRITE, READ))
    (tmp_path / "a.png").write_bytes(file_of(0))
    gallery.add([tmp_path / "a.png", file_of(1)], identity="v0")
    return client


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    with served(tmp_path_factory.mktemp("locked") / "yard", Tokens(WRITE, READ)) as (client, _):
        yield client


def code(client, method, path, json, **headers):
    return client.request(method, path, json=json, headers=headers).status_code


def test_without_a_token_nothing_is_answered_but_health(guarded):
    for method, path, json in READING + WRITING:
        answer = guarded.request(method, path, json=json)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
        assert code(guarded, method, path, json, **with_token("a-token-that-nobody-knows")) == 401
    assert [guarded.get(path).status_code for path in OPEN] == [200, 200, 200]


def test_a_token_that_reads_changes_nothing(guarded):
    for method, path, json in READING:
        assert code(guarded, method, path, json, **with_token(READ)) == 200, path
    for method, path, json in WRITING:
        assert code(guarded, method, path, json, **with_token(READ)) == 403, path
    assert guarded.get("/v1/gallery", headers=with_token(READ)).json()["entries"] == 2
    assert guarded.get("/v1/verdicts", headers=with_token(READ)).json() == {"verdicts": []}


def test_a_token_that_writes_does_all(guarded):
    for method, path, json in READING + WRITING[:3] + WRITING[:2:-1]:
        assert code(guarded, method, path, json, **with_token(WRITE)) == 200, path


@pytest.mark.parametrize(
    "shown", ["", "Basic abc", f"Bearer  {WRITE}x", f"Bearer {WRITE[:-1]}", "Bearer ü" * 9, f"Token {WRITE}"]
)
def test_a_header_that_is_no_token_lets_nobody_in(locked, shown):
    assert locked.get("/v1/gallery", headers={"Authorization": shown.encode("latin-1")}).status_code == 401


def test_no_token_of_ours_is_the_empty_one():
    assert Tokens(WRITE, "").access_of("") is None
    assert Tokens(WRITE, READ).access_of(WRITE) == "write"
    assert Tokens(WRITE, READ).access_of(READ) == "read"
    assert Tokens("", READ).access_of(READ) == "read"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "yard.example.org", ""])
def test_without_a_token_other_machines_are_not_listened_to(tmp_path, colours_gallery, host):
    settings = ServeSettings(host=host)
    for tokens in (Tokens(), Tokens("", READ)):
        with pytest.raises(SettingsError, match="MSINET_TOKEN"):
            Service(colours_gallery, settings, tokens)
    require_safe(settings, Tokens(WRITE))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.3.2.1"])
def test_without_a_token_this_machine_is(host):
    require_safe(ServeSettings(host=host), Tokens())


@pytest.fixture
def colours_gallery(tmp_path):
    return Gallery.create(tmp_path / "vectors", dim=4)


@pytest.mark.parametrize(
    ("write", "read"), [("short", ""), (WRITE, WRITE), ("", "with a space in it, long"), ("", "ünsichtbare-zeichen")]
)
def test_tokens_that_can_be_guessed_or_do_not_tell_apart_are_refused(write, read):
    with pytest.raises(SettingsError):
        Tokens(write, read)


def test_pages_of_other_addresses_may_not_ask(steady, guarded):
    assert steady.get("/v1/gallery", headers={"Origin": "http://127.0.0.1:8000"}).status_code == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9000"):
        assert steady.post("/v1/query", json={"entries": [1]}, headers={"Origin": origin}).status_code == 403
        assert code(guarded, "GET", "/v1/gallery", None, Origin=origin, **with_token(WRITE)) == 403


def test_without_a_token_a_name_that_leads_here_is_not_enough(steady, guarded):
    assert steady.get("/v1/gallery", headers={"Host": "evil.example:8000"}).status_code == 403
    for host in ("localhost:8000", "[::1]:8000", "127.0.0.1"):
        assert steady.get("/v1/gallery", headers={"Host": host}).status_code == 200
    assert code(guarded, "GET", "/v1/gallery", None, Host="yard.example.org", **with_token(READ)) == 200


@pytest.mark.parametrize("path", ["/healthz", "/v1/gallery", "/v1/entries/99", "/nothing", "/v1/entries/1/thumbnail"])
def test_every_answer_has_the_headers_of_safety(steady, path):
    headers = steady.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "cache-control" in headers
    assert "access-control-allow-origin" not in headers
