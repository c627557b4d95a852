"""Networks of others, on a tiny one whose vector is the mean colour; by OpenVINO where it is installed."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import msinet
from msinet.deploy.own_thread import in_own_thread
from msinet.deploy.predictor import Predictor
from msinet.engine.evaluate import facts_of, versions
from msinet.errors import MissingExtraError, ModelError
from msinet.model.model_files import load_model
from msinet.model.zoo import find_model
from msinet.normalisation import MEAN, STD

UINT8, FLOAT16 = 2, 10
"""ONNX's numbers of types."""
TEACHERS = Path(__file__).resolve().parents[4] / "shared" / "data" / "teachers"
AS_THEY_ARE = {"range": "0-255", "mean": [0, 0, 0], "std": [1, 1, 1]}


@pytest.fixture(params=["onnx", "openvino"])
def runtime(request):
    """Each runtime that is installed; OpenVINO reads ONNX files, too."""
    if request.param == "openvino":
        pytest.importorskip("openvino", reason="openvino is missing: pip install msinet[openvino]")
    return request.param


@pytest.fixture
def load(write_onnx, runtime):
    """Return a function that loads a network with an input of this shape, and this description beside it."""

    def load(*inputs, pixels: dict | None = None, **options) -> Predictor:
        path = write_onnx(*inputs, **options)
        if pixels is not None:
            path.with_suffix(".pixels.json").write_text(json.dumps(pixels))
        return Predictor(f"{runtime}:{path}")

    return load


def photo(path: Path, *colour: int) -> Path:
    Image.new("RGB", (20, 30), colour).save(path)
    return path


def noise(count: int) -> np.ndarray:
    """Images (B, 16, 8, 3) uint8."""
    return np.random.default_rng(0).integers(0, 256, (count, 16, 8, 3), np.uint8)


def test_images_are_given_as_described_and_vectors_are_of_unit_length(load, tmp_path):
    paths = [photo(tmp_path / "a.png", 200, 100, 50), photo(tmp_path / "b.png", 10, 20, 30)]
    network = load(pixels=AS_THEY_ARE | {"order": "BGR"})
    vectors = msinet.embed(network, paths).vectors
    expected = np.array([[50, 100, 200], [30, 20, 10]])
    assert (vectors.dtype, network.embedding_dim, network.image_size) == (np.float32, 3, (16, 8))
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), rtol=1e-5)


def test_without_a_description_it_sees_what_networks_of_msinet_see(load):
    images = noise(2)
    expected = ((images / 255 - MEAN) / STD).mean((1, 2))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(load().vectors(images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 2, 3, "B"])
def test_a_network_is_given_as_many_images_as_it_takes(load, batch):
    network, images = load((batch, 3, 16, 8), pixels=AS_THEY_ARE), noise(5)
    one_by_one = np.concatenate([network.vectors(image[None]) for image in images])
    np.testing.assert_allclose(network.vectors(images), one_by_one, rtol=1e-6)


def test_a_network_of_any_size_takes_the_size_that_is_written(load):
    with pytest.raises(ModelError, match=r'any size: write the one to use into .*colour\.pixels\.json: \{"size"'):
        load(("B", 3, "H", "W"))
    assert load(("B", 3, "H", "W"), pixels={"size": [24, 12]}).image_size == (24, 12)


def test_another_size_than_the_networks_is_refused(load):
    with pytest.raises(ModelError, match=r"takes images of 16 x 8, but .*colour\.pixels\.json says \[8, 16\]"):
        load(pixels={"size": [8, 16]})


@pytest.mark.parametrize(
    ("inputs", "options", "words"),
    [
        ([("B", 3, 16, 8), ("B", 1)], {}, "inputs and outputs 2 and 1: it needs one input"),
        ([("B", 3, 16, 8)], {"outputs": 2}, "inputs and outputs 1 and 2"),
        ([("B", 16, 8, 3)], {}, r"takes \(any, 16, 8, 3\): it has to take images"),
        ([("B", 3, 16)], {}, r"takes \(any, 3, 16\)"),
        ([("B", 3, 16, 8)], {"kind": UINT8, "pooled": False}, "takes numbers of the type .*: it has to take float"),
    ],
    ids=["two inputs", "two outputs", "channels last", "no image", "bytes"],
)
def test_networks_of_something_else_are_refused(load, inputs, options, words):
    with pytest.raises(ModelError, match=words):
        load(*inputs, **options)


