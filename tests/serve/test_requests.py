"""What the service answers."""

import io

import numpy as np
import pytest
from PIL import Image
from tests.gallery.conftest import Colours
from tests.serve.conftest import base64_of, file_of


def images(*seeds, name="images"):
    return [(name, (f"{seed}.png", file_of(seed), "image/png")) for seed in seeds]


def test_embedding_by_a_form_and_by_json_gives_the_vectors_of_the_model(yard):
    form = yard.post("/v1/embed", files=images(0, 1)).json()
    written = yard.post("/v1/embed", json={"images": [base64_of(0), base64_of(1)]}).json()
    assert form == written
    assert form["model"] == {"name": "", "weights": "colours", "dim": 12}
    assert np.allclose(form["vectors"], Colours().embed([file_of(0), file_of(1)]).vectors, atol=1e-6)


def test_an_image_that_cannot_be_read_is_left_out_and_named(yard):
    files = [*images(0), ("images", ("a.png", file_of(1)[:60])), ("images", ("b.gif", b"GIF89a")), *images(2)]
    found = yard.post("/v1/embed", files=files).json()
    assert len(found["vectors"]) == 2
    assert [one["position"] for one in found["left_out"]] == [1, 2]
    assert "GIF" in found["left_out"][1]["reason"]


def test_a_query_finds_the_same_picture_first(yard):
    answer = yard.post("/v1/query", files=images(3), data={"top_k": "2"}).json()
    assert len(answer["matches"]) == 2
    first = answer["matches"][0]
    assert (first["id"], first["identity"], first["camera"], first["path"], first["known"]) == (4, "v1", "c1", None, None)
    assert first["similarity"] == pytest.approx(1, abs=1e-4)
    assert first["thumbnail"] == "/v1/entries/4/thumbnail"


def test_filters_hold_in_forms_and_in_json(yard):
    filters = '{"not_camera": ["c1"], "since": "2026-05-02T00:00:00Z"}'
    form = yard.post("/v1/query", files=images(3), data={"filters": filters}).json()
    given = {"not_camera": ["c1"], "since": "2026-05-02T00:00:00Z"}
    written = yard.post("/v1/query", json={"images": [base64_of(3)], "filters": given}).json()
    assert form == written
    assert {match["id"] for match in form["matches"]} == {3, 5}
    lane = yard.post("/v1/query", json={"images": [base64_of(3)], "filters": {"fields": {"lane": "1"}}}).json()
    assert [match["id"] for match in lane["matches"]] == [2]


def test_an_entry_is_not_found_by_itself_nor_are_several(yard):
    one = yard.post("/v1/query", json={"entries": [2]}).json()["matches"]
    assert {match["id"] for match in one} == {1, 3, 4, 5}
    several = yard.post("/v1/query", json={"entries": [2, 3], "top_k": 2}).json()["matches"]
    assert len(several) == 2
    assert not {match["id"] for match in several} & {2, 3}


def test_several_entries_are_pooled_by_identity_as_the_gallery_does_it(serve):
    client, gallery = serve()
    for seed in range(40):
        gallery.add(file_of(seed), identity=f"v{seed % 4}")
    found = client.post("/v1/query", json={"entries": [1, 2], "by_identity": True, "top_k": 4}).json()["matches"]
    vectors = Colours().embed([file_of(seed) for seed in range(40)]).vectors
    similarities = vectors @ (vectors[0] + vectors[1])
    order = [place for place in np.argsort(-similarities) if place > 1]
    best = {place % 4: place + 1 for place in reversed(order)}
    assert {match["identity"]: match["id"] for match in found} == {f"v{i}": id for i, id in best.items()}


def test_several_images_of_a_track_are_one_query(yard):
    pooled = yard.post("/v1/query", files=images(0, 1)).json()["matches"]
    assert {match["id"] for match in pooled[:2]} == {1, 2}


def test_what_is_added_is_found_and_the_same_content_is_one_entry(serve):
    client, gallery = serve()
    labels = {"identity": "v9", "camera": "gate", "time": "2026-05-01T12:00:00+02:00", "fields": '{"lane": "2"}'}
    added = client.post("/v1/entries", files=images(7, 8, 7, name="image"), data=labels).json()
    assert added == {"ids": [1, 2, 1], "new": 2, "left_out": []}
    entry = client.get("/v1/entries/2").json()
    assert entry["fields"] == {"lane": "2"}
    assert entry["time"] == "2026-05-01T10:00:00+00:00"
    assert client.post("/v1/query", files=images(8)).json()["matches"][0]["id"] == 2
    assert client.post("/v1/entries", files=images(7), data={"again": "true"}).json()["ids"] == [3]
    assert len(gallery) == 3


def test_vectors_are_added_in_place_of_images(yard):
    vectors = np.eye(12)[:2].tolist()
    assert yard.post("/v1/entries", json={"vectors": vectors, "camera": "c7"}).json()["new"] == 2
    assert yard.get("/v1/entries/6").json()["thumbnail"] is None
    assert yard.post("/v1/entries", json={"vectors": [[1, 2]]}).status_code == 400


