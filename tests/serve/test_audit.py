"""The audit log says who changed what, and nothing else."""

import json

from tests.serve.conftest import READ, WRITE, file_of, with_token

from msinet.serve import audit
from msinet.serve.audit import Audit
from msinet.serve.metrics import Metrics
from msinet.serve.security import Tokens


def test_additions_removals_and_verdicts_are_written_down(serve):
    client, gallery = serve(Tokens(WRITE, READ))
    files = [("image", (f"{seed}", file_of(seed))) for seed in range(3)]
    client.post("/v1/entries", files=files, data={"identity": "secret-name"}, headers=with_token(WRITE))
    client.post("/v1/verdicts", json={"one": 1, "other": 2, "same": True}, headers=with_token(WRITE))
    client.delete("/v1/entries/3", headers=with_token(WRITE))
    client.delete("/v1/identities/secret-name", headers=with_token(WRITE))
    client.post("/v1/query", json={"images": [], "entries": [1]}, headers=with_token(READ))
    client.post("/v1/entries", files=files, headers=with_token(READ))
    text = (gallery.place / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["action"], line["ids"], line["count"]) for line in lines] == [
        ("add", [1, 2, 3], 3),
        ("judge", [1, 2], 1),
        ("remove", [3], 1),
        ("remove", [1, 2], 2),
    ]
    assert {line["token"] for line in lines} == {"write"}
    assert all(line["remote"] and line["time"].endswith("+00:00") for line in lines)
    assert "secret-name" not in text
    assert WRITE not in text


def test_the_log_begins_a_new_file_by_size_and_forgets_the_oldest(tmp_path):
    log = Audit(tmp_path / "audit.jsonl", Metrics(), largest=500)
    for number in range(100):
        log.note("add", [number], 1, "::1", "open")
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["audit.jsonl", *(f"audit.jsonl.{number}" for number in range(1, audit.KEPT + 1))]
    assert all(file.stat().st_size < 700 for file in tmp_path.iterdir())
    kept = [json.loads(line)["ids"][0] for name in reversed(files) for line in (tmp_path / name).read_text().splitlines()]
    assert kept == list(range(100 - len(kept), 100))


def test_an_addition_stands_where_the_log_cannot_be_written(serve):
    client, gallery = serve()
    (gallery.place / "audit.jsonl").mkdir()
    assert client.post("/v1/entries", files={"image": ("a", file_of(0))}).status_code == 200
    assert len(gallery) == 1
    assert "msinet_audit_faults_total 1.0" in client.get("/metrics").text
