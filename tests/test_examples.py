"""The scripts of examples/, on painted images."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.onnx_file import write_mean_colour

import msinet
from msinet.data.embeddings import Embeddings
from msinet.data.records import ImageRecord
from msinet.evaluation.evidence import Evidence, RankedImage, RankedQuery, ShownImage
from msinet.evaluation.metrics import PerQuery, Scores
from msinet.evaluation.record import ModelFacts, Record
from msinet.evaluation.result import RetrievalResult
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.report import front


@pytest.fixture
def result(make_splits):
    """A result with three rankings in each group, whose first answer is junk and whose second is a match."""
    first, second, third, fourth = make_splits(train=0, test=1).query
    shown = ShownImage(str(first.path), "v000", "c0")
    images = [(second, "junk"), (third, "match"), (fourth, "non-match")]
    answers = tuple(RankedImage(str(image.path), "v000", "c1", 0.5, verdict) for image, verdict in images)
    rankings = tuple(RankedQuery(group, 0.5, shown, answers) for group in ("best", "median", "worst") for _ in range(3))
    arguments = {"architecture": Architecture.named("veri776").to_dict()}
    record = Record("market", model=ModelFacts("msinet", arguments, (32, 32), "abc"))
    one = PerQuery(("q.jpg",), ("1",), np.ones(1), np.ones(1), np.ones(1))
    return RetrievalResult(Scores(1.0, 1.0, 1.0, (1.0,) * 50, 1, 1), one, record, Evidence(rankings=rankings))


def test_pictures_of_the_readme_come_from_a_result(load_example, result, tmp_path, monkeypatch):
    script = load_example("readme_pictures")
    result.save(tmp_path / "run/result.json")
    monkeypatch.setattr(sys, "argv", ["readme_pictures.py", f"{tmp_path}/run", f"{tmp_path}/pictures"])
    script.main()
    pictures = {path.name: path for path in (tmp_path / "pictures").iterdir()}
    assert set(pictures) == {"found.webp", "method.svg", "method.zh-CN.svg"}
    for language in ("", ".zh-CN"):
        assert Architecture.named("veri776").to_svg()[-100:].strip() in pictures[f"method{language}.svg"].read_text()


def test_junk_is_left_out_of_a_row(load_example, result):
    script = load_example("readme_pictures")
    picture = np.asarray(script.found(result.evidence.rankings).convert("RGB"))
    frames = [tuple(picture[60, place * script.CELL + (place > 0) * script.GAP + 3]) for place in range(4)]
    colours = [tuple(bytes.fromhex(colour[1:])) for colour in (script.QUERY, script.MATCH, script.NO_MATCH)]
    assert frames == [*colours, (0, 0, 0)]


def test_a_contact_sheet_has_a_row_for_each_identity_and_a_column_for_each_camera(
    load_example, make_splits, tmp_path, monkeypatch
):
    rows = [f"{r.path},{r.identity},{r.camera},train" for r in make_splits(train=4).train]
    (tmp_path / "data.csv").write_text("\n".join(["path,identity,camera,split", *rows]), encoding="utf-8")
    words = f"contact_sheet.py {tmp_path}/data.csv {tmp_path}/sheet.jpg --rows 2 --blocks 2 --cell 40"
    monkeypatch.setattr(sys, "argv", words.split())
    load_example("contact_sheet").main()
    assert Image.open(tmp_path / "sheet.jpg").size == (2 * 2 * 40, 2 * 40)


def test_boxes_of_a_frame_are_the_appearance_that_trackers_ask_for(load_example, tmp_path):
    model = write_mean_colour(tmp_path / "colour.onnx")
    appearance = load_example("tracker_appearance").Appearance(model)
    frame = np.zeros((40, 60, 3), np.uint8)
    frame[:, :30] = (200, 10, 10)  # blue, in OpenCV's order
    boxes = np.array([[0, 0, 20, 20], [100, 0, 120, 20], [-5, 5, 25, 45]])
    features = appearance.get_features(boxes, frame)
    assert features.shape == (3, 3)
    np.testing.assert_array_equal(features[1], 0)
    np.testing.assert_allclose(features[0] @ features[2], 1, atol=1e-5)
    assert features[0].argmax() == 2
    np.testing.assert_array_equal(appearance.extract_embeddings(type("Detections", (), {"xyxy": boxes}), frame), features)
    assert appearance.get_features(np.empty((0, 4)), frame).shape == (0, 3)


def test_where_vehicles_differ_what_is_promised_comes(load_example):
    """One direction a vehicle: all that is enrolled is found and known, and nothing else is."""
    script = load_example("known_rates")
    vehicles = np.eye(60, dtype=np.float32).repeat(2, axis=0)
    records = [ImageRecord(Path(f"{i}.jpg"), f"v{i // 2}", f"c{i % 2}") for i in range(len(vehicles))]
    calibrating = {f"v{i}" for i in range(40)}
    found = script.rates_of(Embeddings(vehicles, records), calibrating, 0.05, np.random.default_rng(0))
    assert found == script.Rates(false_positives=0.0, promised=1.0, detections=1.0, right=1.0)


def test_a_closing_map_makes_cosines_those_of_the_teacher(load_example, monkeypatch):
    torch.manual_seed(0)
    script = load_example("distil_views")
    monkeypatch.setattr(script, "FOLLOWING_STEPS", 300)
    monkeypatch.setattr(script, "FOLLOWING_BATCH", 128)
    network = MSINet.build(1, (32, 32), 0.25, Architecture.find("all:none:1,1x1")).eval()
    views = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), np.uint8).repeat(4, 1).repeat(4, 2)
    plain = network.vectors(views)
    teacher = (plain - plain.mean(0)) * np.linspace(1, 3, plain.shape[1], dtype=np.float32)
    teacher /= np.linalg.norm(teacher, axis=1, keepdims=True)

    def distance(vectors: np.ndarray) -> float:
        return float(np.square(vectors @ vectors.T - teacher @ teacher.T).mean())

    mapped = script.follow(network, script.Views([views], teacher), teacher).vectors(views)
    assert distance(mapped) < distance(plain) / 20


def test_networks_that_differ_by_their_seed_are_one_point_of_a_front(load_example, result, tmp_path, monkeypatch, capsys):
    script = load_example("front")
    monkeypatch.setattr(front, "SECONDS", 0.0)
    small, wide = (
        MSINet.build(count, (32, 32), width, Architecture.find("all:none:1,0x1")) for count, width in ((1, 0.25), (1, 0.5))
    )
    for name, network, score in (("small-0", small, 0.5), ("small-1", small, 0.7), ("wide-0", wide, 0.8)):
        msinet.save_model(network, tmp_path / name)
        scored = replace(result, scores=replace(result.scores, mAP=score))
        scored.save(tmp_path / name / "result.json")
    (tmp_path / "small-unfinished").mkdir()
    groups = f"ours={tmp_path}/small-*", f"wider={tmp_path}/wide-*"
    monkeypatch.setattr(sys, "argv", ["front.py", f"{tmp_path}/front.svg", *groups])
    script.main()
    said = sorted(line.split(" ms, ")[1] for line in capsys.readouterr().out.splitlines())
    assert said == ["mAP 60.0%, 2 trained", "mAP 80.0%, 1 trained"]
    assert "<svg" in (tmp_path / "front.svg").read_text()
