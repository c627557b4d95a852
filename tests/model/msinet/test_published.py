"""Published checkpoints compute here what they compute there: `published_anchors.json` has the numbers."""

import os
import re

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from msinet.errors import ModelError
from msinet.losses.alignment import alignment_loss
from msinet.losses.identity import identity_loss
from msinet.losses.triplet import triplet_loss
from msinet.model.model_files import save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.published import load_published, our_name, read_published
from msinet.model.msinet.spatial_alignment import PositionActivation
from msinet.model.msinet.widths import channels_at

CASES = [
    pytest.param(name, number, id=f"{name} {size}", marks=[pytest.mark.long] if number == 2 else [])
    for name in ("msmt17", "veri776")
    for number, size in enumerate(("64x64", "80x48", "256x128"))
]


ALIGNMENTS = {
    "published_transposed_with_self_pairs": {"self_pairs": True, "transposed": True},
    "equation_7_with_self_pairs": {"self_pairs": True},
    "equation_7_without_self_pairs": {},
}


def close_to_published(found, expected):
    """Compare at 1e-8 of the largest value, as the anchors ask."""
    expected = torch.as_tensor(expected)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-8 * expected.abs().max().item())


def published_activation(tensors):
    """Return the position activation of a published checkpoint."""
    prefix = "align_module.pos_pam."
    own = {name.removeprefix(prefix).replace("_conv", ""): t for name, t in tensors.items() if name.startswith(prefix)}
    module = PositionActivation(512)
    module.load_state_dict(own)
    return module


@pytest.fixture
def read(tmp_path):
    """Return a function that writes content to a file and reads it as a published checkpoint."""

    def write_and_read(content, architecture="msmt17", **options):
        torch.save(content, tmp_path / "published.pth")
        return read_published(tmp_path / "published.pth", architecture, **options)

    return write_and_read


@pytest.fixture
def msmt17(published_tensors):
    return published_tensors("msmt17")


# What it computes


@pytest.mark.parametrize(("architecture", "number"), CASES)
def test_the_formula_names_the_tensors_of_the_published_network(anchors, published_tensors, architecture, number):
    case = anchors["networks"][architecture]["cases"][number]
    names = list(published_tensors(architecture, with_sam=case["with_sam"]))
    assert (len(names), names[:3]) == (case["tensors"], case["first_names"])


@pytest.mark.parametrize(("architecture", "number"), CASES)
@torch.no_grad()
def test_features_are_the_published_ones(anchors, published_tensors, formula_images, read, double, architecture, number):
    case = anchors["networks"][architecture]["cases"][number]
    network = read(published_tensors(architecture, with_sam=case["with_sam"]), architecture).network
    features = network(formula_images(case["input_seed"], case["input_shape"]))
    embedding = features.embedding
    close_to_published(features.heads[0].feature[:3, :8], case["first8_of_global"])
    close_to_published(features.heads[1].feature[:3, :8], case["first8_of_part"])
    close_to_published(features.heads[1].feature[:3, -8:], case["last8_of_part"])
    close_to_published(
        torch.cat([features.heads[0].feature, features.heads[1].feature], 1).norm(dim=1), case["feature_norms"]
    )
    close_to_published(embedding @ embedding[0], case["unit_embedding_products_with_first"])


@pytest.mark.long
@pytest.mark.parametrize("architecture", ["msmt17", "veri776"])
@torch.no_grad()
def test_training_losses_are_the_published_ones(anchors, published_tensors, formula_images, read, double, architecture):
    case = anchors["networks"][architecture]["cases"][2]
    expected, labels = case["train"], torch.tensor(case["train"]["labels"])
    tensors = published_tensors(architecture, with_sam=True)
    network = read(tensors, architecture).network.train()
    features = network(formula_images(case["input_seed"], case["input_shape"]))
    for head, name in ((features.heads[0], "global"), (features.heads[1], "part")):
        close_to_published(triplet_loss(head.feature, labels), expected[f"triplet_loss_{name}"])
        close_to_published(identity_loss(head.logits, labels), expected[f"identity_loss_{name}"])
    activation = published_activation(tensors)(features.last)
    for form, options in ALIGNMENTS.items():
        for mode in ("positive", "negative"):
            loss = alignment_loss(features.last, labels, activation, mode, **options)
            close_to_published(loss, expected["alignment"][form][mode])


# What it reads


def test_every_tensor_gets_its_place(msmt17, read, double):
    network = read(msmt17).network.state_dict()
    assert all(torch.equal(network[our_name(name)], tensor) for name, tensor in msmt17.items())
    assert len({our_name(name) for name in msmt17}) == len(msmt17)


def test_a_network_is_read_ready_to_embed(msmt17, read):
    assert not read(msmt17).network.training


