"""Exported networks embed as the networks do, describe themselves, and are not kept where they do not."""

import copy

import numpy as np
import pytest
import torch
from PIL import Image

import msinet
from msinet.data.records import ImageRecord, ReidSplits
from msinet.deploy import gate
from msinet.deploy.export import export_to
from msinet.deploy.formats import REFUSED, format_of, require_pair
from msinet.deploy.gate import agreement, shipped_images, vectors_of
from msinet.deploy.graph import Graph
from msinet.deploy.predictor import Predictor
from msinet.errors import FileError, ModelError, MSINetError, SettingsError
from msinet.jobs.export import export_model, images_for
from msinet.model.linear_map import LinearMap
from msinet.model.model_files import card_of
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet

PACKAGES = {"onnx": "onnxscript", "openvino": "openvino", "torch": "torch"}
SUFFIXES = {"onnx": ".onnx", "openvino": "", "torch": ".pt2"}


def trained(
    architecture: str = "all:none:1,1x1", width: float = 0.25, size: tuple[int, int] = (64, 48), seed: int = 0
) -> MSINet:
    """A network whose batch norms have statistics of their own, as after training, and with a linear map."""
    torch.manual_seed(seed)
    network = MSINet.build(5, size, width, Architecture.find(architecture))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(std=0.1)
    for name, parameter in network.named_parameters():
        if name.endswith("gamma"):  # Attention begins as nothing.
            parameter.data.fill_(0.7)
    network.adaptation = LinearMap(network.embedding_dim)
    network.adaptation.matrix += 0.1 * torch.randn_like(network.adaptation.matrix)
    network.adaptation.mean.normal_(std=0.02)
    return network.eval()


def pictures(network: MSINet, count: int = 9) -> np.ndarray:
    return np.stack([np.asarray(image.resize(network.image_size[::-1])) for image in shipped_images()[:count]])


def write(network: MSINet, folder, to: str, precision: str = "fp32", **options) -> Predictor:
    pytest.importorskip(PACKAGES[to], reason=f'{PACKAGES[to]} is missing: pip install "msinet[export]"')
    export_to(network, card_of(network), folder / f"net{SUFFIXES[to]}", to, precision, **options)
    return Predictor(folder / f"net{SUFFIXES[to]}", threads=1)


@pytest.mark.parametrize("architecture", ["veri776", "all:exchange"])
def test_a_folded_network_embeds_as_the_network_does(architecture):
    network = trained(architecture)
    pixels = pictures(network)
    found = Graph(network)(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(found, vectors_of(network, pixels), atol=2e-6)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in Graph(network).network.backbone.modules())


@pytest.mark.parametrize("to", PACKAGES)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_every_pair_agrees_at_any_batch_size_or_is_refused_with_the_reason(tmp_path, to, precision):
    network = trained()
    if (to, precision) in REFUSED:
        with pytest.raises(SettingsError, match=f"{to} with precision {precision} does not work"):
            require_pair(to, precision)
        return
    found = agreement(network, write(network, tmp_path, to, precision), pictures(network))
    assert found.cosine >= {"fp32": 0.99999, "fp16": 0.9999, "bf16": 0.999}[precision]


