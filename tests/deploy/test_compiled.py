import os
from pathlib import Path

import numpy as np
import pytest
from tests.onnx_file import write_mean_colour

from msinet.deploy import compiled
from msinet.deploy.predictor import Predictor
from msinet.deploy.runtimes import open_file
from msinet.errors import ModelError
from msinet.model.runtime_file import RuntimeFile

openvino = pytest.importorskip("openvino", reason='openvino is missing: pip install "msinet[openvino]"')

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 8, 3), np.uint8)


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Path:
    """The folder of compiled networks, in a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/msinet/compiled"


@pytest.fixture
def file(tmp_path) -> str:
    """A network as a file of OpenVINO."""
    openvino.save_model(openvino.Core().read_model(write_mean_colour(tmp_path / "colour.onnx")), tmp_path / "colour.xml")
    return str(tmp_path / "colour.xml")


def uncompiled(monkeypatch) -> None:
    """Let OpenVINO compile nothing any more."""

    def refuse(core, model, device, options):
        raise RuntimeError("it would be compiled")

    monkeypatch.setattr(openvino.Core, "compile_model", refuse)


def test_a_network_is_compiled_once(kept, file, monkeypatch):
    vectors = Predictor(file).vectors(IMAGES)
    uncompiled(monkeypatch)
    again = Predictor(file)
    np.testing.assert_array_equal(again.vectors(IMAGES), vectors)
    assert again.opened.inputs[0].shape == (None, 3, 16, 8)
    with pytest.raises(ModelError, match="it would be compiled"):
        Predictor(file, threads=1)


def test_another_file_under_the_same_name_is_compiled_anew(kept, file, monkeypatch):
    Predictor(file)
    path = Path(file)
    path.write_bytes(path.read_bytes() + b"\n")
    uncompiled(monkeypatch)
    with pytest.raises(ModelError, match="it would be compiled"):
        Predictor(file)


def test_another_processor_compiles_for_itself(kept, file, monkeypatch):
    """A home folder may be shared by machines of several kinds."""
    Predictor(file)
    monkeypatch.setattr(compiled, "instructions", lambda: "of another processor")
    Predictor(file)
    assert len(list(kept.iterdir())) == 2


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"", lambda content: content[::-1]])
def test_what_is_damaged_is_compiled_again(kept, file, damage):
    vectors = Predictor(file).vectors(IMAGES)
    (blob,) = kept.iterdir()
    damaged = damage(blob.read_bytes())
    blob.write_bytes(damaged)
    np.testing.assert_array_equal(Predictor(file).vectors(IMAGES), vectors)
    assert blob.read_bytes() != damaged and compiled._read(blob)


def test_what_openvino_refuses_is_compiled_again(kept, file, monkeypatch):
    """As after a change of its libraries that its version does not tell."""
    vectors = Predictor(file).vectors(IMAGES)

    def refuse(core, content, device, options):
        raise RuntimeError("another version")

    monkeypatch.setattr(openvino.Core, "import_model", refuse)
    np.testing.assert_array_equal(Predictor(file).vectors(IMAGES), vectors)


def test_without_a_place_for_it_nothing_is_kept(kept, file, monkeypatch):
    kept.parent.parent.mkdir()
    kept.parent.write_text("a file where the folder should be")
    vectors = Predictor(file).vectors(IMAGES)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "")
    np.testing.assert_array_equal(Predictor(file).vectors(IMAGES), vectors)


def test_those_unused_for_longest_are_removed(kept, file, monkeypatch):
    for threads in (1, 2, 3):
        Predictor(file, threads=threads)
    first, second, third = sorted(kept.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for days, path in enumerate((third, first, second)):
        os.utime(path, (1e9 - 86400 * days, 1e9 - 86400 * days))
    Predictor(file, threads=1)  # The oldest is used today.
    monkeypatch.setattr(compiled, "LARGEST", int(3.5 * third.stat().st_size))
    Predictor(file, threads=4)
    left = set(kept.iterdir())
    assert len(left) == 3 and {first, third} < left and second not in left


def test_only_predictors_keep(kept, file):
    open_file(RuntimeFile("openvino", Path(file)), threads=1)
    assert not kept.exists()


def test_onnx_files_are_not_kept(kept, tmp_path):
    """Their weights may lie in files of any name."""
    Predictor(f"openvino:{write_mean_colour(tmp_path / 'colour.onnx')}")
    assert not kept.exists()