@pytest.mark.parametrize(
    "arranged",
    [
        pytest.param(lambda tensors: {"state_dict": tensors, "epoch": 350, "best_mAP": 0.5}, id="under state_dict"),
        pytest.param(lambda tensors: {f"module.{name}": tensor for name, tensor in tensors.items()}, id="module."),
        pytest.param(
            lambda tensors: {"state_dict": {f"module.{name}": tensor for name, tensor in tensors.items()}}, id="both"
        ),
    ],
)
def test_tensors_may_lie_under_state_dict_and_have_the_prefix_of_several_gpus(msmt17, read, arranged):
    plain, other = read(msmt17).network.state_dict(), read(arranged(msmt17)).network.state_dict()
    assert all(torch.equal(plain[name], other[name]) for name in plain)


def test_sams_tensors_are_named_as_left_out(published_tensors, read):
    sam = {f"align_module.pos_pam.{layer}_conv.{kind}" for layer in ("query", "key") for kind in ("weight", "bias")}
    assert set(read(published_tensors("msmt17", with_sam=True)).left_out) == sam


def test_nothing_else_is_left_out(msmt17, read):
    assert read(msmt17).left_out == ()


def test_counters_of_batch_norms_are_named_as_left_out(msmt17, read):
    counter = {"conv1.bn.num_batches_tracked": torch.tensor(7)}
    assert read(msmt17 | counter).left_out == ("conv1.bn.num_batches_tracked",)


def test_a_gate_of_linear_layers_is_the_same_gate(msmt17, read):
    linear = {name: t.flatten(1) if re.search(r"_op\d\.fc\d\.weight", name) else t for name, t in msmt17.items()}
    assert linear["cells.0._op2.fc1.weight"].shape == (4, 64)
    as_convolutions, as_linear = read(msmt17).network.state_dict(), read(linear).network.state_dict()
    assert all(torch.equal(as_convolutions[name], as_linear[name]) for name in as_convolutions)


def test_any_number_of_identities(published_tensors, read):
    network = read(published_tensors("msmt17", identities=7)).network
    assert network.identities == network.part_head.head.classifier.out_features == 7


@pytest.mark.parametrize(
    ("architecture", "size"),
    [
        ("msmt17", (256, 128)),
        ("veri776", (256, 256)),
        (Architecture.named("msmt17"), (256, 128)),
        (Architecture.named("veri776"), (256, 256)),
    ],
    ids=["msmt17", "veri776", "msmt17 as a value", "veri776 as a value"],
)
def test_image_size_is_peoples_for_msmt17_and_else_vehicles(published_tensors, read, architecture, size):
    name = "msmt17" if size == (256, 128) else "veri776"
    assert read(published_tensors(name), architecture).network.image_size == size


def test_load_published_returns_the_network_alone(msmt17, tmp_path):
    torch.save(msmt17, tmp_path / "published.pth")
    network = load_published(tmp_path / "published.pth", image_size=(128, 64))
    assert network.image_size == (128, 64)
    assert torch.equal(network.part_head.reduce.bias, msmt17["f_conv.bias"].float())


# What it refuses


def test_missing_tensors_are_listed(msmt17, read):
    del msmt17["conv1.bn.bias"], msmt17["cells.3._op3.fc1.weight"]
    with pytest.raises(ModelError, match=r"in 2 tensors") as error:
        read(msmt17)
    assert f"missing {our_name('conv1.bn.bias')}" in str(error.value)
    assert f"missing {our_name('cells.3._op3.fc1.weight')}" in str(error.value)


def test_misshapen_tensors_are_listed_with_both_shapes(msmt17, read):
    name = "cells.2.0.conv.weight"
    with pytest.raises(ModelError, match=re.escape(f"{our_name(name)} is (256, 128, 1, 1), not (256, 256, 1, 1)")):
        read(msmt17 | {name: torch.zeros(256, 128, 1, 1)})


def test_unknown_tensors_are_listed(msmt17, read):
    with pytest.raises(ModelError, match=r"(?s)in 2 tensors.*unknown .*cells\.8\.fc.*unknown .*extra\.weight"):
        read(msmt17 | {"extra.weight": torch.zeros(3), "cells.8.fc": torch.zeros(3)})


def test_weights_of_another_architecture_are_refused(msmt17, read):
    with pytest.raises(ModelError, match=r"holds the weights of msmt17.*: set architecture to msmt17$") as error:
        read(msmt17, "veri776")
    assert error.value.settings == ("architecture",)


def test_interactions_are_not_dropped_silently(msmt17, read):
    """The file's gates have no place in a network without any: its features would be others without a word."""
    msmt17["cells.0._op2.fc1.bias"] = torch.zeros(5)  # of no named architecture
    with pytest.raises(ModelError, match=r"(?s)pass the architecture that the weights were trained with.*_op2"):
        read(msmt17, "all:none")


