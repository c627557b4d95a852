"""The verbs of gallery."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msinet.cli.app import main
from msinet.data.embedding_files import load_vectors
from msinet.data.readers.detect import load_splits
from msinet.gallery.gallery import Gallery
from msinet.model.model_files import save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_model(MSINet(Architecture.random(7), 4, channels_at(0.25), (32, 32)), folder)
    return str(folder)


@pytest.fixture
def yard(tmp_path, monkeypatch, model):
    """A gallery of 24 objects as camera 1 saw them, beside a table of all that cameras 1 and 2 saw."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    with Path("table.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "identity", "camera", "time", "colour"])
        for identity in range(24):
            cells = random.integers(0, 256, (8, 8, 3), np.uint8)
            for camera in (1, 2):
                name = f"{identity:02}-{camera}.png"
                Image.fromarray(cells // camera).resize((40, 40), Image.Resampling.NEAREST).save(name)
                table.writerow(
                    [name, identity, camera, f"2026-05-0{camera}T12:{identity:02}:00Z", "dark" if camera > 1 else "light"]
                )
    done("create", "yard", "--model", model)
    done("add", "yard", "table.csv", "--only", "camera=1")
    return tmp_path


def done(*words, code=0):
    with pytest.raises(SystemExit) as stop:
        main(["gallery", *words])
    assert (stop.value.code or 0) == code


def told(capsys, *words, code=0):
    capsys.readouterr()
    done(*words, code=code)
    out = capsys.readouterr()
    return out.out + out.err


def answer(capsys, *words):
    return json.loads(told(capsys, "query", "yard", *words, "--json"))


def test_a_query_finds_the_image_that_was_added(yard, capsys):
    first = answer(capsys, "07-1.png")["matches"][0]
    assert (first["identity"], first["camera"], first["fields"]) == ("7", "1", {"colour": "light"})
    assert first["time"] == "2026-05-01T12:07:00+00:00"
    assert first["similarity"] > 0.999


def test_the_table_of_matches_has_the_path(yard, capsys):
    assert "07-1.png" in told(capsys, "query", "yard", "07-1.png", "--top-k", "1").replace("\n", "")


def test_several_images_are_one_query(yard, capsys):
    assert len(answer(capsys, "07-1.png", "07-2.png", "--top-k", "3")["matches"]) == 3


def test_filters_and_groups(yard, capsys):
    done("add", "yard", "table.csv", "--only", "camera=2")
    found = answer(capsys, "07-1.png", "--not-camera", "1", "--top-k", "99")["matches"]
    assert {match["camera"] for match in found} == {"2"}
    found = answer(capsys, "07-1.png", "--field", "colour=dark", "--before", "2026-05-02T12:03:00+00:00", "--top-k", "99")
    assert sorted(match["identity"] for match in found["matches"]) == ["0", "1", "2"]
    assert len(answer(capsys, "--entry", "8", "--by-identity", "--top-k", "99")["matches"]) == 24


def test_each_image_of_a_table_is_a_query(yard, capsys):
    words = told(capsys, "query", "yard", "table.csv", "--each", "--only", "camera=1")
    assert "24 queries, 24 of them entries" in words and "0 of 24" in words  # each object was seen once
    lines = told(capsys, "query", "yard", "table.csv", "--each", "--only", "camera=2", "--json").splitlines()
    assert json.loads(lines[0])["query"]["camera"] == "2"


def test_what_embed_wrote_can_be_added_and_asked(yard, model, capsys):
    with pytest.raises(SystemExit):
        main(["embed", "table.csv", "--model", model, "--out", "all.npz"])
    done("create", "vectors", "--dim", str(load_vectors("all.npz").vectors.shape[1]))
    assert "48 entries" in told(capsys, "add", "vectors", "all.npz")
    assert "48 queries, 48 of them entries" in told(capsys, "query", "vectors", "all.npz", "--each")


def test_what_is_no_time_is_said_and_kept(yard, capsys):
    (yard / "times.csv").write_text("path,time\n00-2.png,01.05.2026 12:00\n")
    assert "1 have a time that is none, such as '01.05.2026 12:00'" in told(capsys, "add", "yard", "times.csv")


def test_an_addition_of_nothing_fails(yard, capsys):
    (yard / "broken.jpg").write_bytes(b"\xff\xd8 no image")
    assert "nothing of broken.jpg could be added" in told(capsys, "add", "yard", "broken.jpg", code=1)


def test_adding_again_says_what_was_there(yard, capsys):
    assert "0 entries, 24 were there already and keep their labels; 24 in all" in told(
        capsys, "add", "yard", "table.csv", "--only", "camera=1"
    )


def test_a_calibrated_gallery_says_what_is_known(yard, capsys):
    for identity in range(12, 24):
        done("remove", "yard", "--identity", str(identity))
    rows = (yard / "table.csv").read_text().splitlines()
    (yard / "unknown.csv").write_text("\n".join([rows[0], *rows[25:]]))
    words = told(capsys, "calibrate", "yard", "unknown.csv", "--rate", "0.1", "--report", "known.html")
    assert "12 entries, 12 labelled identities" in words
    assert "<svg" in (yard / "known.html").read_text()
    found = answer(capsys, "07-1.png")
    assert found["known"] is True
    assert "10.0%" in found["calibration"]
    assert 0 < found["matches"][0]["probability"] < 1
    assert "10.0%" in told(capsys, "info", "yard")


def test_too_few_labels_for_a_rate_are_refused(yard, capsys):
    (yard / "few.csv").write_text("path,identity,camera\n00-1.png,x,1\n00-2.png,x,2\n")
    words = told(capsys, "calibrate", "yard", "few.csv", code=1)
    assert "1 labelled identities cannot show a rate of 0.01: label 100" in " ".join(words.split())


def test_link_names_objects_and_can_be_undone(yard, capsys):
    for name in ("00-1.png", "00-2.png", "05-1.png"):
        done("add", "yard", name, "--again", "--camera", name[3])
    found = json.loads(told(capsys, "link", "yard", "--threshold", "0.9999", "--json"))
    assert found["entries"] == 3
    names = {
        entry["path"][-8:]: entry["identity"]
        for entry in json.loads(told(capsys, "list", "yard", "--after", "24", "--json"))
    }
    assert (names["00-1.png"], names["05-1.png"]) == ("0", "5")
    done("link", "yard", "--threshold", "0.9999", "--undo", "5")
    entries = json.loads(told(capsys, "list", "yard", "--after", "24", "--json"))
    assert next(entry["identity"] for entry in entries if entry["path"].endswith("05-1.png")) != "5"


def test_remove_and_vacuum(yard, capsys):
    assert "1 entries; 23 are left" in told(capsys, "remove", "yard", "--identity", "7")
    assert "0 entries; 23 are left" in told(capsys, "remove", "yard", "--vacuum")
    assert "7" not in {match["identity"] for match in answer(capsys, "07-1.png", "--top-k", "99")["matches"]}


def test_a_gallery_moves_through_a_file(yard, capsys):
    pytest.importorskip("pyarrow")
    assert "24 entries" in told(capsys, "export", "yard", "--out", "all.parquet")
    assert "24 of 24" in told(capsys, "import", "copy", "all.parquet")
    assert json.loads(told(capsys, "info", "copy", "--json"))["cameras"] == {"1": 24}


def test_labels_are_a_table_that_adapt_reads(yard, capsys):
    done("add", "yard", "table.csv", "--only", "camera=2")
    assert "48 entries" in told(capsys, "export", "yard", "--out", "labels.csv")
    train = load_splits("labels.csv").train
    assert len({(record.identity, record.camera) for record in train}) == 48
    assert {record.path.name for record in train} == {f"{i:02}-{c}.png" for i in range(24) for c in (1, 2)}
    assert "labels.txt: name a file .parquet" in told(capsys, "export", "yard", "--out", "labels.txt", code=2).replace(
        "\n", " "
    )


def test_pictures_go_with_labels_and_contradicting_marks_are_named(yard, model, capsys):
    done("create", "kept", "--model", model, "--thumbnails")
    done("add", "kept", "table.csv", "--only", "camera=1")
    (yard / "00-1.png").unlink()
    Gallery.open("kept").store.judge(1, 2, True)
    words = told(capsys, "export", "kept", "--out", "kept.csv", "--pictures")
    assert "24 entries, 1 of them by their thumbnails" in words
    assert "1 groups, of entries 1, 2" in words
    (picture,) = (yard / "kept-pictures").iterdir()
    assert Path(Gallery.open("kept").entry(int(picture.stem)).path or "").name == "00-1.png"
    assert len(load_splits("kept.csv").train) == 24
    assert ".csv" in told(capsys, "export", "kept", "--out", "kept.parquet", "--pictures", code=2)


def test_check_is_content_with_a_good_gallery(yard, capsys):
    words = told(capsys, "check", "yard")
    assert "24 entries can be read" in words and "100.0%" in words


def test_check_saves_what_is_left(yard, capsys):
    done("remove", "yard", "--vacuum")
    file = yard / "yard" / "gallery.sqlite"
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    file.write_bytes(bytes(content))
    assert "is damaged" in told(capsys, "check", "yard", code=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("query", "yard"), "give one or several images, or --entry"),
        (("query", "nowhere", "07-1.png"), "there is no gallery in nowhere"),
        (("query", "yard", "07-1.png", "--field", "color=red"), "no entry has a field 'color': there are colour"),
        (("query", "yard", "07-1.png", "--since", "2026-05-01T12:00:00"), "names no zone"),
        (("query", "yard", "07-1.png", "--top-k", "0"), "--top-k is 0"),
        (("add", "yard", "table.csv", "--only", "camera"), "--only is 'camera': write NAME=VALUE"),
        (("remove", "yard"), "say what to remove"),
        (("remove", "yard", "--identity", "nobody"), "nothing was removed"),
        (("import", "new", "nofile.parquet"), "there is no nofile.parquet"),
        (("remove", "yard", "--older-than", "3 moons"), "--older-than is '3 moons'"),
        (("create", "yard", "--dim", "3"), "yard has a gallery"),
        (("create", "new"), "give a --model or"),
        (("link", "yard"), "give --threshold, such as 0.6, or calibrate"),
    ],
)
def test_mistakes_are_named(yard, capsys, words, said):
    with pytest.raises(SystemExit) as stop:
        main(["gallery", *words])
    assert stop.value.code
    assert said in " ".join(capsys.readouterr().err.split())