def test_a_map_of_one_position_is_a_vector(load):
    assert load(flat=False).embedding_dim == 3


def test_half_precision_is_given_half_precision(load):
    network = load(kind=FLOAT16, pooled=False, pixels=AS_THEY_ARE)
    assert network.input.dtype is np.float16
    vectors = network.vectors(noise(2))
    assert (vectors.dtype, vectors.shape) == (np.float32, (2, 3 * 16 * 8))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.onnx", None, "there is no such file"),
        ("bad.onnx", b"not protocol buffers", "cannot read"),
        ("photo.xml", b"\xff\xd8\xff\xe0", "is a JPEG image: pass a file that"),
        ("page.xml", b"<html><body>", r"is a web page \(HTML\)"),
        ("folder", "folder", "is a folder: pass a file that"),
    ],
)
def test_a_file_that_is_no_network_is_named(runtime, tmp_path, name, content, words):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=words):
        Predictor(f"{runtime}:{path}")


@pytest.mark.parametrize("left", [1, 20, -20, -1])
def test_a_cut_off_file_is_named(runtime, write_onnx, left):
    path = write_onnx()
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ModelError, match=r"cannot read .*colour\.onnx"):
        Predictor(f"{runtime}:{path}")


def test_a_description_that_is_not_there_is_named(load):
    with pytest.raises(ModelError, match=r"pixels is none\.json: there is no such file"):
        Predictor(str(load().file), "none.json")


def test_its_facts_are_its_file_its_runtime_and_its_pixels(load, runtime):
    network = load(pixels={"order": "BGR"})
    facts = facts_of(network)
    assert (facts.kind, facts.image_size, facts.weights) == ("foreign", (16, 8), network.file.fingerprint())
    assert facts.arguments["file"] == "colour.onnx"
    assert facts.arguments["runtime"].startswith(f"{runtime} ")
    assert facts.arguments["pixels"]["order"] == "BGR"
    json.dumps(facts.arguments)
    package = {"onnx": "onnxruntime"}.get(runtime, runtime)
    assert (package in versions(facts), "openvino" in versions(facts)) == (True, runtime == "openvino")


@pytest.mark.parametrize("read", [load_model, find_model])
def test_it_has_no_weights_to_train(write_onnx, read):
    with pytest.raises(ModelError, match="only embeds: it has no weights to train or adapt here; pass"):
        read(f"onnx:{write_onnx()}")


def test_without_openvino_its_extra_is_named(write_onnx, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"openvino is missing.*msinet\[openvino\]"):
        Predictor(f"openvino:{write_onnx()}")


@pytest.fixture
def teacher(tmp_path):
    """A network of Open Model Zoo, trained on people, and its description."""
    pytest.importorskip("openvino", reason="openvino is missing: pip install msinet[openvino]")
    source = TEACHERS / "person-reidentification-retail-0287.xml"
    if not source.is_file():
        pytest.skip(f"{source} is missing")
    for suffix in (".xml", ".bin"):
        (tmp_path / f"people{suffix}").symlink_to(source.with_suffix(suffix))
    (tmp_path / "people.pixels.json").write_text(json.dumps(AS_THEY_ARE | {"order": "BGR"}))
    return Predictor(f"openvino:{tmp_path / 'people.xml'}")


def test_a_network_of_open_model_zoo_embeds_what_openvino_itself_gives(teacher):
    import openvino

    assert (teacher.image_size, teacher.embedding_dim) == ((256, 128), 256)
    colours = np.random.default_rng(0).integers(0, 256, (1, 256, 128, 3), np.uint8)
    exactly = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = in_own_thread(openvino.Core().compile_model, str(teacher.file.path), "CPU", exactly)
    vector = compiled([np.ascontiguousarray(colours[..., ::-1].transpose(0, 3, 1, 2), np.float32)])[0]
    np.testing.assert_allclose(teacher.vectors(colours), vector / np.linalg.norm(vector), atol=1e-6)


def test_openvinos_weights_that_are_missing_are_named(teacher):
    teacher.file.path.with_suffix(".bin").unlink()
    with pytest.raises(ModelError, match=r"cannot read .*people\.xml .*files that belong to it beside it"):
        Predictor(str(teacher.file))