def test_crops_are_searched_with_and_added(serve):
    client, gallery = serve()
    frame = Image.new("RGB", (32, 16))
    for place, seed in enumerate((1, 2)):
        frame.paste(Image.open(io.BytesIO(file_of(seed))), (16 * place, 0))
    written = io.BytesIO()
    frame.save(written, "PNG")
    files, boxes = {"frame": ("f.png", written.getvalue())}, "[[0, 0, 16, 16], [16, 0, 32, 16], [40, 0, 50, 9]]"
    added = client.post("/v1/crops", files=files, data={"boxes": boxes, "do": "add", "camera": "gate"}).json()["crops"]
    assert [crop.get("id") for crop in added] == [1, 2, None]
    assert "nothing of it lies in the frame" in added[2]["reason"]
    asked = client.post("/v1/crops", files=files, data={"boxes": boxes, "do": "query"}).json()["crops"]
    assert [crop["answer"]["matches"][0]["id"] for crop in asked[:2]] == [1, 2]
    assert gallery.entry(2).fields["box"] == "16 0 32 16"


def test_entries_are_listed_in_pages_from_both_ends(yard):
    first = yard.get("/v1/entries?limit=2").json()
    assert ([entry["id"] for entry in first["entries"]], first["next"]) == ([1, 2], 2)
    assert [entry["id"] for entry in yard.get("/v1/entries?limit=3&after=2").json()["entries"]] == [3, 4, 5]
    last = yard.get("/v1/entries?limit=2&newest=true").json()
    assert ([entry["id"] for entry in last["entries"]], last["next"]) == ([5, 4], 4)
    assert [entry["id"] for entry in yard.get("/v1/entries?newest=true&after=4").json()["entries"]] == [3, 2, 1]
    assert [entry["id"] for entry in yard.get("/v1/entries?identity=v1").json()["entries"]] == [3, 4]


def test_a_path_is_shown_without_its_folder(serve):
    client, gallery = serve()
    gallery.add(np.eye(12, dtype=np.float32)[0])
    gallery.add(file_of(1))
    (gallery.place / "secret").mkdir()
    (gallery.place / "secret" / "a.png").write_bytes(file_of(2))
    gallery.add(gallery.place / "secret" / "a.png", identity="v1")
    assert client.get("/v1/entries/3").json()["path"] == "a.png"
    assert "secret" not in client.get("/v1/entries").text
    assert "secret" in client.get("/v1/labels.csv").text


def test_removed_entries_are_gone(yard):
    assert yard.delete("/v1/entries/1").json() == {"removed": 1}
    assert yard.get("/v1/entries/1").status_code == 404
    assert yard.delete("/v1/identities/v1").json() == {"removed": 2}
    assert yard.get("/v1/gallery").json()["entries"] == 2
    assert yard.delete("/v1/entries/1").json() == {"removed": 0}


def test_an_identity_with_a_slash_can_be_removed(yard):
    yard.post("/v1/entries", files=images(9), data={"identity": "fleet/9"})
    assert yard.delete("/v1/identities/fleet%2F9").json() == {"removed": 1}


def test_a_verdict_is_kept_and_taken_back(yard):
    assert yard.post("/v1/verdicts", json={"one": 3, "other": 1, "same": False}).status_code == 200
    assert yard.get("/v1/verdicts?entry=1").json() == {"verdicts": [{"one": 1, "other": 3, "same": False}]}
    assert yard.get("/v1/verdicts?entry=2").json() == {"verdicts": []}
    yard.post("/v1/verdicts", json={"one": 1, "other": 3, "same": None})
    assert yard.get("/v1/verdicts").json() == {"verdicts": []}
    assert yard.post("/v1/verdicts", json={"one": 1, "other": 99, "same": True}).status_code == 404


def test_the_gallery_as_a_whole(yard):
    facts = yard.get("/v1/gallery").json()
    assert (facts["entries"], facts["identities"], facts["cameras"]) == (5, 3, {"c0": 3, "c1": 2})
    assert facts["fields"] == ["lane"]
    assert facts["growth"] == [{"day": f"2026-05-0{day}", "entries": 1} for day in range(1, 6)]
    assert facts["calibration"] is None
    seen = yard.get("/v1/timeline?identity=v0").json()["sightings"]
    assert [(one["id"], one["camera"]) for one in seen] == [(1, "c0"), (2, "c1")]


def test_thumbnails_are_webp(yard):
    picture = yard.get("/v1/entries/1/thumbnail")
    assert picture.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(picture.content)).size == (16, 16)
    assert yard.get("/v1/entries/99/thumbnail").status_code == 404


def test_two_entries_are_compared_where_the_model_has_a_last_map(yard):
    found = yard.post("/v1/compare", json={"one": 1, "other": 2}).json()
    assert found["available"]
    activation = np.array(found["one"]["activation"])
    assert (activation.shape, activation.min(), activation.max()) == ((4, 4), 0, 1)
    assert len(found["matches"]) == 16
    assert found["matches"][0]["weight"] == 1


def test_without_a_last_map_the_reason_is_given(serve):
    client, gallery = serve(embedder=Colours())
    gallery.add([file_of(0), file_of(1)])
    found = client.post("/v1/compare", json={"one": 1, "other": 2}).json()
    assert not found["available"]
    assert "last-map" in found["reason"]


def test_health_readiness_and_numbers(yard):
    assert yard.get("/healthz").json() == {"ok": True}
    assert yard.get("/readyz").status_code == 200
    yard.post("/v1/query", files=images(0))
    text = yard.get("/metrics").text
    assert 'msinet_queries_total{known="not calibrated"} 1.0' in text
    assert "msinet_gallery_entries 5.0" in text
    for stage in ("decode", "queue", "embed", "search"):
        assert f'msinet_stage_seconds_count{{stage="{stage}"}}' in text
