"""The verb embed: images without labels, and the list on standard input."""

import io
import sys

import pytest
from PIL import Image

from msinet.cli.app import main
from msinet.data.embedding_files import load_vectors
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
def images(tmp_path, monkeypatch):
    for name in ("a.jpg", "b.jpg"):
        Image.effect_noise((24, 24), 90).convert("RGB").save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def embedded(*tokens: str) -> list[str]:
    with pytest.raises(SystemExit) as stop:
        main(["embed", *tokens, "--out", "e.npz"])
    assert not stop.value.code
    return [record.path.name for record in load_vectors("e.npz").records]


def test_a_list_on_standard_input_is_embedded(images, model, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("b.jpg\na.jpg\n"))
    assert embedded("-", "--model", model) == ["b.jpg", "a.jpg"]


def test_a_flat_folder_and_one_image_are_embedded(images, model):
    assert embedded(str(images), "--model", model) == ["a.jpg", "b.jpg"]
    assert embedded("a.jpg", "--model", model) == ["a.jpg"]


def test_the_home_folder_is_expanded_in_words_and_options(images, model, monkeypatch):
    monkeypatch.setenv("HOME", str(images))
    assert embedded("~/a.jpg", f"--model={model}") == ["a.jpg"]
    with pytest.raises(SystemExit):
        main(["embed", "a.jpg", "--model", model, "--out=~/v.npz"])
    assert (images / "v.npz").exists()


def test_several_images_are_told_to_go_as_a_list(images, model, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["embed", "a.jpg", "b.jpg", "--model", model, "--out", "e.npz"])
    assert stop.value.code == 2
    assert "does not take b.jpg; give several images as a folder, or as a list" in " ".join(capsys.readouterr().err.split())


def test_options_that_a_cluster_does_not_look_at_are_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["embed", "a.parquet", "--model=m.onnx", "--out=o", "--ray=local", "--split=query", "--shard=1/2"])
    assert stop.value.code == 2
    assert "--ray takes a table as it is: leave out --split, --shard" in " ".join(capsys.readouterr().err.split())