@pytest.mark.long
@pytest.mark.parametrize(
    ("architecture", "width", "size", "to"),
    [
        ("veri776", 0.25, (96, 64), "onnx"),
        ("msmt17", 0.5, (64, 48), "openvino"),
        ("msmt17", 0.25, (96, 64), "torch"),
    ],
)
def test_named_architectures_with_all_interactions_agree(tmp_path, architecture, width, size, to):
    network = trained(architecture, width, size)
    used = {place.interaction for stage in network.architecture.cells for cell in stage for place in cell}
    assert used == {"none", "exchange", "channel_gate", "cross_attention"}
    assert agreement(network, write(network, tmp_path, to), pictures(network)).cosine >= 0.99999


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network, and its ONNX file with the last map."""
    network = trained()
    return network, write(network, tmp_path_factory.mktemp("exported"), "onnx", last_map=True)


def test_the_card_travels_in_the_file(exported):
    network, predictor = exported
    assert predictor.exported.card == card_of(network)
    assert (predictor.kind, predictor.image_size, predictor.embedding_dim) == ("msinet", (64, 48), network.embedding_dim)
    assert predictor.arguments()["precision"] == "fp32"


def test_the_last_map_is_a_second_output(exported):
    network, predictor = exported
    pixels = pictures(network, 3)
    with torch.inference_mode():
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        expected = network(msinet.batches.augmentation.normalise(images)).last.numpy()
    np.testing.assert_allclose(predictor.maps([Image.fromarray(image) for image in pixels]), expected, atol=1e-4)


@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_half_precision_saves_two_bytes_a_weight(tmp_path, to):
    network = trained()
    folders = {precision: tmp_path / precision for precision in ("fp32", "fp16")}
    files = [write(network, folder, to, precision).file for precision, folder in folders.items()]
    single, half = (sum(part.stat().st_size for part in file.parts) for file in files)
    weights = sum(module.weight.numel() for module in network.modules() if isinstance(module, torch.nn.Conv2d))
    assert single - half > 2 * 0.9 * weights


def test_an_export_that_does_not_agree_is_not_kept_and_the_worst_image_is_named(tmp_path, monkeypatch):
    pytest.importorskip("onnxscript", reason='onnxscript is missing: pip install "msinet[export]"')
    network = trained()
    network.adaptation.matrix *= 1e6  # Too large for half precision; in float32 the vectors are scaled to unit length.
    msinet.save_model(network, tmp_path / "model")
    with pytest.raises(
        ModelError, match=r"does not embed as the network does.*image \d+ of those that ship is .* needs 0.9999"
    ):
        export_model(tmp_path / "model", tmp_path / "out" / "net.onnx", precision="fp16")
    assert list((tmp_path / "out").iterdir()) == []


def labelled(folder, count: int = 12) -> ReidSplits:
    """Query and gallery of the images that ship, each twice, once of them darker."""
    records = []
    for number, image in enumerate(shipped_images()[:count]):
        for camera, shade in (("1", 1.0), ("2", 0.8)):
            path = folder / f"{number}-{camera}.png"
            image.point(lambda level, shade=shade: int(level * shade)).save(path)
            records.append(ImageRecord(path, str(number), camera))
    return ReidSplits("shades", query=tuple(records[::2]), gallery=tuple(records[1::2]))


@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_int8_is_calibrated_scored_and_refused_where_it_loses_too_much(tmp_path, to):
    pytest.importorskip("nncf", reason='nncf is missing: pip install "msinet[export]"')
    network, splits, out = trained(), labelled(tmp_path), tmp_path / f"net{SUFFIXES[to]}"
    msinet.save_model(network, tmp_path / "model")
    with pytest.raises(SettingsError, match="int8 needs data with query and gallery"):
        export_model(tmp_path / "model", out, to, "int8")
    done = export_model(tmp_path / "model", out, to, "int8", splits, largest_loss=100)
    assert done.size < sum(part.stat().st_size for part in write(network, tmp_path / "float", to).file.parts)
    loss = 100 * (done.score_before - done.checked.score)
    before = out.stat().st_mtime_ns
    with pytest.raises(ModelError, match=r"int8 loses .* points of mAP"):
        export_model(tmp_path / "model", out, to, "int8", splits, largest_loss=loss - 0.01)
    assert out.stat().st_mtime_ns == before


def test_how_a_network_was_trained_does_not_say_how_its_file_computes(tmp_path):
    pytest.importorskip("openvino", reason='openvino is missing: pip install "msinet[openvino]"')
    network = trained()
    card = card_of(network, {"training": {"precision": "bf16"}})
    export_to(network, card, tmp_path / "net", "openvino")
    assert agreement(network, Predictor(tmp_path / "net", threads=1), pictures(network)).cosine >= 0.999999


def test_models_of_the_same_card_have_files_of_their_own(tmp_path, monkeypatch):
    pytest.importorskip("onnxscript", reason='onnxscript is missing: pip install "msinet[export]"')
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    vectors = []
    for folder in ("a", "b"):
        network = trained()
        network.adaptation.mean.add_(0.1 if folder == "b" else 0)
        msinet.save_model(network, tmp_path / folder)
        (tmp_path / folder / "model.json").write_text((tmp_path / "a" / "model.json").read_text())
        vectors.append(Predictor(tmp_path / folder).vectors(pictures(network)))
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01


def test_an_export_into_a_folder_leaves_the_users_files(tmp_path):
    pytest.importorskip("openvino", reason='openvino is missing: pip install "msinet[openvino]"')
    network, out = trained(), tmp_path / "net"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    write(network, tmp_path, "openvino")
    write(network, tmp_path, "openvino")
    assert sorted(path.name for path in out.iterdir()) == ["model.bin", "model.xml", "notes.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    network = trained()
    with pytest.raises(FileError, match=r"cannot write .*net\.pt2"):
        export_to(network, card_of(network), tmp_path / "file" / "net.pt2", "torch")


@pytest.mark.parametrize(
    ("out", "to", "expected"),
    [("a.onnx", None, "onnx"), ("a.pt2", None, "torch"), ("a", None, "openvino"), ("a.d", "openvino", "openvino")],
)
def test_the_format_follows_from_the_output(tmp_path, out, to, expected):
    assert format_of(tmp_path / out, to) == expected


@pytest.mark.parametrize(("out", "to"), [("a.bin", None), ("a", "onnx"), ("a.onnx", "torch"), ("a.onnx", "openvino")])
def test_an_output_of_another_format_is_refused(tmp_path, out, to):
    with pytest.raises(SettingsError, match="out is"):
        format_of(tmp_path / out, to)


def test_the_images_that_ship_are_enough_and_differ():
    sheet = [np.asarray(image, np.float32) for image in shipped_images()]
    assert len(sheet) >= 64
    assert min(np.abs(one - other).mean() for k, one in enumerate(sheet) for other in sheet[:k]) > 3


def test_few_images_of_the_users_are_joined_by_those_that_ship(tmp_path):
    splits = labelled(tmp_path, 2)
    (tmp_path / "0-1.png").write_bytes(b"broken")
    names, pixels = images_for(splits, (32, 16))
    assert pixels.shape == (3 + gate.SHEET_ROWS * gate.SHEET_COLUMNS, 32, 16, 3)
    assert [name[-7:] for name in names[:3]] == ["1-1.png", "0-2.png", "1-2.png"]


def test_a_file_of_a_later_version_is_refused(exported):
    facts = exported[1].exported
    later = facts.to_json().replace('"format": 1', '"format": 99', 1)
    with pytest.raises(ModelError, match="install that version"):
        type(facts).of(later, exported[1].file)
    with pytest.raises(ModelError, match="export it again"):
        type(facts).of("{}", exported[1].file)


def test_a_network_is_not_changed_by_its_export(exported):
    network = exported[0]
    assert network.state_dict().keys() == trained().state_dict().keys()
    assert copy.deepcopy(network).fingerprint() == trained().fingerprint()


def test_what_only_embeds_cannot_be_exported(exported, tmp_path):
    with pytest.raises(MSINetError, match="only embeds"):
        export_model(exported[1].file.path, tmp_path / "again.onnx")