@pytest.mark.parametrize(
    "content",
    [[1, 2], {"epoch": 3}, {"state_dict": {}}, {"classifier.weight": torch.zeros(5)}, {"conv1.conv.weight": torch.ones(1)}],
    ids=["a list", "no tensors", "empty", "a classifier of one dimension", "no classifier"],
)
def test_a_file_that_holds_something_else_is_refused(read, content):
    with pytest.raises(ModelError, match=r"published\.pth"):
        read(content)


@pytest.mark.parametrize(
    "tensors",
    [
        {"module.conv1.conv.weight": torch.zeros(3, 3), "classifier.weight": torch.zeros(751, 512)},
        {
            "layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1),
            "fc.weight": torch.zeros(1000, 2048),
            "fc.bias": torch.zeros(1000),
        },
        {"backbone.stem.0.weight": torch.zeros(3)},
    ],
    ids=["another network of the field", "a ResNet", "names of ours"],
)
@pytest.mark.parametrize("key", ["state_dict", "model", None])
def test_another_network_is_named_in_one_line(read, tensors, key):
    with pytest.raises(ModelError, match=r"is not a checkpoint of MSINet: \d+ of its (\d+) tensors are missing") as error:
        read({key: tensors, "epoch": 3} if key else tensors)
    assert "\n" not in str(error.value)
    assert "msinet evaluate --embeddings" in str(error.value)


def test_safetensors_are_read_too(msmt17, tmp_path):
    save_file({name: tensor.contiguous() for name, tensor in msmt17.items()}, tmp_path / "published.safetensors")
    network = load_published(tmp_path / "published.safetensors").state_dict()
    assert all(torch.equal(network[our_name(name)], tensor.float()) for name, tensor in msmt17.items())


def test_our_own_model_needs_no_conversion(tmp_path):
    save_model(MSINet(Architecture.uniform("none"), 3, channels_at(0.25)), tmp_path)
    with pytest.raises(ModelError, match=r"model\.safetensors is of msinet itself and needs no conversion"):
        load_published(tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="is a model of msinet already"):
        load_published(tmp_path)


def compiled(path):
    torch.jit.script(nn.Linear(2, 2)).save(path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("write", "words"),
    [
        (
            lambda path: torch.save(nn.Linear(2, 2), path),
            r"holds torch\.nn\.modules\.linear\.Linear, which could run code; where it",
        ),
        (
            lambda path: torch.save({"a": torch.zeros(2), "best": np.float64(0.5)}, path),
            r"holds numpy\.\S+scalar, which could run",
        ),
        (compiled, r"is a TorchScript archive, a compiled network: where it was made, save its tensors alone"),
        (lambda path: path.write_bytes(b"\xff\xd8\xff\xe0 photo"), "is a JPEG image: msinet convert reads a checkpoint"),
        (lambda path: path.write_text("weights, sir"), "is a text file: msinet convert reads"),
        (
            lambda path: path.write_text("<!DOCTYPE html><title>Sign in"),
            r"is a web page \(HTML\): the download asks for a login",
        ),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
        (lambda path: path.touch(), "is an empty file: download or copy it again"),
        (lambda path: path.mkdir(), "is a folder: pass the file of the checkpoint"),
        (lambda path: path.write_bytes(b"\x1f\x8b packed"), "is a compressed archive .gzip.: unpack it"),
        (lambda path: save_file({"fc.weight": torch.zeros(2)}, path), "is not a checkpoint of MSINet"),
    ],
)
def test_any_other_file_says_what_it_is(tmp_path, write, words):
    write(tmp_path / "file.pth")
    with pytest.raises(ModelError, match=words) as error:
        load_published(tmp_path / "file.pth")
    assert "weights_only" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_names_a_checkpoint_in_it(tmp_path):
    (tmp_path / "best.pth").touch()
    with pytest.raises(ModelError, match=r"is a folder: pass the file of the checkpoint, such as .*best\.pth"):
        load_published(tmp_path)


class Malicious:
    """Unpickled carelessly, it makes a folder."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_a_pickle_that_would_run_code_is_refused(msmt17, read, tmp_path):
    with pytest.raises(ModelError, match=r"no checkpoint that can be read safely"):
        read(msmt17 | {"trap": Malicious(tmp_path / "run")})
    assert not (tmp_path / "run").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.pth: there is no such file"):
        load_published(tmp_path / "nowhere.pth")


@pytest.mark.parametrize("kept", [0, 1, 100, 200_000], ids="{} bytes".format)
def test_a_truncated_file_is_refused(msmt17, tmp_path, kept):
    torch.save(msmt17, tmp_path / "published.pth")
    os.truncate(tmp_path / "published.pth", kept)
    with pytest.raises(ModelError, match=r"published\.pth"):
        load_published(tmp_path / "published.pth")


@given(content=st.binary(max_size=40))
@example(b"J")  # an integer of which the four bytes are missing
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_of_any_bytes_is_refused(tmp_path, content):
    (tmp_path / "bytes.pth").write_bytes(content)
    with pytest.raises(ModelError, match=r"bytes\.pth"):
        load_published(tmp_path / "bytes.pth")
