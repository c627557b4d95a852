"""`msinet evaluate` and `msinet embed` of networks of others, and of models that ship."""

import json

import numpy as np
import pytest

from msinet.cli.app import main
from msinet.model import zoo
from msinet.model.model_files import save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet


@pytest.fixture
def table(make_splits, tmp_path):
    """A CSV table of painted images to score on."""
    rows = [f"{record.path},{record.identity},{record.camera},test" for record in make_splits().gallery]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,identity,camera,split", *rows]), encoding="utf-8")
    return str(tmp_path / "manifest.csv")


@pytest.fixture
def people(tmp_path):
    """A tiny network in a file of OpenVINO, with the description of its images."""
    openvino = pytest.importorskip("openvino", reason="openvino is missing: pip install msinet[openvino]")
    images = openvino.opset13.parameter([1, 3, 4, 4], np.float32)
    vectors = openvino.opset13.reshape(images, np.array([1, -1]), special_zero=False)
    openvino.save_model(openvino.Model([vectors], [images], "its pixels"), tmp_path / "pixels.xml")
    (tmp_path / "pixels.pixels.json").write_text('{"order": "BGR", "range": "0-255"}')
    return "pixels.xml"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A model that ships with the package."""
    save_model(MSINet(Architecture.uniform("none"), 2, (16, 64, 96, 128), (32, 32)), tmp_path / "zoo" / "vehicles")
    monkeypatch.setattr(zoo, "ZOO", tmp_path / "zoo")
    return "vehicles"


def run(*tokens: str) -> int:
    """Return the exit code of a command."""
    with pytest.raises(SystemExit) as stop:
        main([*tokens, "--device=cpu"] if tokens[0] != "rerun" else tokens)
    return int(stop.value.code or 0)


def test_a_network_of_others_embeds(table, people, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("embed", table, f"--model=openvino:{people}", "--out=e.npz") == 0
    vectors = np.load("e.npz")["vectors"]
    assert vectors.shape == (16, 48)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_a_network_of_others_is_scored_and_the_result_repeated_from_elsewhere(table, people, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("evaluate", table, "--model", f"openvino:{people}", "--json=r.json") == 0
    record = json.loads((tmp_path / "r.json").read_text())["record"]
    assert record["command"]["model"] == f"openvino:{tmp_path / people}"
    assert record["model"]["kind"] == "foreign"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run("rerun", "../r.json", "--out=again") == 0


def test_a_model_that_ships_is_recorded_by_its_name_and_the_result_repeated(table, shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("evaluate", table, "--model", shipped, "--json=r.json") == 0
    assert json.loads((tmp_path / "r.json").read_text())["record"]["command"]["model"] == shipped
    assert run("rerun", "r.json", "--out=again") == 0


def test_networks_of_msinet_and_of_others_meet_in_one_table(table, people, shipped, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("evaluate", table, "--model", shipped, "--model", f"openvino:{people}") == 0
    printed = capsys.readouterr().out
    assert shipped in printed and "pixels.xml" in printed


def test_a_network_of_others_is_not_adapted_on_disk(table, people, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("adapt", table, f"--model=openvino:{people}", "--out=adapted") == 1
    assert "only embeds: it has no weights to train or adapt" in " ".join(capsys.readouterr().err.split())
