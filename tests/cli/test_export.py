"""The verb `export`."""

import json
import re

import pytest

import msinet
from msinet.cli.app import main
from msinet.deploy.gate import shipped_images
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet

pytest.importorskip("onnxscript", reason='onnxscript is missing: pip install "msinet[export]"')


@pytest.fixture
def model(tmp_path):
    msinet.save_model(
        MSINet.build(1, (32, 32), 0.25, Architecture.find("all:none:1,1x1")), tmp_path / "model", licence="CC0"
    )
    return tmp_path / "model"


@pytest.fixture
def data(tmp_path):
    """A table of the images that ship, each twice, once of them darker."""
    rows = ["path,identity,camera,split"]
    for number, image in enumerate(shipped_images()[:16]):
        for split, shade in (("query", 1.0), ("gallery", 0.7)):
            image.point(lambda level, shade=shade: int(level * shade)).save(tmp_path / f"{number}-{split}.png")
            rows.append(f"{number}-{split}.png,{number},{split},{split}")
    (tmp_path / "data.csv").write_text("\n".join(rows))
    return tmp_path / "data.csv"


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code or 0


def test_a_model_is_exported_scored_and_read_again(model, data, tmp_path, capsys):
    file = tmp_path / "model.onnx"
    assert run("export", "--model", model, "--out", file, "--data", data) == 0
    shown = capsys.readouterr().out
    assert "smallest cosine to the model's vectors: 1.000000" in shown
    taken, budget = re.search(r"time of an image, .*: (\S+) ms, within --budget-ms (\S+) --on onnx", shown).groups()
    assert float(taken) <= float(budget) <= float(taken) + 0.11
    scores = []
    for name in (file, model):
        assert run("evaluate", data, "--model", name, "--precision", "fp32", "--json", tmp_path / "result.json") == 0
        scores.append(json.loads((tmp_path / "result.json").read_text())["mAP"])
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)
    assert f"mAP: {scores[1]:.1%} before, {scores[0]:.1%} after" in shown
    assert msinet.Predictor(file).exported.card.licence == "CC0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "net.bin"], "--out is net.bin: end it in .onnx or .pt2, or name a folder"),
        (["--out", "net.onnx", "--precision", "bf16"], "--to onnx with --precision bf16 does not work"),
        (["--out", "net.onnx", "--precision", "int8"], "--precision int8 needs --data"),
    ],
)
def test_what_does_not_work_is_a_usage_error_and_writes_nothing(model, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert run("export", "--model", model, *words) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
