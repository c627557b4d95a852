from pathlib import Path

import pytest

from msinet.errors import ModelError
from msinet.model.runtime_file import RuntimeFile


@pytest.mark.parametrize(
    ("name", "runtime", "path"),
    [
        ("onnx:a.onnx", "onnx", "a.onnx"),
        ("openvino:/a/b.xml", "openvino", "/a/b.xml"),
        (Path("openvino:/a/b.xml"), "openvino", "/a/b.xml"),
        ("openvino:./a b:c.xml", "openvino", "a b:c.xml"),
        ("a.onnx", "onnx", "a.onnx"),
        (Path("/a/b.xml"), "openvino", "/a/b.xml"),
        ("./a.pt2", "torch", "a.pt2"),
        ("torch:a", "torch", "a"),
    ],
)
def test_a_name_says_runtime_and_file(name, runtime, path):
    assert RuntimeFile.named(name) == RuntimeFile(runtime, Path(path))


@pytest.mark.parametrize("name", ["msinet-vehicles", "runs/train", "/a/onnx:b", "onnx", "timm:resnet18"])
def test_other_names_are_of_models_of_msinet(name):
    assert RuntimeFile.named(name) is None


def test_the_home_folder_may_be_written_as_in_a_shell(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert str(RuntimeFile.named("onnx:~/a.onnx")) == "onnx:/home/somebody/a.onnx"


def test_a_link_keeps_its_own_description(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.onnx").symlink_to(tmp_path / "far" / "a.onnx")
    file = RuntimeFile("onnx", Path("link.onnx")).absolute()
    assert file.description == tmp_path / "link.pixels.json"


@pytest.mark.parametrize(("name", "weights"), [("onnx:a.onnx", "a.onnx.data"), ("openvino:a.xml", "a.bin")])
def test_the_fingerprint_is_of_the_file_and_of_weights_beside_it(tmp_path, monkeypatch, name, weights):
    monkeypatch.chdir(tmp_path)
    file = RuntimeFile.named(name)
    assert file
    file.path.write_bytes(b"a network")
    alone = file.fingerprint()
    Path(weights).write_bytes(b"its weights")
    together = file.fingerprint()
    Path(weights).write_bytes(b"its Weights")
    assert len({alone, together, file.fingerprint()}) == 3
    assert len(alone) == 16


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"cannot read .*a\.onnx"):
        RuntimeFile("onnx", tmp_path / "a.onnx").fingerprint()
