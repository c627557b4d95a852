from pathlib import Path

import pytest

from msinet.model import zoo
from msinet.model.model_files import load_model, save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A model that ships with the package."""
    save_model(MSINet(Architecture.uniform("none"), 2, (16, 64, 96, 128), (32, 32)), tmp_path / "zoo" / "vehicles")
    monkeypatch.setattr(zoo, "ZOO", tmp_path / "zoo")
    return "vehicles"


def test_a_model_that_ships_is_found_by_its_name(shipped, tmp_path):
    assert zoo.names() == [shipped]
    assert zoo.find_model(shipped) == zoo.find_model(Path(shipped)) == tmp_path / "zoo" / shipped
    assert load_model(shipped).image_size == (32, 32)


def test_a_folder_of_the_user_comes_before_a_model_that_ships(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(shipped).mkdir()
    assert zoo.find_model(shipped) == Path(shipped)
    assert zoo.absolute(shipped) == tmp_path / shipped


@pytest.mark.parametrize(
    ("name", "absolute"),
    [
        ("vehicles", "vehicles"),
        ("runs/train", "HERE/runs/train"),
        ("/runs/train", "/runs/train"),
        ("onnx:a.onnx", "onnx:HERE/a.onnx"),
        ("openvino:/a/b.xml", "openvino:/a/b.xml"),
    ],
)
def test_a_model_is_named_independently_of_the_working_directory(shipped, tmp_path, monkeypatch, name, absolute):
    monkeypatch.chdir(tmp_path)
    assert str(zoo.absolute(Path(name))) == absolute.replace("HERE", str(tmp_path))
